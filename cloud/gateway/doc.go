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
// The lane never blocks. Whatever it waits for comes back as an input: keys
// that were looked up, records that are durable, RSA that is done. Every
// queue on the way is bounded and has a counter for what it refused; what is
// beyond is dropped, and devices repeat themselves.
//
// The table of sessions is the only source of what the HTTP API calls
// connected.
package gateway
