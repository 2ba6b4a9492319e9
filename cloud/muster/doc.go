// Package muster calls the roll after a mass disconnect: which devices were
// there, which are back and after how long, and which are missing, one by one.
//
// A disconnect is one when the cloud starts behind a process that had devices,
// when a drain sends them away, and when many lose their connection at once.
// Every device that was there is looked for until it is back, which means that
// it has answered since; who is not is listed with the reason and with the time
// by which its own clock brings it back.
//
//	bus: online, offline ─▶ inbox ─▶ look, once a second ─▶ Roll: a file of who ought to be here
//	                                   │ ▲                  heads: how many came back when
//	                                   ▼ │
//	                                States, of those who came, left or are missing
//
// The roll outlives the process, so that a crash forgets nobody who was there,
// and a second one nobody who was missing since the first. Nothing here is in
// the way of a packet: lanes do not know that there is a roll.
package muster
