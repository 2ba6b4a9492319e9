package lane

import (
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/session"
)

// How old, in milliseconds, what is known of a device that speaks may be: in
// the table, and in the store, which after a restart has nothing else.
const (
	showEvery = 1_000
	noteEvery = 600_000
)

// step feeds a session and relays what it wants done.
func (l *Lane) step(now time.Time, c *conn, in session.In, outs *Outs) {
	switch in.Kind {
	case session.StartCall, session.Deliver, session.Probe:
		l.asked(c, askedAnswers)
	}
	mark := len(outs.session.List)
	outs.session.KeepEvents = l.cfg.KeepEvents
	c.sess.Step(now, &in, &outs.session)
	// Relaying may step another session, whose outs come behind these.
	for i, end := mark, len(outs.session.List); i < end; i++ {
		l.relay(now, c, &outs.session.List[i], outs)
	}
	if !l.has(c) {
		return
	}
	if in.Kind == session.Packet && c.held && now.UnixMilli()-c.shown >= showEvery {
		l.show(now, c, outs)
		if now.UnixMilli()-c.noted >= noteEvery {
			c.noted = now.UnixMilli()
			outs.add(Out{Kind: TakeNote, Device: c.device, Note: &Note{Heard: now}})
		}
	}
	if c.sess.Closed() {
		l.end(now, c, outs)
		return
	}
	l.rearm(c)
}

// relay does one thing that a session wants done.
func (l *Lane) relay(now time.Time, c *conn, out *session.Out, outs *Outs) {
	switch out.Kind {
	case session.Send:
		if c.udp {
			outs.send(out.Data, out.To, out.Local)
		} else {
			outs.add(Out{Kind: SendStream, Conn: c.id, Data: out.Data})
		}
	case session.Persist:
		record := c.sess.Record()
		outs.add(Out{Kind: Save, Conn: c.id, Token: out.Token, Record: &record})
	case session.Publish:
		out.Event.Owner = c.owner()
		outs.add(Out{Kind: Publish, Conn: c.id, Token: out.Token, Event: &out.Event})
	case session.Replied:
		outs.add(Out{Kind: Answered, Answer: &Answer{
			Reply: out.Reply, State: c.sess.State(now), Limit: c.sess.Limits().FunctionArg,
		}})
	case session.Claim:
		if c.try != nil {
			c.try.Device, c.try.Claimed = out.Device, true
		}
		outs.add(Out{Kind: LookUpKey, Conn: c.id, LookUp: &Lookup{
			Algorithm: device.ECC, SPKI: *c.key, Claim: out.Device, Trust: l.cfg.TrustOnFirstUse,
		}})
	case session.Reached:
		l.reached(now, c, out, outs)
	case session.Contact:
		l.contact(now, c, out.Reason, outs)
	case session.Changed:
		if !c.sess.Closed() {
			l.show(now, c, outs)
		}
	case session.Described:
		c.sess.Share(&l.texts)
		l.subscribe(c)
		l.note(now, c, outs)
	case session.Ailing:
		l.ailing(now, c, out.Remedy, outs)
	case session.Doubled:
		l.doubled(now, c, outs)
	case session.Asked:
		l.questioned(now, c)
	case session.Closed:
		l.closed(now, c, out.Reason, outs)
	}
}

// reached notes how far the device's start-up came. With its Hello it takes
// the place of any session that it had before.
func (l *Lane) reached(now time.Time, c *conn, out *session.Out, outs *Outs) {
	at := now
	if !out.At.IsZero() {
		at = out.At
	}
	if s := c.stages(); len(s) > 0 && at.Before(s[len(s)-1].At) {
		at = s[len(s)-1].At // the session's clock ticks in milliseconds
	}
	c.reach(at, out.Stage)
	switch out.Stage {
	case device.StageHello:
		l.take(now, c, outs)
	case device.StageOnline:
		l.succeed(at, c, outs)
	}
}

// take makes c the device's one connection. The one before ends behind that, so
// that there is no moment in which nobody has the device. Of two that take it
// from each other, c may be the one that has to go.
func (l *Lane) take(now time.Time, c *conn, outs *Outs) {
	if has := l.byDevice.of(c.device); has != nil && has != c && l.contested(now, c, has, outs) {
		l.step(now, c, session.In{Kind: session.Replace, Reason: device.DoubleIdentity}, outs)
		return
	}
	old := l.byDevice.put(c)
	delete(l.arriving, c)
	if old != nil && old != c {
		l.broke(now, c.device)
	}
	l.spare(now, c, outs)
	if !c.held {
		c.held = true
		outs.add(Out{Kind: Take, Device: c.device, Conn: c.id})
	}
	if old != nil && old != c {
		l.step(now, old, session.In{Kind: session.Replace, Reason: device.Superseded}, outs)
	}
}

// contact records that a device is back within its session: a connect
// without a handshake.
func (l *Lane) contact(now time.Time, c *conn, why device.Reason, outs *Outs) {
	if c.try != nil {
		return // its start-up is being recorded
	}
	l.broke(now, c.device)
	l.spare(now, c, outs)
	l.begin(now, c, c.peer())
	c.reach(now, device.StageSession)
	c.reach(now, device.StageOnline)
	c.try.Reason = why
	c.try.Detail = "the device came back within its stored session"
	l.succeed(now, c, outs)
	l.take(now, c, outs)
	l.note(now, c, outs)
	if !c.hasCID {
		l.index(c, c.peer(), outs)
	}
}

