package incident

import (
	"slices"
	"time"

	"github.com/cyan-cloud/cyan/watch/signal"
)

// What is true is known later: a fault is over when enough runs went well, all
// devices answer when they have been counted after that. The times that are
// kept are those of the evidence, and when it was known stands beside them.

// aftermath is for how long after a fault devices that it cut off may be away or
// mute by their own clocks: the longest back-off, two tries of it, and a device
// over UDP that is told to start over.
const aftermath = 5 * time.Minute

// last is when the last of its parts worked again, of those that do.
func (i *Incident) last() (at time.Time) {
	for _, p := range i.Parts {
		at = later(at, p.Until)
	}
	return at.UTC()
}

// well is when the fault had ended. Of what follows from another part of it that
// is when it worked for those who come anew: who was cut off and is not back yet
// is counted, and makes no fault longer. What lasts for longer than devices' own
// clocks explain is a fault of its own.
func (i *Incident) well(now time.Time) (at time.Time) {
	for n := range i.Parts {
		switch p := &i.Parts[n]; {
		case p.Until.IsZero():
			return now.UTC() // of a person's word, which is taken back now
		case i.follows(p) && !p.Mended.IsZero():
			at = later(at, p.Mended)
		default:
			at = later(at, p.Until)
		}
	}
	if last := i.last(); last.Sub(at) > aftermath {
		return last
	}
	return at.UTC()
}

// follows tells whether a part began to fail while another did that it is a
// consequence of.
func (i *Incident) follows(p *Part) bool {
	return slices.ContainsFunc(i.Parts, func(of Part) bool {
		return slices.Contains(consequences[of.Capability], p.Capability) && !p.Since.Before(of.Since) && !p.Since.After(of.Until) && of.Worst > signal.Operational
	})
}

// recovered takes note of whether all answer by the newest count.
func (i *Incident) recovered() {
	switch {
	case !i.Recovery.Counted():
	case !i.Recovery.Over():
		i.Whole = time.Time{}
	case i.Whole.IsZero():
		i.Whole = i.Recovery.At.UTC()
	}
}

// since is when something became true that is known now; zero: just now.
func (i *Incident) since(kind Kind, now time.Time) (at time.Time) {
	switch kind {
	case Fixed:
		at = i.Monitoring
	case AllCallable:
		at = later(i.Whole, i.last())
	}
	if at.Before(now) {
		return at
	}
	return time.Time{}
}

// True is when what an entry says became true.
func (e *Entry) True() time.Time {
	if e.Since.IsZero() {
		return e.At
	}
	return e.Since
}

// known is when it was known, where that was later; zero: at once.
func (e *Entry) known() time.Time {
	if e.Since.IsZero() {
		return time.Time{}
	}
	return e.At
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
