package lane

import (
	"bytes"
	"errors"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/session"
	"github.com/cyan-cloud/cyan/wire/sealed"
)

// streamWait is how long a device on TCP has for its part of the handshake.
// Device OS gives up a read after 20 s.
const streamWait = 20 * time.Second

// streamOpened greets a device that connected by TCP with 40 random bytes.
func (l *Lane) streamOpened(now time.Time, in *In, outs *Outs) {
	l.stats.Streams++
	if !l.welcome(now, in.From, true) {
		outs.add(Out{Kind: CloseStream, Conn: in.Conn})
		return
	}
	if l.streams >= l.cfg.Streams && !l.makeRoom(now, false, l.cfg.Streams, outs) {
		l.stats.StreamsFull++
		l.cfg.Counter.Dropped(DropStreams)
		outs.add(Out{Kind: CloseStream, Conn: in.Conn})
		return
	}
	c := l.admit(&conn{id: in.Conn, stream: &stream{peer: in.From, limit: now.Add(streamWait).UnixMilli()}})
	l.streams++
	l.arrives(c)
	l.begin(now, c, in.From)
	var nonce [sealed.NonceSize]byte
	l.cfg.Random(nonce[:])
	shake, err := sealed.NewServerHandshake(l.cfg.RSA, nonce)
	if err != nil {
		l.fail(now, c, device.ServerInternal, "the server's key is of no use: "+err.Error(), outs)
		l.end(now, c, outs)
		return
	}
	c.stream.shake, c.stream.blob = shake, make([]byte, 0, sealed.BlobSize)
	outs.add(Out{Kind: SendStream, Conn: c.id, Data: nonce[:]})
	l.rearm(c)
}

// streamData takes what a device on TCP sent: first its blob, then frames.
func (l *Lane) streamData(now time.Time, in *In, outs *Outs) {
	c := l.conns.of(in.Conn)
	if c == nil {
		return
	}
	data := in.Data
	if c.sess == nil {
		l.blob(now, c, data, outs)
		return
	}
	defer l.hold(now, c, outs)
	for {
		frame, rest, err := c.stream.split.Next(data)
		if err != nil {
			l.cfg.Counter.Dropped(DropMalformed)
			l.step(now, c, session.In{Kind: session.Close, Reason: device.Malformed}, outs)
			return
		}
		if frame == nil {
			return
		}
		l.heard(now, c)
		l.step(now, c, session.In{Kind: session.Packet, Frame: frame}, outs)
		if !l.has(c) {
			if c.sess.State(now).Reason == device.Malformed {
				l.cfg.Counter.Dropped(DropMalformed)
			}
			return
		}
		data = rest
	}
}

// hold has no more read of a device that says too much, until it may say more:
// its frames hang together, so none may be left out.
func (l *Lane) hold(now time.Time, c *conn, outs *Outs) {
	if l.has(c) && l.paced(now, c) {
		outs.add(Out{Kind: HoldStream, Conn: c.id, Wait: c.said.ahead(now) - deviceBurst + holdAtLeast})
	}
}

// holdAtLeast keeps a device that is held from being held again at once.
const holdAtLeast = 50 * time.Millisecond

// tooManyFailed is what an attempt ends with that comes from where others
// failed.
const tooManyFailed = "too many handshakes from this address have failed within a minute"

// blob gathers the device's part of the handshake and has it opened.
func (l *Lane) blob(now time.Time, c *conn, data []byte, outs *Outs) {
	s := c.stream
	if s.blob == nil || len(s.blob)+len(data) > sealed.BlobSize {
		l.fail(now, c, device.Malformed, "the device sent more than its part of the handshake", outs)
		l.end(now, c, outs)
		return
	}
	s.blob = append(s.blob, data...)
	if other := speaks(s.blob); other != "" {
		l.fail(now, c, device.WrongProtocol, "this is the devices' port, and "+other+" was spoken on it", outs)
		l.end(now, c, outs)
		return
	}
	if len(s.blob) < sealed.BlobSize {
		return
	}
	if !l.welcome(now, c.peer(), false) {
		l.fail(now, c, device.Overloaded, tooManyFailed, outs)
		l.end(now, c, outs)
		return
	}
	job := &Job{From: c.peer().Addr(), Shake: s.shake, Blob: [sealed.BlobSize]byte(s.blob)}
	s.blob = nil
	outs.add(Out{Kind: OpenBlob, Conn: c.id, Job: job})
}

