package rota

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Settings is the rota as it stands in the settings file. Times without an
// offset are of its zone. The zero value is no rota.
type Settings struct {
	Zone     string                  `yaml:"zone"`     // as in Europe/Berlin; must be given
	Handover string                  `yaml:"handover"` // a day of the week and a time; empty: monday 09:00
	Warn     time.Duration           `yaml:"warn"`     // so long before a gap it is said; 0: a week
	People   map[string][]string     `yaml:"people"`   // each with the outlets that reach them, all at once
	Lines    map[string]LineSettings `yaml:"lines"`
	Swaps    []SwapSettings          `yaml:"swaps"`
	Cover    []CoverSettings         `yaml:"cover"` // the last one that applies counts
	Away     []AwaySettings          `yaml:"away"`
}

// LineSettings is a line of people who take turns.
type LineSettings struct {
	Begins string   `yaml:"begins"` // the day of the first handover, such as 2026-11-02
	Ends   string   `yaml:"ends"`   // the day of the last one; empty: it does not end
	Weeks  int      `yaml:"weeks"`  // that a turn lasts; 0: one
	Turns  []string `yaml:"turns"`  // people, in order
}

// SwapSettings has two turns of a line change places.
type SwapSettings struct {
	Line  string   `yaml:"line"`
	Weeks []string `yaml:"weeks"` // a day of each turn's handover
}

// CoverSettings has somebody do what another's turn it is to do.
type CoverSettings struct {
	Line  string `yaml:"line"`
	Who   string `yaml:"who"`
	From  string `yaml:"from"` // 2026-11-25 18:00, 2026-11-25, or with an offset
	Until string `yaml:"until"`
}

// AwaySettings is that somebody is not there: their turn is a gap until somebody
// covers it.
type AwaySettings struct {
	Who   string `yaml:"who"`
	From  string `yaml:"from"`
	Until string `yaml:"until"`
}

// Everybody is the line of all people. It needs no turns.
const Everybody = "everybody"

// defaultWarn is how long before a gap it is said.
const defaultWarn = 7 * 24 * time.Hour

// IsZero tells that there is no rota.
func (s *Settings) IsZero() bool { return len(s.People) == 0 && len(s.Lines) == 0 }

