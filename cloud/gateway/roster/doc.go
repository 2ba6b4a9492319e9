// Package roster says who has which device, and who gets what comes for it:
// the connection that holds a device and the one that may store its session,
// the state that it is in, the lane that a datagram is for and the one that
// takes a stored session up.
//
//	datagram ─▶ Guide.Route ─▶ lane ─▶ Take, Drop, Show ─▶ Table ─▶ who asks
//	                                   Offer ─▶ RowOf ─▶ store ─▶ TakeUp ─▶ lane
//
// The gateway asks it from many goroutines. It has no goroutine of its own and
// no clock, so that a cloud on simulated time decides these things with the
// very same code.
package roster
