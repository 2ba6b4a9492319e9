package rota

import (
	"maps"
	"slices"
	"time"
)

// Rota is who is on call when. It never changes; a nil one has no lines.
type Rota struct {
	zone         *time.Location
	day          time.Weekday
	hour, minute int
	warn         time.Duration
	people       map[string][]string
	lines        map[string]*line
	away         []stretch
}

// line is people who take turns.
type line struct {
	begins, ends time.Time // ends zero: never
	weeks        int
	turns        []string
	swapped      map[int]int // turns that are done by who has another one
	covers       []stretch
}

// stretch is from when until when somebody does something.
type stretch struct {
	who         string
	from, until time.Time
}

func (s *stretch) holds(at time.Time) bool { return !at.Before(s.from) && at.Before(s.until) }

// Shift is a time in which the same person is on call in a line, or nobody is.
type Shift struct {
	Line  string    `json:"line"`
	Who   string    `json:"who"` // empty: nobody: a gap
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
	Why   string    `json:"why,omitempty"` // where it is not simply somebody's turn
}

// Gap tells that nobody is on call.
func (s *Shift) Gap() bool { return s.Who == "" }

// Lines lists the lines, by name.
func (r *Rota) Lines() []string {
	if r == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(r.lines))
}

// Zone is the zone of its handovers.
func (r *Rota) Zone() *time.Location { return r.zone }

// Warn is how long before a gap it is said.
func (r *Rota) Warn() time.Duration { return r.warn }

// Has tells whether a stage can name the line.
func (r *Rota) Has(name string) bool {
	return r != nil && (name == Everybody || r.lines[name] != nil)
}

// Outlets gives the outlets of who is on call in a line. In a gap, and in a line
// that there is not, these are everybody's.
func (r *Rota) Outlets(name string, at time.Time) []string {
	if r == nil {
		return nil
	}
	if l := r.lines[name]; l != nil {
		if who, _ := r.on(l, at); who != "" {
			return slices.Clone(r.people[who])
		}
	}
	return r.All()
}

// All gives the outlets of everybody, each once.
func (r *Rota) All() (list []string) {
	if r == nil {
		return nil
	}
	for _, who := range slices.Sorted(maps.Keys(r.people)) {
		for _, name := range r.people[who] {
			if !slices.Contains(list, name) {
				list = append(list, name)
			}
		}
	}
	return list
}

// on tells who is on call in a line, and why, where it is not simply their turn.
func (r *Rota) on(l *line, at time.Time) (who, why string) {
	who, why = l.whose(r, at)
	for _, c := range slices.Backward(l.covers) {
		if c.holds(at) {
			switch who {
			case "":
				why = "covers"
			case c.who:
				why = ""
			default:
				why = "covers for " + who
			}
			return r.there(c.who, why, at)
		}
	}
	return r.there(who, why, at)
}

// there makes a gap of somebody who is away.
func (r *Rota) there(who, why string, at time.Time) (string, string) {
	for _, a := range r.away {
		if a.who == who && a.holds(at) {
			return "", who + " is away"
		}
	}
	return who, why
}

// whose tells whose turn it is.
func (l *line) whose(r *Rota, at time.Time) (who, why string) {
	if !l.ends.IsZero() && !at.Before(l.ends) {
		return "", "the line has ended"
	}
	n := l.turn(r, at)
	if n < 0 {
		return "", "the line has not begun"
	}
	if by, ok := l.swapped[n]; ok {
		return l.turns[by%len(l.turns)], "swapped with " + l.turns[n%len(l.turns)]
	}
	return l.turns[n%len(l.turns)], ""
}

// after gives whose turn a turn has become by the swaps so far.
func (l *line) after(n int) int {
	if by, ok := l.swapped[n]; ok {
		return by
	}
	return n
}