// Rota makes the rota, or says everything that is wrong with it. Without
// settings it is nil, which has no lines.
func (s *Settings) Rota() (*Rota, error) {
	if s.IsZero() {
		return nil, nil
	}
	zone, err := time.LoadLocation(s.Zone)
	if err != nil || s.Zone == "" || s.Zone == "Local" {
		return nil, fmt.Errorf("rota: zone: %q is no time zone such as Europe/Berlin", s.Zone)
	}
	r := &Rota{zone: zone, warn: cmp.Or(s.Warn, defaultWarn), people: s.People, lines: map[string]*line{}}
	if err := r.handover(cmp.Or(s.Handover, "monday 09:00")); err != nil {
		return nil, err
	}
	p := parser{rota: r}
	if s.Warn < 0 || s.Warn > 90*24*time.Hour {
		p.wrong("warn: %s is not between 0 and 90 days", s.Warn)
	}
	for _, name := range slices.Sorted(maps.Keys(s.People)) {
		if len(s.People[name]) == 0 {
			p.wrong("people: %s has no outlet", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Lines)) {
		p.line(name, s.Lines[name])
	}
	for _, w := range s.Swaps {
		p.swap(w)
	}
	for _, c := range s.Cover {
		p.cover(c)
	}
	for _, a := range s.Away {
		if from, until, ok := p.stretch("away", a.From, a.Until); ok && p.known("away", a.Who) {
			r.away = append(r.away, stretch{who: a.Who, from: from, until: until})
		}
	}
	return r, errors.Join(p.errs...)
}

// handover reads "monday 09:00".
func (r *Rota) handover(text string) error {
	day, clock, _ := strings.Cut(strings.ToLower(strings.TrimSpace(text)), " ")
	at, err := time.Parse("15:04", strings.TrimSpace(clock))
	for d := time.Sunday; d <= time.Saturday; d++ {
		if day == strings.ToLower(d.String()) && err == nil {
			r.day, r.hour, r.minute = d, at.Hour(), at.Minute()
			return nil
		}
	}
	return fmt.Errorf("rota: handover: %q is no day and time such as monday 09:00", text)
}

// parser collects what is wrong.
type parser struct {
	rota *Rota
	errs []error
}

func (p *parser) wrong(format string, args ...any) {
	p.errs = append(p.errs, fmt.Errorf("rota: "+format, args...))
}

// known tells whether there is such a person.
func (p *parser) known(where, who string) bool {
	_, ok := p.rota.people[who]
	if !ok {
		p.wrong("%s: there is nobody called %q in people", where, who)
	}
	return ok
}

func (p *parser) line(name string, s LineSettings) {
	l := &line{turns: s.Turns, weeks: max(s.Weeks, 1), swapped: map[int]int{}}
	switch {
	case name == Everybody:
		p.wrong("lines: %s is everybody in any case", name)
	case len(s.Turns) == 0:
		p.wrong("lines: %s: turns is missing", name)
	case s.Weeks < 0 || s.Weeks > 52:
		p.wrong("lines: %s: weeks: %d is not between 1 and 52", name, s.Weeks)
	}
	for _, who := range s.Turns {
		p.known("lines: "+name, who)
	}
	l.begins = p.day(name+": begins", s.Begins)
	if s.Ends != "" {
		if l.ends = p.day(name+": ends", s.Ends); !l.ends.After(l.begins) {
			p.wrong("lines: %s: it ends before it begins", name)
		}
	}
	p.rota.lines[name] = l
}

// day reads a day on which there is a handover, and gives its moment.
func (p *parser) day(where, text string) time.Time {
	at, err := time.ParseInLocation(time.DateOnly, text, p.rota.zone)
	switch {
	case err != nil:
		p.wrong("%s: %q is no day such as 2026-11-02", where, text)
	case at.Weekday() != p.rota.day:
		p.wrong("%s: %s is a %s, and the handover is on %ss", where, text, at.Weekday(), p.rota.day)
	}
	return p.rota.clock(at, 0)
}

func (p *parser) swap(s SwapSettings) {
	l := p.rota.lines[s.Line]
	if l == nil || len(s.Weeks) != 2 {
		p.wrong("swaps: want a line, and the days of two handovers")
		return
	}
	a, b := l.turn(p.rota, p.day("swaps", s.Weeks[0])), l.turn(p.rota, p.day("swaps", s.Weeks[1]))
	if a < 0 || b < 0 || a == b {
		p.wrong("swaps: %s and %s are not two turns of %s", s.Weeks[0], s.Weeks[1], s.Line)
		return
	}
	ofA, ofB := l.after(a), l.after(b)
	l.swapped[a], l.swapped[b] = ofB, ofA
}

func (p *parser) cover(s CoverSettings) {
	from, until, ok := p.stretch("cover", s.From, s.Until)
	l := p.rota.lines[s.Line]
	if l == nil {
		p.wrong("cover: there is no line %q", s.Line)
	} else if p.known("cover", s.Who) && ok {
		l.covers = append(l.covers, stretch{who: s.Who, from: from, until: until})
	}
}

// stretch reads from when until when.
func (p *parser) stretch(where, from, until string) (a, b time.Time, ok bool) {
	a, okFrom := p.time(where+": from", from)
	b, okUntil := p.time(where+": until", until)
	if okFrom && okUntil && !b.After(a) {
		p.wrong("%s: %s is not after %s", where, until, from)
		return a, b, false
	}
	return a, b, okFrom && okUntil
}

// time reads a day, or a day and a time; what the clocks skip or show twice is
// refused.
func (p *parser) time(where, text string) (time.Time, bool) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, true
	}
	const layout = "2006-01-02 15:04"
	wall := text
	if _, err := time.Parse(time.DateOnly, text); err == nil {
		wall += " 00:00"
	}
	at, err := time.ParseInLocation(layout, wall, p.rota.zone)
	if err != nil {
		p.wrong("%s: %q is no time such as 2026-11-25 18:00", where, text)
		return at, false
	}
	if at.Format(layout) != wall {
		p.wrong("%s: %s: the clocks skip that in %s", where, text, p.rota.zone)
		return at, false
	}
	for _, other := range []time.Time{at.Add(-time.Hour), at.Add(time.Hour)} {
		if other.Format(layout) == wall {
			p.wrong("%s: %s comes twice in %s: give it with its offset", where, text, p.rota.zone)
			return at, false
		}
	}
	return at, true
}
