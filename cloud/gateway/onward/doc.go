// Package onward carries on what comes to a process that has handed its devices
// over to the one that has them: calls that people made there before its doors
// were closed, events that they published, devices that they claimed. It has
// both ends: a Successor is what the older process sees of the newer, an Ancestor
// what the newer sees of the older, until that has nothing more to do.
package onward
