// Package gateway is the devices' door: sockets, workers, the table of who is
// connected, and the goroutines that run the lanes.
//
//	datagram ─▶ reader ─▶ route ─▶ mailbox ─▶ Lane.Step ─▶ session.Step
//	   ▲                                          │
//	   └─────────── writer ◀── perform ◀── Outs ──┘─▶ store, bus, workers
//
// What happens in between is decided in package lane, which is pure; this
// room has what is not: sockets in batches, a goroutine a lane, a bounded
// pool of workers for RSA and one for looking into the store. Any reader may
// read any datagram; route finds its lane.
//
// A lane with nothing to do is not woken for little: whoever brings something
// has the lane's turn and lets it happen, be it the reader or the caller of a
// function. So a call passes from one goroutine to another twice, where it waits
// for the device and where its answer comes. When there is much to do the lane's
// own goroutine has the turn, and those who bring something go back for more.
//
// The lane never blocks. Whatever it waits for comes back as an input: keys
// that were looked up, records that are durable, RSA that is done. Every
// queue on the way is bounded and has a counter for what it refused; what is
// beyond is dropped, and devices repeat themselves.
//
// The table of sessions is the only source of what the HTTP API calls
// connected.
package gateway
