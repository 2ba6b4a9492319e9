// Package herald tells owners how the cloud is: by outlets of their own, signed,
// in plain words, with the number of their devices that an incident hits.
//
//	incidents ─┐                      ┌─▶ incident.opened, .updated, .resolved
//	impact ────┼─▶ one owner's post ──┤
//	devices ───┘                      └─▶ device.offline, device.online
//
// When the fault is the cloud's, an owner hears of it once, with that number; the
// alerts of single devices are held meanwhile and counted. What is sent is known
// by its id, so that a restart repeats nothing.
package herald
