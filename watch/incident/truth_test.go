package incident_test

import (
	"strings"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/watch/incident"
	"github.com/cyan-cloud/cyan/watch/signal"
)

// recovering is a fault of half an hour by which devices could not connect, and
// some were cut off: those connect again, or are told to, by their own clocks.
type recovering struct {
	t           *testing.T
	book        *incident.Book
	began, over time.Time // of the fault
}

func faultOf(t *testing.T, parts ...signal.Capability) *recovering {
	r := &recovering{t: t, book: incident.NewBook(), began: time.Unix(1590901200, 0).UTC()}
	r.over = r.began.Add(30 * time.Minute)
	for n, c := range parts {
		since := r.began.Add(time.Duration(n) * time.Minute)
		r.book.Apply(since.Add(20*time.Second), []signal.Judgement{{At: since, Since: since, Capability: c, Severity: signal.Partial}}, incident.Recovery{})
	}
	return r
}

// ease has a capability work again: for everybody, and for those who come anew,
// so many seconds after the fault. That is known three quarters of a minute later.
func (r *recovering) ease(c signal.Capability, all, anew int) {
	j := signal.Judgement{Capability: c, Well: r.after(all), Mended: r.after(anew)}
	j.At = j.Well.Add(45 * time.Second)
	r.book.Apply(j.At, []signal.Judgement{j}, incident.Recovery{})
}

func (r *recovering) after(seconds int) time.Time {
	return r.over.Add(time.Duration(seconds) * time.Second)
}

func (r *recovering) incident() incident.Incident {
	r.t.Helper()
	i, err := r.book.Get("1")
	if err != nil {
		r.t.Fatal(err)
	}
	return i
}

// TestFixedIsWhenTheFaultEnded: that a device which was cut off is still away
// by its own clock, or mute until it is told to start over, does not make the
// fault longer. What goes on failing for those who come anew does, and so does
// what no clock of a device explains.
func TestFixedIsWhenTheFaultEnded(t *testing.T) {
	for name, c := range map[string]struct {
		calls, anew int // seconds after which calls work again
		fixed       int
	}{
		"a device that was cut off":      {57, -3600, 6},
		"those who come anew, too":       {57, 40, 40},
		"longer than devices' clocks":    {900, -3600, 900},
		"it was not looked at otherwise": {57, 57, 57},
	} {
		r := faultOf(t, signal.ConnectTCP, signal.Connected, signal.Calls)
		r.ease(signal.ConnectTCP, 6, 6)
		r.ease(signal.Connected, 19, -3600)
		r.ease(signal.Calls, c.calls, c.anew)
		i := r.incident()
		m := i.Milestones()
		if want := r.after(c.fixed); !m.Fixed.Equal(want) || !i.Ended().Equal(want) {
			t.Errorf("%s: fixed %v after the fault, want %d s", name, m.Fixed.Sub(r.over), c.fixed)
		}
		if want := r.after(c.calls + 45); !m.FixedKnown.Equal(want) {
			t.Errorf("%s: known %v after the fault, want %d s", name, m.FixedKnown.Sub(r.over), c.calls+45)
		}
		if p := i.Part(signal.Calls); !p.Until.Equal(r.after(c.calls)) {
			t.Errorf("%s: calls fail until %v after the fault", name, p.Until.Sub(r.over))
		}
		if words := i.Words(m.FixedKnown); strings.Contains(words, "Nothing has failed since") != (c.fixed == c.calls) {
			t.Errorf("%s: it says %q", name, words)
		}
	}
}

// TestWhatFailsAloneIsTheFault: where only those fail who stay connected, that
// is what ended last.
func TestWhatFailsAloneIsTheFault(t *testing.T) {
	r := faultOf(t, signal.Connected)
	r.ease(signal.Connected, 57, -3600)
	i := r.incident()
	if m := i.Milestones(); !m.Fixed.Equal(r.after(57)) {
		t.Errorf("fixed %v after the fault", m.Fixed.Sub(r.over))
	}
}

// TestAllCallableIsSinceTheCountWasWhole: it is said when it is sure that the
// fault is over, and was true before; a count that falls again takes that back.
func TestAllCallableIsSinceTheCountWasWhole(t *testing.T) {
	r := faultOf(t, signal.ConnectTCP)
	r.ease(signal.ConnectTCP, 6, 6)
	i := r.incident()
	turned := i.Turned
	for _, c := range []struct{ at, answering int }{{10, 100}, {20, 90}, {30, 95}, {40, 100}, {50, 100}, {60, 100}} {
		r.book.Apply(r.after(c.at+1), nil, incident.Recovery{At: r.after(c.at), Affected: 100, Connected: 100, Answering: c.answering})
	}
	i = r.incident()
	m := i.Milestones()
	if !m.AllCallable.Equal(r.after(40)) || !m.AllCallableKnown.After(turned) {
		t.Errorf("all callable %v after the fault, known after %v", m.AllCallable.Sub(r.over), m.AllCallableKnown.Sub(r.over))
	}
}
