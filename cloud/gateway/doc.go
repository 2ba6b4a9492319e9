// Package gateway is the devices' door: sockets, handshakes, the table of
// sessions, and the lanes that own them.
//
// # Lanes
//
// A lane owns a share of the devices: their handshakes, sessions, timers and
// indexes. There is one lane a core, each run by one goroutine, and nothing
// in it is shared. Lane.Step is pure: what happens comes in as an In, what is
// to be done goes out as an Out, and it has no goroutine, socket, clock or
// source of chance of its own. So a trace of a lane is a test, and a whole
// cloud can run on simulated time.
//
//	datagram ─▶ reader ─▶ route ─▶ mailbox ─▶ Lane.Step ─▶ session.Step
//	   ▲                                          │
//	   └─────────── writer ◀── perform ◀── Outs ──┘─▶ store, bus, workers
//
// Any reader may read any datagram. The first byte of a connection id names
// the lane; a handshake belongs to the lane that its address hashes to; older
// devices, which have no connection id, are found by address or, when they
// have just moved, by device id in an index that changes only when a session
// begins, moves or ends.
//
// The lane never blocks. What takes long is done elsewhere and comes back as
// an In: RSA in a bounded pool of workers, keys looked up in the store, and
// records made durable by the store's group commit.
//
// # One owner
//
// A device has one live session. The table of sessions says which: whoever
// says Hello last takes the device over, and the lane that had it is told to
// end its session without a word. The table is the only source of what the
// HTTP API calls connected.
package gateway
