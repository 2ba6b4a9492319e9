package lane

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/session"
	"github.com/cyan-cloud/cyan/wire/dtls"
)

// ErrBusy is what a worker says that has no place left for a job.
var ErrBusy = errors.New("gateway: too much work waits already")

// ErrUnrouted is what is said of a key while no session may begin: nobody would
// find its device.
var ErrUnrouted = errors.New("gateway: the bus does not answer")

// lookedUp takes the store's word on whose key a device showed.
func (l *Lane) lookedUp(now time.Time, in *In, outs *Outs) {
	c := l.conns.of(in.Conn)
	if c == nil {
		return
	}
	switch {
	case c.sess != nil:
		l.claimed(now, c, in, outs)
	case c.udp:
		l.proven(now, c, in, outs)
	default:
		l.streamProven(now, c, in, outs)
	}
	if l.has(c) {
		l.rearm(c)
	}
}

// proven goes on with a DTLS handshake whose client has shown that it holds
// its key. A known device's session is stored before its client may believe
// in it; an unknown key's is not, and has to say whose it is.
func (l *Lane) proven(now time.Time, c *conn, in *In, outs *Outs) {
	if in.Err != nil {
		why, detail := unreadable(in.Err)
		l.fail(now, c, why, detail, outs)
		l.turnAway(now, c, why, outs)
		return
	}
	keys := c.shake.SessionPreview()
	if !in.Found.Known {
		if l.unproven >= l.cfg.Unproven {
			l.stats.UnprovenFull++
			l.fail(now, c, device.UnknownDevice, "the key is on no file, and too many such devices are waiting already", outs)
			outs.send(c.shake.Refuse(dtls.AccessDenied), c.peer(), c.shake.local)
			l.end(now, c, outs)
			return
		}
		l.unproven++
		key := c.shake.PeerKey()
		c.key = &key
		l.room.converse(c, session.New(session.Config{DTLS: &keys, Peer: c.shake.gate, Local: c.shake.local, Seed: l.seed(), Now: now}))
		l.finish(now, c, outs)
		return
	}
	l.know(c, in.Found)
	l.room.converse(c, session.New(session.Config{Device: c.device, DTLS: &keys, Peer: c.shake.gate, Local: c.shake.local, Seed: l.seed(), Now: now}))
	record := c.sess.Record()
	outs.add(Out{Kind: Save, Conn: c.id, Record: &record})
}

// recordSaved goes on where a record had to be durable first.
func (l *Lane) recordSaved(now time.Time, in *In, outs *Outs) {
	c := l.conns.of(in.Conn)
	if c == nil || c.sess == nil {
		return
	}
	if in.Token != 0 {
		l.recordKept(now, c, in, outs)
		return
	}
	if c.saved {
		return
	}
	if in.Err != nil {
		why, detail := device.KeyStoreUnavailable, "the session could not be stored; it is not the device's key"
		if fault.KindOf(in.Err) == fault.NotFound {
			why, detail = device.UnknownDevice, "the device was removed while it shook hands"
		}
		l.fail(now, c, why, detail, outs)
		l.turnAway(now, c, why, outs)
		return
	}
	l.finish(now, c, outs)
	l.rearm(c)
}

// recordKept tells a session what became of its record. Where the store will
// never take it there is no sense in trying again: somebody else has the
// session, or the device is on file no more.
func (l *Lane) recordKept(now time.Time, c *conn, in *In, outs *Outs) {
	switch fault.KindOf(in.Err) {
	case fault.Conflict:
		l.step(now, c, session.In{Kind: session.Replace, Reason: device.Superseded}, outs)
	case fault.NotFound:
		l.step(now, c, session.In{Kind: session.Close, Reason: device.UnknownDevice}, outs)
	default:
		l.step(now, c, session.In{Kind: session.Persisted, Token: in.Token, Err: in.Err}, outs)
	}
}

// finish sends a DTLS client the last flight: it is connected now.
func (l *Lane) finish(now time.Time, c *conn, outs *Outs) {
	flight, keys, err := c.shake.Finish(now)
	if err != nil {
		l.shakeFailed(now, c, err, outs)
		return
	}
	c.saved = true
	l.leaveHalfOpen(c)
	c.sess.Finished(keys)
	c.reach(now, device.StageSession)
	outs.sendAll(flight, c.peer(), c.shake.local)
	if !c.hasCID {
		l.index(c, c.peer(), outs)
	}
}

// claimed takes the store's word on a device whose key was on no file and
// that has said who it is.
func (l *Lane) claimed(now time.Time, c *conn, in *In, outs *Outs) {
	if c.key == nil {
		return
	}
	var why device.Reason
	var detail string
	switch {
	case in.Err != nil:
		why, detail = unreadable(in.Err)
	case in.Found.Known:
		l.settleClaim(c)
		l.know(c, in.Found)
		l.step(now, c, session.In{Kind: session.Admit, Device: c.device}, outs)
		return
	default:
		why, detail = strange(in.Found)
	}
	l.fail(now, c, why, detail, outs)
	l.step(now, c, session.In{Kind: session.Refuse, Reason: why}, outs)
}

// streamProven goes on with a TCP handshake whose device has said who it is
// and shown a key.
func (l *Lane) streamProven(now time.Time, c *conn, in *In, outs *Outs) {
	claim := device.ID(c.stream.claim.DeviceID)
	switch {
	case in.Err != nil:
		why, detail := unreadable(in.Err)
		l.failClaim(now, c, claim, why, detail, outs)
	case !in.Found.Known:
		why, detail := strange(in.Found)
		l.failClaim(now, c, claim, why, detail, outs)
	default:
		l.know(c, in.Found)
		c.reach(now, device.StageKeyExchange)
		outs.add(Out{Kind: MakeReply, Conn: c.id, Job: &Job{From: c.peer().Addr(), Shake: c.stream.shake, Key: c.stream.claim.DeviceKey}})
	}
}

func (l *Lane) failClaim(now time.Time, c *conn, claim device.ID, why device.Reason, detail string, outs *Outs) {
	c.try.Device, c.try.Claimed = claim, true
	l.fail(now, c, why, detail, outs)
	l.turnAway(now, c, why, outs)
}

// unreadable says why nobody could tell whose a key is.
func unreadable(err error) (device.Reason, string) {
	switch {
	case errors.Is(err, ErrBusy):
		return device.Overloaded, tooMany
	case errors.Is(err, ErrUnrouted):
		return device.BusUnavailable, "no call would find the device: the bus between the parts of the cloud does not answer; it is not the device's key"
	}
	return device.KeyStoreUnavailable, "the keys of devices could not be read; it is not the device's key"
}

const tooMany = "too many devices were connecting at once; it tries again by itself"

// strange says why a device that is not known by the key that it showed is
// not let in.
func strange(f *Found) (device.Reason, string) {
	if f.Other {
		return device.KeyMismatch, "the device showed another key than the one on file for it"
	}
	return device.UnknownDevice, "nobody has registered this device and its key here"
}

// seed gives a session its start for numbers that are no secret.
func (l *Lane) seed() uint64 {
	var b [8]byte
	l.cfg.Random(b[:])
	return binary.BigEndian.Uint64(b[:])
}
