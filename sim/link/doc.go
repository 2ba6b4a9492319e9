// Package link is a bad network in memory: datagrams and streams that are
// lost, late, doubled, out of order, too long, or sent to an address that a
// NAT has given away.
//
// It has no clock and no goroutine. The caller says what time it is and asks
// for what has arrived; all chance comes from one seed. So the same calls give
// the same packets in the same order, and a run that went wrong can be had
// again.
//
//	n := link.New(seed, link.Path{Delay: 40 * time.Millisecond, Loss: 0.01})
//	n.Send(now, device, server, datagram)
//	for _, p := range n.Arrived(n.Deadline()) { … }
package link
