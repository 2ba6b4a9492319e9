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
		if r.Epoch == 0 || c != nil && c.sess == nil {
			// A handshake's datagram is taken as a whole: its records belong
			// together.
			l.handshake(now, in, data, c, outs)
			return
		}
		if c == nil {
			l.stats.UnknownSession++
			l.cfg.Counter.Dropped(DropUnknownSession)
			return
		}
		l.step(now, c, session.In{Kind: session.Packet, Record: r, From: in.From, Local: in.Local}, outs)
		data = rest
	}
}

// find gives the connection that a record is for; nil: we have none.
func (l *Lane) find(r *dtls.Record, from netip.AddrPort) *conn {
	switch {
	case r.CID != nil:
		return l.byCID[[8]byte(r.CID)]
	case r.DeviceID != nil:
		if c := l.byDevice[device.ID(r.DeviceID)]; c != nil && c.udp && !c.hasCID {
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
	c := &conn{udp: true, peer: in.From}
	l.begin(now, c)
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
	outs.sendAll(out.Send, c)
	if errors.Is(out.Dropped, dtls.ErrNewHello) {
		l.greet(now, in, data, outs)
		return
	}
	switch {
	case err != nil && c.sess == nil:
		why, detail := shakeReason(err)
		l.fail(now, c, why, detail, outs)
		l.end(now, c, outs)
		return
	case err != nil:
		c.shake = nil
	case out.Verified:
		c.reach(now, device.StageKeyExchange)
		outs.add(Out{Kind: LookUpKey, Conn: c.id, LookUp: &Lookup{Algorithm: device.ECC, SPKI: c.shake.PeerKey()}})
	}
	l.rearm(c)
}

// greet answers a ClientHello: without state until its sender has shown that
// it receives where it sends from.
func (l *Lane) greet(now time.Time, in *In, data []byte, outs *Outs) {
	l.rotate(now)
	reply, hello, err := l.cfg.DTLS.Greet(now, in.From, &l.cookies, data, l.greeting[:0])
	switch {
	case err != nil:
		l.stats.UnknownSession++
		l.cfg.Counter.Dropped(DropNotHello)
		return
	case hello == nil:
		l.greeting = reply
		l.stats.Cookies++
		if len(reply) > 0 {
			outs.send(append([]byte(nil), reply...), in.From, in.Local)
		}
		return
	case l.halfOpen >= l.cfg.HalfOpen:
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
	c := &conn{udp: true, peer: in.From, local: in.Local}
	l.begin(now, c)
	outs.sendAll(flight, c)
	if err != nil {
		why, detail := shakeReason(err)
		l.fail(now, c, why, detail, outs)
		return
	}
	if old := l.shaking[in.From]; old != nil {
		if old.sess == nil {
			l.fail(now, old, device.TimeoutWaiting, "the device began again before the handshake was done", outs)
			l.end(now, old, outs)
		} else {
			old.shake = nil
		}
	}
	c.shake = shake
	l.halfOpen++
	l.add(c)
	l.shaking[in.From] = c
	if id := shake.CID(); id.Kind != dtls.NoCID {
		c.cid, c.hasCID = id.Bytes, true
		l.byCID[c.cid] = c
	}
	l.rearm(c)
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
	outs.sendAll(flight, c)
	switch {
	case err == nil:
	case c.sess == nil:
		why, detail := shakeReason(err)
		l.fail(now, c, why, detail, outs)
		l.end(now, c, outs)
	default:
		c.shake = nil
		if l.shaking[c.peer] == c {
			delete(l.shaking, c.peer)
		}
	}
}

// shakeReason says why a DTLS handshake failed, and whose it is to mend.
func shakeReason(err error) (device.Reason, string) {
	if errors.Is(err, dtls.ErrHandshakeTimeout) {
		return device.TimeoutWaiting, "the device fell silent in the middle of the handshake"
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
