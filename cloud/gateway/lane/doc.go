// Package lane owns a share of the devices: their handshakes, sessions,
// timers and indexes.
//
// There is one lane a core, each run by one goroutine of cloud/gateway, and
// nothing in it is shared. Lane.Step is pure: what happens comes in as an In,
// what is to be done goes out in Outs, and it has no goroutine, socket, clock
// or source of chance of its own. So a trace of a lane is a test, and a whole
// cloud can run on simulated time.
//
// # How a device gets in
//
//	UDP                                       TCP
//	ClientHello ─▶ cookie, no state yet       connection ─▶ 40 random bytes
//	again, with cookie ─▶ handshake           256 bytes ─▶ a worker opens them
//	key proven ─▶ whose is it? (LookUpKey)    id and key ─▶ is it that one's? (LookUpKey)
//	record stored (Save) ─▶ Finished          a worker makes the reply (MakeReply)
//	Hello ─▶ the device is taken over         Hello ─▶ the device is taken over
//
// A key that is on no file is heard until its Hello says which device it
// claims to be; then it is refused, or trusted where that is allowed. Such
// sessions are bounded in number and never stored.
//
// # What a record finds
//
// The first byte of a connection id names the lane. Inside, the id finds the
// connection; older devices are found by address, or, when they have just
// moved, by device id. Handshakes are found by address alone.
//
// # One owner
//
// A device has one live session. Whoever says Hello last, or comes back
// within a stored session, takes the device over (Take); the session that it
// had before ends without a word. Late packets of it find nothing, and are
// counted.
package lane