// streamLate gives up a TCP handshake whose time is up.
func (l *Lane) streamLate(now time.Time, c *conn, outs *Outs) {
	why, detail := device.TimeoutWaiting, "the device connected and did not finish the handshake in time"
	if c.stream.blob == nil {
		why, detail = device.Overloaded, "the device did its part, and we did not do ours in time"
	}
	l.fail(now, c, why, detail, outs)
	l.end(now, c, outs)
}

// speaks names a protocol that is not ours by its first bytes. A blob is
// random to look at: it begins like this once in 2^32 times.
func speaks(b []byte) string {
	for _, p := range []struct{ prefix, name string }{
		{"GET ", "HTTP"},
		{"POST", "HTTP"},
		{"HEAD", "HTTP"},
		{"PUT ", "HTTP"},
		{"OPTI", "HTTP"},
		{"PRI ", "HTTP"},
		{"SSH-", "SSH"},
		{"\x16\x03\x01\x02", "TLS"},
		{"\x16\x03\x01\x00", "TLS"},
		{"\x16\x03\x03\x02", "TLS"},
	} {
		if bytes.HasPrefix(b, []byte(p.prefix)) {
			return p.name
		}
	}
	return ""
}

// opened takes the device's claim from the worker. Everything that can be
// wrong with a blob is one reason: which, nobody is told.
func (l *Lane) opened(now time.Time, in *In, outs *Outs) {
	c := l.conns.of(in.Conn)
	if c == nil || c.sess != nil {
		return
	}
	if in.Claim == nil {
		why, detail := device.WrongServerKey, "the device's message does not answer ours: most likely it holds another server's key"
		if errors.Is(in.Err, ErrBusy) {
			why, detail = device.Overloaded, tooMany
		}
		l.fail(now, c, why, detail, outs)
		l.turnAway(now, c, why, outs)
		return
	}
	c.stream.claim = *in.Claim
	outs.add(Out{Kind: LookUpKey, Conn: c.id, LookUp: &Lookup{
		Algorithm: device.RSA, SPKI: in.Claim.DeviceKey[:], Claim: device.ID(in.Claim.DeviceID), Trust: l.cfg.TrustOnFirstUse,
	}})
}

// replyMade sends the device our part of the handshake; its session begins.
func (l *Lane) replyMade(now time.Time, in *In, outs *Outs) {
	c := l.conns.of(in.Conn)
	if c == nil || c.sess != nil {
		return
	}
	if in.Reply == nil {
		l.fail(now, c, device.ServerInternal, "our part of the handshake could not be made", outs)
		l.turnAway(now, c, device.ServerInternal, outs)
		return
	}
	c.stream.limit = 0
	l.leaveHalfOpen(c)
	c.reach(now, device.StageSession)
	outs.add(Out{Kind: SendStream, Conn: c.id, Data: in.Reply.Bytes[:]})
	l.room.converse(c, session.New(session.Config{Device: c.device, TCP: &in.Reply.Keys, Peer: c.peer(), Seed: l.seed(), Now: now}))
	l.rearm(c)
}

// streamClosed is the end of a TCP connection by the other side, or by the
// network.
func (l *Lane) streamClosed(now time.Time, in *In, outs *Outs) {
	c := l.conns.of(in.Conn)
	if c == nil {
		return
	}
	if c.sess != nil {
		l.step(now, c, session.In{Kind: session.Replace, Reason: device.PeerClosed}, outs)
		return
	}
	l.fail(now, c, device.PeerClosed, "the device, or the network, closed the connection in the middle of the handshake", outs)
	l.end(now, c, outs)
}
