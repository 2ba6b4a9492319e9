// Package hours knows how much is done in each hour of the week, by everybody,
// and in which one the fewest are in the way of work on the cloud.
//
// It counts what the cloud counted, in hours of UTC. Whose morning that is it
// need not know: where most people sleep, little is done.
package hours

import (
	"cmp"
	"slices"
	"time"

	"github.com/cyan-cloud/cyan/watch/signal"
)

// Hour is what was counted in one hour.
type Hour struct {
	At        int64 `json:"at"`      // hours since 1970
	Minutes   int   `json:"minutes"` // that were counted
	Calls     int   `json:"calls"`
	Attempts  int   `json:"attempts"`  // devices that connected, or tried to
	Requests  int   `json:"requests"`  // of the API, and logins
	Connected int   `json:"connected"` // devices, summed over the minutes
}

// Diary is what was counted in the last eight weeks. It belongs to one
// goroutine and is kept as JSON.
type Diary struct {
	Hours []Hour `json:"hours"` // oldest first
}

const (
	week  = 7 * 24
	weeks = 8
	// enough is how many minutes of an hour have to be counted to say something
	// of it.
	enough = 30
)

// Note takes what the cloud counted in a minute, and tells whether an hour has
// begun with it.
func (d *Diary) Note(t *signal.Traffic) (turned bool) {
	at := t.From.Unix() / 3600
	if n := len(d.Hours); n == 0 || d.Hours[n-1].At < at {
		d.Hours, turned = append(d.Hours, Hour{At: at}), true
		for len(d.Hours) > 0 && d.Hours[0].At <= at-weeks*week {
			d.Hours = d.Hours[1:]
		}
	}
	h := &d.Hours[len(d.Hours)-1]
	if h.At != at {
		return turned // a clock was set back
	}
	h.Minutes++
	h.Calls += t.Calls.Total()
	h.Requests += t.API.Total() + t.Logins.Total()
	h.Connected += t.Connected
	for i := range t.Attempts {
		h.Attempts += t.Attempts[i].Total()
	}
	return turned
}

// Load is what is usually done in an hour, or in several.
type Load struct {
	Calls     float64 `json:"calls"`
	Attempts  float64 `json:"connection_attempts"`
	Requests  float64 `json:"api_requests"`
	Connected float64 `json:"connected_devices"` // on the average
}

// add adds a part of another load.
func (l *Load) add(o *Load, part float64) {
	l.Calls += part * o.Calls
	l.Attempts += part * o.Attempts
	l.Requests += part * o.Requests
	l.Connected += part * o.Connected
}

// hurt is how much of a load is in the way of what may fail: of each kind of
// doing the part of the busiest hour's, so that none outweighs another by
// being counted more often.
func (l *Load) hurt(peak *Load, effects []signal.Capability) (sum float64) {
	if len(effects) == 0 {
		effects = signal.Capabilities()
	}
	var touched struct{ calls, attempts, requests, connected bool }
	for _, c := range effects {
		switch c {
		case signal.ConnectTCP, signal.ConnectUDP:
			touched.attempts = true
		case signal.Calls, signal.Variables:
			touched.calls = true
		case signal.Connected, signal.Events:
			touched.connected = true
		case signal.API, signal.Console:
			touched.requests = true
		}
	}
	for _, k := range []struct {
		touched   bool
		here, top float64
	}{
		{touched.calls, l.Calls, peak.Calls},
		{touched.attempts, l.Attempts, peak.Attempts},
		{touched.requests, l.Requests, peak.Requests},
		{touched.connected, l.Connected, peak.Connected},
	} {
		if k.touched && k.top > 0 {
			sum += k.here / k.top
		}
	}
	return sum
}

// usual is what is usually done in each hour of the week, Thursday 00:00 UTC
// first.
type usual struct {
	loads [week]Load
	weeks [week]int // that were counted; zero: nothing is known of the hour
	peak  Load      // of each kind the most
}

func (d *Diary) usual() *usual {
	u := new(usual)
	for i := range d.Hours {
		h := &d.Hours[i]
		if h.Minutes < enough {
			continue
		}
		slot, whole := h.At%week, 60/float64(h.Minutes)
		u.loads[slot].add(&Load{float64(h.Calls), float64(h.Attempts), float64(h.Requests), float64(h.Connected) / 60}, whole)
		u.weeks[slot]++
	}
	for n := range u.loads {
		l := &u.loads[n]
		if k := u.weeks[n]; k > 1 {
			var mean Load
			mean.add(l, 1/float64(k))
			*l = mean
		}
		u.peak = Load{max(u.peak.Calls, l.Calls), max(u.peak.Attempts, l.Attempts), max(u.peak.Requests, l.Requests), max(u.peak.Connected, l.Connected)}
	}
	return u
}

// Ask is what somebody wants to do.
type Ask struct {
	After   time.Time           // not before
	Length  time.Duration       // as long; zero: an hour
	Effects []signal.Capability // what may fail meanwhile; none: anything
}

// Proposal is a time at which few are in the way.
type Proposal struct {
	Starts time.Time `json:"starts_at"`
	Ends   time.Time `json:"ends_at"`
	// Load is what is usually done in it, Share how much that is of the busiest
	// such time of the week, in what the effects touch.
	Load
	Share float64 `json:"share_of_busiest"`
	Weeks int     `json:"weeks"` // that were counted, of its hours the fewest
}

// proposals is how many are given at most.
const proposals = 3

// Quietest gives the times of the week after Ask.After at which least of what
// the effects touch is usually done, the quietest first; they do not overlap.
// Nothing is said of hours that were never counted.
func (d *Diary) Quietest(ask Ask) (list []Proposal) {
	if ask.Length <= 0 {
		ask.Length = time.Hour
	}
	first := ask.After.UTC().Truncate(time.Hour)
	if first.Before(ask.After) {
		first = first.Add(time.Hour)
	}
	u, all, worst := d.usual(), []Proposal{}, 0.0
	for n := range week {
		if p := u.propose(first.Add(time.Duration(n)*time.Hour), &ask); p.Weeks > 0 {
			worst, all = max(worst, p.Share), append(all, p)
		}
	}
	slices.SortStableFunc(all, func(a, b Proposal) int { return cmp.Compare(a.Share, b.Share) })
	for _, p := range all {
		if worst > 0 {
			p.Share /= worst
		}
		overlaps := slices.ContainsFunc(list, func(o Proposal) bool { return o.Starts.Before(p.Ends) && p.Starts.Before(o.Ends) })
		if !overlaps && len(list) < proposals {
			list = append(list, p)
		}
	}
	return list
}

// propose gives a time with what is done in it. Its share is not one yet.
func (u *usual) propose(starts time.Time, ask *Ask) Proposal {
	p := Proposal{Starts: starts, Ends: starts.Add(ask.Length), Weeks: weeks}
	for at := starts; at.Before(p.Ends); at = at.Add(time.Hour) {
		slot, part := at.Unix()/3600%week, min(1, p.Ends.Sub(at).Hours())
		p.add(&u.loads[slot], part)
		p.Share += part * u.loads[slot].hurt(&u.peak, ask.Effects)
		p.Weeks = min(p.Weeks, u.weeks[slot])
	}
	p.Connected /= ask.Length.Hours()
	return p
}