// show tells the table, and the owner, what state the device is in.
func (l *Lane) show(now time.Time, c *conn, outs *Outs) {
	if peer := c.sess.Peer(); c.udp && !c.hasCID && c.saved && (c.indexed == nil || c.indexed.peer != peer) {
		l.index(c, peer, outs)
	}
	if !c.held {
		return
	}
	st := outs.state(c.sess.StateIn(now, &outs.session))
	c.shown = now.UnixMilli()
	outs.add(Out{Kind: Show, Device: c.device, Conn: c.id, State: st})
	if st.Connected() != c.announced {
		c.announced = st.Connected()
		l.announce(now, c, outs)
	}
}

// announce tells the owner that the device is online, or is not.
func (l *Lane) announce(now time.Time, c *conn, outs *Outs) {
	word := "offline"
	if c.announced {
		word = "online"
	}
	outs.add(Out{Kind: Publish, Event: &event.Event{
		ID: l.attemptID(now), Name: "spark/status", Data: []byte(word), HasData: true, TTL: event.DefaultTTL, Device: c.device,
		Source: event.FromCloud, Owner: c.owner(), Published: now,
	}})
}

// closed ends what a session leaves behind.
func (l *Lane) closed(now time.Time, c *conn, why device.Reason, outs *Outs) {
	l.fail(now, c, why, ending(why), outs)
	if why == device.PeerClosed {
		l.broke(now, c.device)
	}
	st := c.sess.State(now)
	if c.held {
		outs.add(Out{Kind: Show, Device: c.device, Conn: c.id, State: &st})
		outs.add(Out{Kind: TakeNote, Device: c.device, Note: &Note{Heard: st.LastSeen}})
	}
	if c.announced && why != device.Superseded {
		c.announced = false
		l.announce(now, c, outs)
	}
	// What is stored of a device that has said Hello elsewhere since is not
	// this session's any more.
	if c.udp && c.held && why != device.Superseded {
		heading := c.sess.Heading()
		outs.add(Out{Kind: Forget, Record: &heading})
	}
}

// ending is a sentence for an attempt that a session's end cut short.
func ending(why device.Reason) string {
	switch why {
	case device.NoHello:
		return "the handshake was done and then the device did not say who it is; it may have refused our answer"
	case device.StartupIncomplete:
		return "the device did not say what it can do; it was told to start over"
	case device.PeerClosed:
		return "the device, or the network, closed the connection before the device was online"
	case device.KeepAliveMissed:
		return "the device fell silent before it was online"
	case device.Malformed:
		return "the device sent what cannot be decoded"
	case device.Superseded:
		return "the device began again before it was online"
	case device.KeyReplaced:
		return "the device's owner gave it another key before it was online"
	case device.ServerShutdown:
		return "we were stopped before the device was online"
	case device.KeyMismatch:
		return "the device says that it is another one than its key says"
	case device.UnknownDevice:
		return "the device did not say who it is, and its key is on no file"
	default:
		return "the session ended before the device was online"
	}
}

// note keeps what the device's page shows while the device is away.
func (l *Lane) note(now time.Time, c *conn, outs *Outs) {
	if c.device.IsZero() {
		return
	}
	c.noted = now.UnixMilli()
	n := &Note{Heard: now, Address: c.peer().Addr().String()}
	if h := c.sess.Hello(); h.Size != 0 {
		n.Hello = &h
	}
	if c.try != nil {
		n.Handshake = now
	}
	if d, ok := c.sess.Describe(); ok {
		n.Describe = &d
	}
	outs.add(Out{Kind: TakeNote, Device: c.device, Note: n})
}

// ErrGone is what a call gets whose device is not connected here.
var ErrGone = fault.Errorf(fault.Offline, "the device is not connected")

// callDevice passes a call on to the device's session.
func (l *Lane) callDevice(now time.Time, in *In, outs *Outs) {
	c := l.byDevice.of(in.Device)
	if c == nil || c.sess == nil {
		outs.add(Out{Kind: Answered, Answer: &Answer{Reply: session.Reply{ID: in.Call.ID, Err: ErrGone}}})
		return
	}
	l.step(now, c, session.In{Kind: session.StartCall, Call: *in.Call}, outs)
}

// restore takes up a session of an earlier process.
func (l *Lane) restore(now time.Time, row *Restored, outs *Outs) {
	s, err := session.Restore(row.Record, row.How)
	if err != nil || s.Device() != row.Record.Device {
		l.stats.Unreadable++
		l.cfg.Counter.Dropped(DropUnreadable)
		return
	}
	if old := l.byDevice.of(s.Device()); old != nil {
		return // it has shaken hands meanwhile
	}
	s.Share(&l.texts)
	c := &conn{udp: true, device: s.Device(), sess: s, saved: true}
	c.own(row.Owner)
	c = l.add(c)
	if row.Record.CID != ([8]byte{}) {
		c.cid, c.hasCID = row.Record.CID, true
		l.byCID.put(c)
	} else {
		l.index(c, c.peer(), outs)
	}
	l.take(now, c, outs)
	l.subscribe(c)
	st := s.State(now)
	outs.add(Out{Kind: Show, Device: c.device, Conn: c.id, State: &st})
	l.rearm(c)
}
