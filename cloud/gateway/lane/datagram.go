package lane

import (
	"errors"
	"net/netip"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/session"
	"github.com/cyan-cloud/cyan/wire/dtls"
)

// datagram brings what came on the UDP port to the connection it is for.
func (l *Lane) datagram(now time.Time, in *In, outs *Outs) {
	l.stats.Datagrams++
	data := in.Data
	for len(data) > 0 {
		r, rest, err := dtls.ParseRecord(data)
		if err != nil {
			l.notOurs(now, in, outs)
			return
		}
		c := l.find(&r, in.From)
		if r.Epoch == 0 || c != nil && !c.saved {
			// A handshake's datagram is taken as a whole: its records belong
			// together. Its session takes nothing before the device has our
			// Finished.
			l.handshake(now, in, data, c, outs)
			return
		}
		if c == nil {
			l.stats.UnknownSession++
			l.cfg.Counter.Dropped(DropUnknownSession)
			if r.DeviceID != nil {
				l.lost(now, in, device.ID(r.DeviceID), outs)
			}
			return
		}
		l.record(now, in, &r, c, outs)
		data = rest
	}
}

// record gives a record to its session. What that cannot make sense of may be
// the Finished of a device that did not get ours.
func (l *Lane) record(now time.Time, in *In, r *dtls.Record, c *conn, outs *Outs) {
	if l.paced(now, c) {
		return
	}
	dropped, malformed := c.sess.Dropped, c.sess.Malformed
	l.step(now, c, session.In{Kind: session.Packet, Record: *r, From: in.From, Local: in.Local}, outs)
	switch {
	case c.sess.Malformed != malformed:
		l.cfg.Counter.Dropped(DropMalformed)
		l.heard(now, c)
	case c.sess.Dropped == dropped:
		l.heard(now, c)
	case c.shake == nil:
		l.cfg.Counter.Dropped(DropUnopened)
	}
	switch {
	case !l.has(c):
	case c.sess.Dropped != dropped && c.shake != nil:
		l.handshake(now, in, r.Raw, c, outs)
	case c.sess.Dropped == dropped && r.DeviceID != nil && c.sess.Cautious():
		// What convinces the session comes from there too, and does not say
		// whose it is.
		l.index(c, in.From, outs)
	}
}

// find gives the connection that a record is for; nil: we have none.
func (l *Lane) find(r *dtls.Record, from netip.AddrPort) *conn {
	switch {
	case r.CID != nil:
		return l.byCID.of([8]byte(r.CID))
	case r.DeviceID != nil:
		if c := l.byDevice.of(device.ID(r.DeviceID)); c != nil && c.udp && !c.hasCID {
			return c
		}
		return nil
	case r.Epoch == 0 || r.Type == dtls.Handshake:
		if c := l.shaking[from]; c != nil {
			return c
		}
	}
	return l.byAddr[from]
}

// notOurs is a datagram that is not of our protocol. It is counted, and a few
// a second are recorded; nothing is answered.
func (l *Lane) notOurs(now time.Time, in *In, outs *Outs) {
	l.stats.NotOurs++
	l.cfg.Counter.Dropped(DropNotOurs)
	if !l.strangers.take(now) {
		l.stats.StrangersUnrecorded++
		return
	}
	c := &conn{udp: true}
	l.begin(now, c, in.From)
	try := c.try
	try.Ended, try.Outcome, try.Reason = now.UTC(), device.Failed, device.WrongProtocol
	try.Detail = "a datagram came that is not DTLS 1.2"
	outs.add(Out{Kind: RecordTry, Try: try})
}

