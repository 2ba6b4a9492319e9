package lane

import (
	"net/netip"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/session"
	"github.com/cyan-cloud/cyan/wire/dtls"
)

// know notes whose connection c is: the device has proven its key. Until it
// takes the device over it is among those that arrive.
func (l *Lane) know(c *conn, f *Found) {
	c.device = f.Device
	c.own(f.Owner)
	l.arriving[c] = struct{}{}
}

// connsOf lists the connections that have proven to be the device: the one
// that has it, and those that arrive.
func (l *Lane) connsOf(id device.ID) []*conn {
	var list []*conn
	if c := l.byDevice.of(id); c != nil {
		list = append(list, c)
	}
	for c := range l.arriving {
		if c.device == id {
			list = append(list, c)
		}
	}
	sortConns(list)
	return list
}

// LastRecords gives the records of the sessions that outlive the lane, at a
// planned stop. The lane must not be stepped any more.
func (l *Lane) LastRecords() []session.Record {
	var last []*conn
	for c := range l.conns.all() {
		if c.udp && c.saved && c.held {
			last = append(last, c)
		}
	}
	sortConns(last)
	list := make([]session.Record, len(last))
	for i, c := range last {
		list[i] = c.sess.LastRecord()
	}
	return list
}

// ownerChanged notes whose the device is now.
func (l *Lane) ownerChanged(id device.ID, owner account.ID) {
	for _, c := range l.connsOf(id) {
		l.unsubscribe(c)
		c.own(owner)
		if c.sess != nil {
			l.subscribe(c)
		}
	}
}

// closeDevice ends whatever connections the device has, also those that have
// only shown their key yet.
func (l *Lane) closeDevice(now time.Time, id device.ID, why device.Reason, outs *Outs) {
	list := l.connsOf(id)
	var gone []session.Record
	for _, c := range list {
		if c.udp && c.sess != nil { // also what is only on its way to the store
			gone = append(gone, c.sess.Heading())
		}
		if c.sess != nil && (c.saved || !c.udp) {
			l.step(now, c, session.In{Kind: session.Close, Reason: why}, outs)
			continue
		}
		l.fail(now, c, why, ending(why), outs)
		if c.shake != nil {
			outs.send(c.shake.Refuse(dtls.AccessDenied), c.peer(), c.shake.local)
		}
		l.end(now, c, outs)
	}
	for i := range gone {
		outs.add(Out{Kind: Forget, Record: &gone[i]})
	}
}

// ShakesHands tells whether a handshake that has not ended runs at the address.
func (l *Lane) ShakesHands(from netip.AddrPort) bool {
	c := l.shaking[from]
	return c != nil && !c.saved
}

// Traits gives by what a connection's device is counted; false: it has ended, or
// has no session.
func (l *Lane) Traits(conn uint64) (device.Traits, bool) {
	c := l.conns.of(conn)
	if c == nil || c.sess == nil {
		return device.Traits{}, false
	}
	h := c.sess.Hello()
	t := device.Traits{Owner: c.owner(), Transport: "tcp", Product: h.ProductID, Firmware: h.ProductVersion, System: h.SystemVersion}
	if c.udp {
		t.Transport = "udp"
	}
	return t, true
}