// turn counts the turns from the first; below 0: before it.
func (l *line) turn(r *Rota, at time.Time) int {
	if at.Before(l.begins) {
		return -1
	}
	week := int(at.Sub(l.begins) / (7 * 24 * time.Hour))
	switch { // a week in which the clocks change is an hour longer or shorter
	case at.Before(r.clock(l.begins, week)):
		week--
	case !at.Before(r.clock(l.begins, week+1)):
		week++
	}
	return week / l.weeks
}

// clock is the moment of the handover so many weeks from a day. The clock on the
// wall counts: in a week in which it is changed the shift is longer or shorter.
func (r *Rota) clock(day time.Time, weeks int) time.Time {
	day = day.In(r.zone)
	return time.Date(day.Year(), day.Month(), day.Day()+7*weeks, r.hour, r.minute, 0, 0, r.zone)
}

// longest bounds what can be asked for at once.
const longest = 366 * 24 * time.Hour

// Shifts lists who is on call in a line from one time until another, at most a
// year later, without holes: nobody is a shift too.
func (r *Rota) Shifts(name string, from, until time.Time) (list []Shift) {
	l := r.lines[name]
	if l == nil {
		return nil
	}
	if until.Sub(from) > longest {
		until = from.Add(longest)
	}
	for at := from; at.Before(until); {
		next := r.turns(l, at, until)
		who, why := r.on(l, at)
		if n := len(list); n > 0 && list[n-1].Who == who && list[n-1].Why == why {
			list[n-1].Until = next.UTC()
		} else {
			list = append(list, Shift{Line: name, Who: who, Why: why, From: at.UTC(), Until: next.UTC()})
		}
		at = next
	}
	return list
}

// turns gives the next moment at which something may change.
func (r *Rota) turns(l *line, at, until time.Time) time.Time {
	sooner := func(t time.Time) {
		if t.After(at) && t.Before(until) {
			until = t
		}
	}
	sooner(l.begins)
	sooner(l.ends)
	for _, list := range [][]stretch{l.covers, r.away} {
		for _, s := range list {
			sooner(s.from)
			sooner(s.until)
		}
	}
	if !at.Before(l.begins) {
		sooner(r.clock(l.begins, (l.turn(r, at)+1)*l.weeks))
	}
	return until
}

// Now is who is on call in a line, until when, and who is next.
type Now struct {
	Shift
	Next string `json:"next,omitempty"` // empty: nobody, or not within the year
}

// Words say who it is, until when, and who is next; stamp writes a time as its
// reader wants it.
func (n *Now) Words(stamp func(time.Time) string) string {
	who := n.Who
	if n.Gap() {
		who = "nobody, so everybody is called"
	}
	if n.Why != "" {
		who += " (" + n.Why + ")"
	}
	next := n.Next
	if next == "" {
		next = "nobody"
	}
	return who + ", until " + stamp(n.Until) + "; then " + next
}

// On gives who is on call, a line each.
func (r *Rota) On(at time.Time) (list []Now) {
	for _, name := range r.Lines() {
		shifts := r.Shifts(name, at, at.Add(longest))
		n := Now{Shift: shifts[0]}
		if len(shifts) > 1 {
			n.Next = shifts[1].Who
		}
		list = append(list, n)
	}
	return list
}

// Gap gives the gap of a line that goes on, or the next one that begins within
// a time. Its From is zero where nobody has been on call for a year, its Until
// where nobody will be.
func (r *Rota) Gap(name string, now time.Time, within time.Duration) (gap Shift, ok bool) {
	for _, s := range r.Shifts(name, now, now.Add(longest)) {
		if s.Gap() && s.From.Before(now.Add(within)) {
			gap, ok = s, true
			break
		}
	}
	if !ok {
		return gap, false
	}
	if gap.From.Equal(now) {
		before := r.Shifts(name, now.Add(-longest), now)
		gap.From = before[len(before)-1].From
		if !before[len(before)-1].Gap() {
			gap.From = now.UTC()
		} else if len(before) == 1 {
			gap.From = time.Time{}
		}
	}
	if gap.Until.Equal(now.Add(longest)) {
		gap.Until = time.Time{}
	}
	return gap, true
}