// handshake gives a datagram to the handshake that runs at its address, or
// begins one.
func (l *Lane) handshake(now time.Time, in *In, data []byte, c *conn, outs *Outs) {
	if c == nil || c.shake == nil {
		c = l.shaking[in.From]
	}
	if c == nil || c.shake == nil {
		l.greet(now, in, data, outs)
		return
	}
	out, err := c.shake.Receive(now, data)
	outs.sendAll(out.Send, c.peer(), c.shake.local)
	switch {
	case errors.Is(out.Dropped, dtls.ErrNewHello):
		l.greet(now, in, data, outs)
		return
	case out.Dropped != nil && c.saved:
		l.cfg.Counter.Dropped(DropUnopened)
	case out.Dropped != nil:
		l.cfg.Counter.Dropped(DropHandshake)
	}
	switch {
	case err != nil && c.saved:
		l.forgetShake(c)
	case err != nil:
		l.shakeFailed(now, c, err, outs)
		return
	case out.Verified:
		c.reach(now, device.StageKeyExchange)
		outs.add(Out{Kind: LookUpKey, Conn: c.id, LookUp: &Lookup{Algorithm: device.ECC, SPKI: c.shake.PeerKey()}})
	}
	l.rearm(c)
}

// greet answers a ClientHello: without state until its sender has shown that
// it receives where it sends from.
func (l *Lane) greet(now time.Time, in *In, data []byte, outs *Outs) {
	if l.settling {
		return
	}
	l.rotate(now)
	reply, hello, err := l.cfg.DTLS.Greet(now, in.From, &l.cookies, data, l.greeting[:0])
	switch {
	case err != nil:
		l.stats.UnknownSession++
		l.cfg.Counter.Dropped(DropNotHello)
		return
	case hello == nil:
		l.greeting = reply
		if l.hasGreeted(now) {
			return
		}
		l.stats.Cookies++
		l.cfg.Counter.Cookie()
		if len(reply) > 0 {
			outs.send(append([]byte(nil), reply...), in.From, in.Local)
		}
		return
	case l.shaking[in.From] == nil && !l.welcome(now, in.From, true):
		return
	case l.halfOpen >= l.cfg.HalfOpen && !l.makeRoom(now, true, l.cfg.HalfOpen, outs):
		l.stats.HalfOpenFull++
		l.cfg.Counter.Dropped(DropHalfOpen)
		return
	}
	var random dtls.ServerRandom
	var cid [8]byte
	l.cfg.Random(random.Random[:])
	l.cfg.Random(random.Ephemeral[:])
	l.cfg.Random(cid[:])
	cid[0] = byte(l.cfg.Index)
	shake, flight, err := dtls.NewServerHandshake(l.cfg.DTLS, now, hello, cid, random)
	c := &conn{udp: true}
	l.begin(now, c, in.From)
	outs.sendAll(flight, in.From, in.Local)
	if err != nil {
		why, detail := shakeReason(err)
		l.fail(now, c, why, detail, outs)
		return
	}
	switch old := l.shaking[in.From]; {
	case old == nil:
	case old.saved:
		l.forgetShake(old)
	default:
		l.shakeFailed(now, old, dtls.ErrNewHello, outs)
	}
	c.shake, c.halfOpen = &handshake{shake, in.From, in.Local}, true
	l.halfOpen++
	c = l.add(c)
	l.arrives(c)
	l.linger(c)
	if id := shake.CID(); id.Kind != dtls.NoCID {
		c.cid, c.hasCID = id.Bytes, true
		l.byCID.put(c)
	}
	l.rearm(c)
}

// greetBurst is for how long cookies may be given as fast as they may, all at
// once: a fleet's hellos come together.
const greetBurst = time.Second

// hasGreeted tells whether cookies have been given to so many that this hello gets
// none, and otherwise counts it. To give one costs us several times what it costs
// to read a hello, and more cookies than handshakes can follow are of no use; an
// honest device asks again.
func (l *Lane) hasGreeted(now time.Time) bool {
	if l.cfg.HelloRate <= 0 {
		return false
	}
	if l.greeted.spent(now, greetBurst) {
		l.stats.Ungreeted++
		l.cfg.Counter.Dropped(DropHello)
		return true
	}
	l.greeted.charge(now, time.Second/time.Duration(l.cfg.HelloRate))
	return false
}

