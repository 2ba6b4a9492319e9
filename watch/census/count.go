package census

import (
	"slices"
	"time"

	"github.com/cyan-cloud/cyan/watch/incident"
)

// Sample is what the cloud counted at one moment.
type Sample struct {
	At        time.Time // by the watchtower's clock
	Since     time.Time // Missing is counted from then on; zero: it is not
	Connected int
	Limbo     int // of these, those that do not answer
	Listed    int // of these, those for which nothing more can be done from here
	Missing   int // lost, and not back
	// Roll is what the cloud knows of a disconnect that hit many, device by
	// device, since then; nil: there was none.
	Roll *incident.Recovery
}

const (
	// before is how long before an incident it is looked at how many devices
	// were connected.
	before = 10 * time.Minute
	// ownClock is how long a device may stay away by its own clock when its
	// session was lost: one on a cellular network asks its server every 23
	// minutes. Who is not back then has other reasons than the incident.
	ownClock = 25 * time.Minute
)

// Count follows the devices through an incident. It is a value without a clock
// of its own and belongs to one goroutine.
type Count struct {
	// Coming is how many devices come and go all the time, as canaries do: a
	// fall by that many says nothing.
	Coming int

	samples []Sample // oldest first, of the last before
	since   time.Time
	usual   usual
	worst   int // devices that were hit at once, at most
}

// usual is how it was before the incident.
type usual struct{ connected, limbo int }

// Note takes a sample.
func (c *Count) Note(s Sample) {
	keep := s.At.Add(-before)
	if !c.since.IsZero() {
		keep = c.since.Add(-before) // should the incident turn out to have begun earlier
	}
	c.samples = slices.DeleteFunc(c.samples, func(x Sample) bool { return x.At.Before(keep) })
	c.samples = append(c.samples, s)
	if most := int(4 * before / askEvery); len(c.samples) > most { // a long incident: what was before it, and what is now
		c.samples = slices.Delete(c.samples, most/2, most/2+1)
	}
}

// Recovery gives how the devices are doing that an incident hit which began at
// since and whose fault ended at fixed; zero: it has not. A zero since is that
// there is none.
func (c *Count) Recovery(now, since, fixed time.Time) (r incident.Recovery) {
	if !since.Equal(c.since) {
		if since.After(c.since) {
			c.worst = 0
		}
		c.since, c.usual = since, c.usually(since)
	}
	if since.IsZero() || len(c.samples) == 0 {
		return r
	}
	s := c.samples[len(c.samples)-1]
	if !s.At.After(since) || s.Since.IsZero() {
		return r // nobody has counted since
	}
	limbo, missing, listed := max(0, s.Limbo-c.usual.limbo), s.Missing, 0
	switch fallen := c.usual.connected - s.Connected; {
	case s.Roll != nil: // it knows who is missing, and needs no guess
		limbo, missing, listed = max(limbo, s.Roll.Limbo()), max(missing, s.Roll.Missing), s.Roll.Listed
		c.worst, r.Owners, r.Until = max(c.worst, s.Roll.Affected), s.Roll.Owners, s.Roll.Until
	case fallen > c.Coming:
		missing = max(missing, fallen)
	}
	c.worst = max(c.worst, limbo+missing)
	r.At, r.Affected, r.Connected, r.Answering, r.Missing = s.At, c.worst, c.worst-missing, c.worst-missing-limbo, missing
	r.Listed = max(listed, min(s.Listed, limbo))
	if fixed.IsZero() || r.Open() == 0 {
		return r
	}
	if r.Until = later(r.Until, fixed.Add(ownClock)); !now.Before(r.Until) {
		r.Listed = limbo + missing // their owners see each of them, and why it is away
	}
	return r
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// usually gives how many were connected before a time: the middle of what was
// counted, so that a single odd count decides nothing.
func (c *Count) usually(since time.Time) (u usual) {
	var connected, limbo []int
	for _, s := range c.samples {
		if s.At.Before(since) && since.Sub(s.At) <= before {
			connected, limbo = append(connected, s.Connected), append(limbo, s.Limbo)
		}
	}
	return usual{middle(connected), middle(limbo)}
}

func middle(list []int) int {
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	return list[len(list)/2]
}
