package lane

import (
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/session"
)

// Bounds of what disturbs devices: a lane that is wrong about a thousand of
// them must not restart a thousand.
const (
	startsPerSecond = 20
	startsAtOnce    = 100

	healWindow  = 10 * time.Minute
	startsEach  = 3 // times within the window that one device is told to start over
	breaksEach  = 3 // connections lost within the window to one kind of request, until it is sent no more
	breakWithin = 2 * time.Second
	avoidFor    = time.Hour

	// A device that takes the connection from itself so often within the window
	// is two, which would go on for ever; then who has it keeps it for a while.
	swapsEach  = 6
	swapWindow = 30 * time.Second
	keepsFor   = 20 * time.Second

	maxPatients = 4096 // devices of which the lane remembers what was tried
)

// patient is what was tried lately with a device.
type patient struct {
	since  time.Time // of the first start over in the window
	starts uint32

	askedAt    time.Time // when we last asked it something by ourselves
	breakSince time.Time
	breaks     uint32    // connections that ended right after
	avoidUntil time.Time // until when it is not asked by ourselves
	lostAt     time.Time // when it was last recorded that we have lost its session

	swapSince time.Time
	swaps     uint32    // connections that took the place of one that stood
	keepUntil time.Time // until when who has the device keeps it
}

func (p *patient) over(now time.Time) bool {
	return now.Sub(p.since) > healWindow && now.Sub(p.askedAt) > breakWithin && now.Sub(p.breakSince) > healWindow &&
		now.Sub(p.lostAt) > lostEvery && now.After(p.avoidUntil) && now.Sub(p.swapSince) > swapWindow && now.After(p.keepUntil)
}

// ward is what the lane remembers of devices that do not answer.
type ward struct {
	patients map[device.ID]*patient
	starts   bucket
}

func newWard() ward {
	return ward{patients: map[device.ID]*patient{}, starts: bucket{rate: startsPerSecond, burst: startsAtOnce}}
}

// of gives what is remembered of the device; nil: there is no room for more.
func (w *ward) of(now time.Time, id device.ID) *patient {
	if p := w.patients[id]; p != nil {
		return p
	}
	if len(w.patients) >= maxPatients {
		for other, p := range w.patients {
			if p.over(now) {
				delete(w.patients, other)
			}
		}
		if len(w.patients) >= maxPatients {
			return nil
		}
	}
	p := new(patient)
	w.patients[id] = p
	return p
}

// mayStartOver tells whether the device may be told to start over now.
func (w *ward) mayStartOver(now time.Time, id device.ID) bool {
	p := w.of(now, id)
	if p == nil {
		return false
	}
	if now.Sub(p.since) > healWindow {
		p.since, p.starts = now, 0
	}
	if p.starts >= startsEach || !w.starts.take(now) {
		return false
	}
	p.starts++
	return true
}

// ailing takes the next rung of the ladder for a device that does not answer.
// What only asks has been done by the session itself.
func (l *Lane) ailing(now time.Time, c *conn, rung device.Remedy, outs *Outs) {
	switch rung {
	case device.StartOver:
		if !l.ward.mayStartOver(now, c.device) {
			l.stats.RemediesHeld++
			return
		}
		l.cfg.Counter.Remedy(rung)
		l.step(now, c, session.In{Kind: session.Remedy, Remedy: rung}, outs)
	case device.Restart:
		outs.add(Out{Kind: AskOwner, Conn: c.id, Device: c.device})
	default:
		l.cfg.Counter.Remedy(rung)
	}
}

// ownerAllows restarts a device whose application is silent as far as its owner
// wants that.
func (l *Lane) ownerAllows(now time.Time, in *In, outs *Outs) {
	c := l.conns.of(in.Conn)
	if c == nil || c.sess == nil || c.device != in.Device || in.Err != nil {
		return // the session asks again
	}
	if in.Restart != device.RestartNever {
		if !l.ward.mayStartOver(now, c.device) {
			l.stats.RemediesHeld++
			return
		}
		l.cfg.Counter.Remedy(device.Restart)
	}
	l.step(now, c, session.In{Kind: session.Remedy, Remedy: device.Restart, Restart: in.Restart}, outs)
}

// questioned notes that the device was asked something that nobody called for.
func (l *Lane) questioned(now time.Time, c *conn) {
	if c.device.IsZero() {
		return
	}
	if p := l.ward.of(now, c.device); p != nil {
		p.askedAt = now
	}
}