// rotate makes a new secret for the cookies every hour. A handshake stays
// with its lane, so every lane has its own.
func (l *Lane) rotate(now time.Time) {
	if now.Before(l.rotateAt) {
		return
	}
	var secret [32]byte
	l.cfg.Random(secret[:])
	if l.rotateAt.IsZero() {
		l.cookies.Current = secret
	} else {
		l.cookies.Rotate(now, secret)
	}
	l.rotateAt = now.Add(time.Hour)
}

// shakeDue repeats a flight, or gives the handshake up.
func (l *Lane) shakeDue(now time.Time, c *conn, outs *Outs) {
	flight, err := c.shake.Tick(now)
	outs.sendAll(flight, c.peer(), c.shake.local)
	switch {
	case err == nil:
	case c.saved:
		l.forgetShake(c)
	default:
		l.shakeFailed(now, c, err, outs)
	}
}

// shakeFailed ends a connection whose handshake came to nothing. Once the
// device has done its part it is our store that it waited for.
func (l *Lane) shakeFailed(now time.Time, c *conn, err error, outs *Outs) {
	why, detail := shakeReason(err)
	if why == device.TimeoutWaiting && c.shake.Stage() == dtls.StageVerified {
		why, detail = device.KeyStoreUnavailable, "the device did its part, and our store did not answer in time"
	}
	l.fail(now, c, why, detail, outs)
	l.end(now, c, outs)
}

// linger has a handshake found by where its device is, until forgetShake.
func (l *Lane) linger(c *conn) {
	l.shaking[c.shake.gate] = c
	l.lingered = max(l.lingered, len(l.shaking))
}

// manyLingered is what a map of them may be kept for.
const manyLingered = 1024

// forgetShake ends the lingering of a handshake that is done. After a storm the
// map has a place for each that lingered at once, and is given up.
func (l *Lane) forgetShake(c *conn) {
	if c.shake == nil {
		return
	}
	if gate := c.shake.gate; l.shaking[gate] == c {
		delete(l.shaking, gate)
		if len(l.shaking) == 0 && l.lingered > manyLingered {
			l.shaking, l.lingered = map[netip.AddrPort]*conn{}, 0
		}
	}
	c.shake = nil
}

// shakeReason says why a DTLS handshake failed, and whose it is to mend.
func shakeReason(err error) (device.Reason, string) {
	if errors.Is(err, dtls.ErrHandshakeTimeout) || errors.Is(err, dtls.ErrHandshakeOver) {
		return device.TimeoutWaiting, "the device fell silent in the middle of the handshake"
	}
	if errors.Is(err, dtls.ErrNewHello) {
		return device.TimeoutWaiting, "the device began again before the handshake was done"
	}
	alert, ok := errors.AsType[*dtls.AlertError](err)
	switch {
	case errors.Is(err, dtls.ErrSignature):
		return device.BadSignature, "the device could not prove that it holds the key that it showed"
	case errors.Is(err, dtls.ErrSuite), errors.Is(err, dtls.ErrOldVersion), errors.Is(err, dtls.ErrRawPublicKey),
		errors.Is(err, dtls.ErrNoClientKey):
		return device.Unsupported, "the device offered nothing that we speak: " + err.Error()
	case ok && alert.Peer && alert.Description == dtls.CloseNotify:
		return device.PeerClosed, "the device closed the connection"
	case ok && alert.Peer:
		// The only thing of ours that a device checks before it is done is our
		// signature, with the server key in its flash.
		return device.WrongServerKey, "the device refused us (" + alert.Description.String() +
			"): most likely it holds another server's key"
	case !ok || alert.Description == dtls.InternalError:
		return device.ServerInternal, "the handshake failed: " + err.Error()
	default:
		return device.Malformed, "the device sent a handshake that makes no sense: " + err.Error()
	}
}
