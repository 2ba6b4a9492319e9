package lane

import (
	"encoding/binary"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/wire/dtls"
)

// Devices do not spread their tries: after an outage a whole fleet knocks in
// the same second, is refused in the same second, and comes again together
// for hours. So what we cannot take just now is not refused at once but after a
// time of chance. Simulated with Device OS's clock, that brings a fleet back
// within two and a half minutes instead of an hour.
const (
	holdMost = 10 * time.Second
	heldMost = 4096 // refusals that one lane keeps waiting; what is beyond is refused at once
)

// ours tells whether a refusal is our doing, and so worth holding.
func ours(why device.Reason) bool { return why.Fault() == device.Cloud }

// turnAway refuses a device for a reason that is on record by now: at once, or
// after a while.
func (l *Lane) turnAway(now time.Time, c *conn, why device.Reason, outs *Outs) {
	if !ours(why) || l.cfg.RefuseAtOnce || len(l.held) >= heldMost {
		l.letGo(c, why, outs)
		l.end(now, c, outs)
		return
	}
	var b [2]byte
	l.cfg.Random(b[:])
	wait := time.Duration(binary.BigEndian.Uint16(b[:])) * holdMost >> 16
	l.leaveHalfOpen(c)
	l.arrived(c)
	l.settleClaim(c)
	l.held[c] = refusalDue{at: now.Add(wait).UnixMilli(), why: why}
	l.stats.Held++
	l.rearm(c)
}

// refusalDue is a refusal that waits.
type refusalDue struct {
	at  int64 // Unix milliseconds
	why device.Reason
}

// letGo tells the device, in its own way, that it is not let in.
func (l *Lane) letGo(c *conn, why device.Reason, outs *Outs) {
	if c.shake != nil {
		outs.send(c.shake.Refuse(alertFor(why)), c.peer(), c.shake.local)
	}
}

// holdDue refuses a device whose time has come; true: it did.
func (l *Lane) holdDue(now time.Time, c *conn, outs *Outs) bool {
	h, held := l.held[c]
	if !held || now.UnixMilli() < h.at {
		return held // until then nothing else is its turn
	}
	l.letGo(c, h.why, outs)
	l.end(now, c, outs)
	return true
}

// alertFor is what a device on UDP is told.
func alertFor(why device.Reason) dtls.AlertDescription {
	if ours(why) {
		return dtls.InternalError
	}
	return dtls.AccessDenied
}