// broke notes that the device's connection ended, or began anew. When that
// followed on a request of ours more than once, it is not sent any more: a
// device that cannot bear a question would reconnect for ever.
func (l *Lane) broke(now time.Time, id device.ID) {
	p := l.ward.patients[id]
	if p == nil || p.askedAt.IsZero() || now.Sub(p.askedAt) > breakWithin {
		return
	}
	p.askedAt = time.Time{}
	if now.Sub(p.breakSince) > healWindow {
		p.breakSince, p.breaks = now, 0
	}
	if p.breaks++; p.breaks >= breaksEach {
		p.avoidUntil = now.Add(avoidFor)
		l.stats.Avoided++
	}
}

// spare tells the session of a device that cannot bear our questions not to
// ask any.
func (l *Lane) spare(now time.Time, c *conn, outs *Outs) {
	if p := l.ward.patients[c.device]; p != nil && now.Before(p.avoidUntil) {
		l.step(now, c, session.In{Kind: session.Avoid, Kinds: 1 << session.Describe}, outs)
	}
}

// contested tells whether c, which comes from somewhere else than the device's
// connection, has to leave that to it: because two devices take it from each
// other without end, each time with a handshake.
func (l *Lane) contested(now time.Time, c, old *conn, outs *Outs) bool {
	if c.udp || old.udp {
		return false // a superseded session goes quiet for minutes by itself
	}
	p := l.ward.of(now, c.device)
	switch {
	case p == nil:
		return false
	case now.Before(p.keepUntil):
		return true
	case now.Sub(p.swapSince) > swapWindow:
		p.swapSince, p.swaps = now, 0
	}
	if p.swaps++; p.swaps < swapsEach {
		return false
	}
	p.swapSince, p.keepUntil = time.Time{}, now.Add(keepsFor)
	l.doubled(now, old, outs)
	return true
}

// doubled tells the owner that two devices share one identity, as an attempt
// on record and as an event.
func (l *Lane) doubled(now time.Time, c *conn, outs *Outs) {
	l.stats.Doubled++
	try := &device.Attempt{
		ID: l.attemptID(now), Device: c.device, Transport: "udp", Source: c.sess.Peer().String(), Gateway: l.cfg.Node,
		Started: now.UTC(), Ended: now.UTC(), Outcome: device.Failed, Reason: device.DoubleIdentity,
		Detail: "this device's address goes back and forth: most likely two boards hold its key; both were told to start over",
	}
	if !c.udp {
		try.Transport = "tcp"
		try.Detail = "this device takes the connection from itself again and again: most likely two boards hold its key; one of them has to wait"
	}
	l.cfg.Counter.Attempt(try)
	outs.add(Out{Kind: RecordTry, Try: try})
	outs.add(Out{Kind: Publish, Event: &event.Event{
		ID: l.attemptID(now), Name: "spark/status/duplicate", Data: []byte(c.sess.Peer().String()), HasData: true,
		TTL: event.DefaultTTL, Device: c.device, Source: event.FromCloud, Owner: c.owner(), Published: now,
	}})
}

// lostEvery is how often it is recorded that a device goes on with a session
// that we have not, and lostFor after how long it gives that up: three times
// its keep-alive and the wait for an answer, as Device OS does.
const (
	lostEvery = 30 * time.Second
	lostFor   = 224 * time.Second
)

// lost records that a device goes on with a session whose keys we do not have.
// Who sent the record is only what it says of itself.
func (l *Lane) lost(now time.Time, in *In, id device.ID, outs *Outs) {
	p := l.ward.of(now, id)
	if p == nil || now.Sub(p.lostAt) < lostEvery || !l.claims.take(now) {
		return
	}
	p.lostAt = now
	outs.add(Out{Kind: RecordTry, Try: &device.Attempt{
		ID: l.attemptID(now), Device: id, Claimed: true, Transport: "udp", Source: in.From.String(), Gateway: l.cfg.Node,
		Started: now.UTC(), Ended: now.UTC(), Outcome: device.Failed, Reason: device.SessionLost,
		Detail: "the device goes on with a session that we have lost, and believes nobody without its keys; " +
			"it starts over by itself by about " + now.Add(lostFor).UTC().Format("15:04:05 UTC") +
			", later where it is set to speak seldom",
	}})
}
