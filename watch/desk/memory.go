package desk

import (
	"cmp"
	"slices"
	"time"

	"github.com/cyan-cloud/cyan/watch/signal"
	"github.com/cyan-cloud/cyan/watch/status"
)

// memory is what canaries saw lately: an hour of counts, and the last runs of
// each.
type memory struct {
	counts map[signal.Capability]*[minutes]minute
	strips map[strip]*status.Strip
}

type strip struct {
	story                       signal.Story
	vantage, ingress, transport string
}

type minute struct {
	at        int64 // minutes since 1970
	ok, tried int
}

const (
	minutes  = 60
	recent   = 5 // minutes
	runsKept = 30
	forgot   = time.Hour // a canary that has not run for so long is not shown
)

func newMemory() memory {
	return memory{make(map[signal.Capability]*[minutes]minute), map[strip]*status.Strip{}}
}

func (m *memory) note(r *signal.Result) {
	if r.Drill {
		return
	}
	key := strip{r.Story, r.Vantage, r.Ingress, r.Transport}
	s := m.strips[key]
	if s == nil {
		s = &status.Strip{Story: r.Story, Vantage: r.Vantage, Ingress: r.Ingress, Transport: r.Transport}
		m.strips[key] = s
	}
	// A new list each time: views that were shown keep theirs.
	s.Runs = append(slices.Clone(s.Runs[max(0, len(s.Runs)-runsKept+1):]), *r)
	for _, reading := range r.Readings() {
		c := m.counts[reading.Capability]
		if c == nil {
			c = new([minutes]minute)
			m.counts[reading.Capability] = c
		}
		at := r.Ended.Unix() / 60
		slot := &c[at%minutes]
		if slot.at != at {
			*slot = minute{at: at}
		}
		slot.tried++
		if reading.OK {
			slot.ok++
		}
	}
}

// measured gives the number of a capability, of so many minutes.
func (m *memory) measured(c signal.Capability, now time.Time, last int64) status.Measured {
	n := status.Measured{Over: time.Duration(last) * time.Minute}
	counts := m.counts[c]
	if counts == nil {
		return n
	}
	for _, slot := range counts {
		if slot.at > now.Unix()/60-last {
			n.OK += slot.ok
			n.Tried += slot.tried
		}
	}
	return n
}

// looked lists the capabilities that were measured in the last hour.
func (m *memory) looked(now time.Time) []signal.Capability {
	var list []signal.Capability
	for _, c := range signal.Capabilities() {
		if m.measured(c, now, minutes).Tried > 0 {
			list = append(list, c)
		}
	}
	return list
}

// shown gives the strips of canaries that run, always in the same order.
func (m *memory) shown(now time.Time) []status.Strip {
	var list []status.Strip
	for key, s := range m.strips {
		if now.Sub(s.Last().Ended) > forgot {
			delete(m.strips, key)
			continue
		}
		list = append(list, *s)
	}
	slices.SortFunc(list, func(a, b status.Strip) int {
		return cmp.Or(cmp.Compare(a.Story, b.Story), cmp.Compare(a.Transport, b.Transport), cmp.Compare(a.Ingress, b.Ingress), cmp.Compare(a.Vantage, b.Vantage))
	})
	return list
}
