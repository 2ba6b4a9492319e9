package lane

import (
	"net/netip"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/wire/dtls"
)

// allowance is how much of what somebody may do he has done: the time until
// which he would have to wait if he did it evenly, in Unix microseconds. Ahead of
// now by less than the burst he may go on. The zero value has done nothing.
type allowance int64

func (a allowance) spent(now time.Time, burst time.Duration) bool {
	return a.ahead(now) >= burst
}

// ahead is how long it takes until nothing of it is spent any more.
func (a allowance) ahead(now time.Time) time.Duration {
	return time.Duration(int64(a)-now.UnixMicro()) * time.Microsecond
}

// charge counts one thing that may be done once in each.
func (a *allowance) charge(now time.Time, each time.Duration) {
	*a = max(*a, allowance(now.UnixMicro())) + allowance(each.Microseconds())
}

// grant gives back what was not the other's idea.
func (a *allowance) grant(d time.Duration) { *a -= allowance(d.Microseconds()) }

// sources counts by where peers are: an IPv4 address, or the /64 that one IPv6
// subscriber has to himself. It only ever counts who has shown that he receives
// where he sends from: nobody can be locked out by what others send in his name.
// Both tables are bounded: the one by the handshakes that there can be, the
// other by maxFailing twice.
type sources struct {
	open           map[netip.Addr]int       // handshakes that have not ended
	failed, before map[netip.Addr]allowance // handshakes that came to nothing
}

// maxFailing is how many sources are remembered that fail, before those are
// forgotten that failed longer ago.
const maxFailing = 4096

func newSources() sources {
	return sources{open: map[netip.Addr]int{}, failed: map[netip.Addr]allowance{}}
}

func sourceOf(from netip.AddrPort) netip.Addr {
	a := from.Addr().Unmap().WithZone("")
	if a.Is4() {
		return a
	}
	return netip.PrefixFrom(a, 64).Masked().Addr()
}

func (s *sources) leave(from netip.AddrPort) {
	at := sourceOf(from)
	if s.open[at]--; s.open[at] <= 0 {
		delete(s.open, at)
	}
}

func (s *sources) failures(at netip.Addr) allowance {
	if a, ok := s.failed[at]; ok {
		return a
	}
	return s.before[at]
}

// fail notes a failure that is laid at the peer.
func (s *sources) fail(now time.Time, from netip.AddrPort, each time.Duration) {
	at := sourceOf(from)
	a := s.failures(at)
	a.charge(now, each)
	s.remember(at, a)
}

// remember notes what a source has done.
func (s *sources) remember(at netip.Addr, a allowance) {
	if _, ok := s.failed[at]; !ok && len(s.failed) >= maxFailing {
		s.before, s.failed = s.failed, map[netip.Addr]allowance{}
	}
	s.failed[at] = a
}

// welcome tells whether a handshake from there may begin, or go on to what
// costs us time. Negative limits are none.
func (l *Lane) welcome(now time.Time, from netip.AddrPort, begins bool) bool {
	at := sourceOf(from)
	tooMany := begins && l.cfg.PerSource > 0 && l.sources.open[at] >= l.cfg.PerSource
	if !tooMany && (l.cfg.Failures <= 0 || !l.sources.failures(at).spent(now, time.Minute)) {
		return true
	}
	l.stats.SourceLimited++
	l.cfg.Counter.Dropped(DropSource)
	return false
}

// arrives counts a handshake that begins.
func (l *Lane) arrives(c *conn) {
	l.opening[c] = struct{}{}
	l.sources.open[sourceOf(c.peer())]++
}

// arrived counts it no more.
func (l *Lane) arrived(c *conn) {
	if _, ok := l.opening[c]; ok {
		delete(l.opening, c)
		l.sources.leave(l.origin(c))
	}
}

// origin is where c was when its handshake began.
func (l *Lane) origin(c *conn) netip.AddrPort {
	if c.shake != nil {
		return c.shake.gate
	}
	return c.peer()
}

// blame charges a source for a handshake that came to nothing and is laid at
// the peer. That a peer fell silent or hung up is the network's.
func (l *Lane) blame(now time.Time, c *conn, why device.Reason) {
	if _, ok := l.opening[c]; l.cfg.Failures > 0 && (ok || c.key != nil) && why.Fault() == device.Hand {
		l.sources.fail(now, c.peer(), time.Minute/time.Duration(l.cfg.Failures))
	}
}

// opportunity is how long a peer has to do its part of a handshake before it may
// have to make room. Honest devices need a round trip.
const opportunity = 2 * time.Second

// makeRoom ends the oldest handshakes whose peer has not done its part, when
// every place is taken. A sixteenth goes at once, so that finding them costs
// little, and after nobody was found none is looked for at once. It tells whether
// there is room now.
func (l *Lane) makeRoom(now time.Time, udp bool, places int, outs *Outs) bool {
	if now.Before(l.crowded) {
		return false
	}
	var silent []*conn
	for c := range l.opening {
		waits := c.udp == udp && c.try != nil && now.Sub(c.try.Started) >= opportunity
		if waits && (udp && c.shake.Stage() == dtls.StageHello || !udp && c.stream.blob != nil) {
			silent = append(silent, c)
		}
	}
	sortConns(silent)
	for _, c := range silent[:min(len(silent), max(1, places/16))] {
		l.stats.PushedOut++
		l.cfg.Counter.Dropped(DropPushedOut)
		l.fail(now, c, device.TimeoutWaiting, "the device did not go on with the handshake, and others needed the place", outs)
		l.end(now, c, outs)
	}
	if len(silent) == 0 {
		l.crowded = now.Add(opportunity / 20)
	}
	return len(silent) > 0
}

// paced tells whether the device has said so much that it is not heard for now.
// Only what is authentic counts: nobody can silence a device in its name.
func (l *Lane) paced(now time.Time, c *conn) bool {
	if l.cfg.DeviceRate <= 0 || !c.said.spent(now, deviceBurst) {
		return false
	}
	l.stats.TooFast++
	l.cfg.Counter.Dropped(DropTooFast)
	return true
}

// deviceBurst is for how long a device may have spoken as fast as it may, all at
// once.
const deviceBurst = 10 * time.Second

// heard counts a message of the device's own.
func (l *Lane) heard(now time.Time, c *conn) {
	if l.cfg.DeviceRate > 0 {
		c.said.charge(now, time.Second/time.Duration(l.cfg.DeviceRate))
	}
}

// askedAnswers is how many messages a device may answer one of ours with: it
// acknowledges, answers, and repeats both.
const askedAnswers = 4

// asked lets a device answer what it was asked: what it says then, and repeats,
// was not its own idea.
func (l *Lane) asked(c *conn, messages int) {
	if l.cfg.DeviceRate > 0 {
		c.said.grant(time.Duration(messages) * time.Second / time.Duration(l.cfg.DeviceRate))
	}
}
