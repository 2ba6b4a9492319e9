// Package chart keeps what was tried of the cloud and what of that succeeded,
// minute by minute, so that an outage can be seen beside what was announced.
//
// Two witnesses are kept apart: what canaries saw, which goes on while the cloud
// is down, and what the cloud counted of everybody's devices and calls, which
// does not.
package chart

import (
	"slices"
	"time"

	"github.com/cyan-cloud/cyan/watch/signal"
)

// Count is how often something was tried, and how often it succeeded.
type Count struct {
	OK    int `json:"ok"`
	Tried int `json:"tried"`
}

func (c *Count) add(o Count) {
	c.OK += o.OK
	c.Tried += o.Tried
}

// Minute is what was seen in one.
type Minute struct {
	At      int64                       `json:"at"` // minutes since 1970
	Seen    map[signal.Capability]Count `json:"seen,omitempty"`
	Devices Count                       `json:"devices,omitzero"` // that connected, or tried to
	Calls   Count                       `json:"calls,omitzero"`
}

const (
	// Kept is how long minutes are remembered.
	Kept = 72 * time.Hour
	// settled is after how long nothing is added to a minute any more: what
	// comes later, from a vantage that was cut off, is not drawn.
	settled    = 5
	pointsMost = 180
)

// Memory is the minutes of the last three days. It belongs to one goroutine.
type Memory struct {
	minutes []Minute // oldest first
	written int64    // the last that was given to be written down
}

// Replay brings back a minute that was written down.
func (m *Memory) Replay(x Minute) {
	if n := len(m.minutes); n == 0 || m.minutes[n-1].At < x.At {
		m.minutes, m.written = append(m.minutes, x), x.At
	}
}

// Settled gives the minutes that are to be written down now, each once.
func (m *Memory) Settled(now time.Time) (list []Minute) {
	for i := range m.minutes {
		if x := &m.minutes[i]; x.At > m.written && x.At < now.Unix()/60-settled {
			list = append(list, *x)
		}
	}
	if n := len(list); n > 0 {
		m.written = list[n-1].At
	}
	return list
}

// at gives the minute of a time; nil: that is settled.
func (m *Memory) at(t time.Time) *Minute {
	at := t.Unix() / 60
	n, found := slices.BinarySearchFunc(m.minutes, at, func(x Minute, at int64) int { return int(x.At - at) })
	switch {
	case found && at > m.written:
		return &m.minutes[n]
	case found || at <= m.written:
		return nil
	}
	m.minutes = slices.Insert(m.minutes, n, Minute{At: at})
	oldest := m.minutes[len(m.minutes)-1].At - int64(Kept/time.Minute)
	for m.minutes[0].At < oldest {
		m.minutes, n = m.minutes[1:], n-1
	}
	if n < 0 {
		return nil
	}
	return &m.minutes[n]
}

// Saw takes what became of a canary's run.
func (m *Memory) Saw(r *signal.Result) {
	list := r.Readings()
	if len(list) == 0 {
		return
	}
	x := m.at(r.Ended)
	if x == nil {
		return
	}
	if x.Seen == nil {
		x.Seen = make(map[signal.Capability]Count)
	}
	for _, reading := range list {
		c := x.Seen[reading.Capability]
		c.Tried++
		if reading.OK {
			c.OK++
		}
		x.Seen[reading.Capability] = c
	}
}

// Counted takes what the cloud counted in a minute.
func (m *Memory) Counted(t *signal.Traffic) {
	x := m.at(t.From)
	if x == nil {
		return
	}
	x.Calls.add(Count{t.Calls.OK, t.Calls.Total()})
	for i := range t.Attempts {
		x.Devices.add(Count{t.Attempts[i].OK, t.Attempts[i].Total()})
	}
}

// Chart is a stretch of time in steps.
type Chart struct {
	From  time.Time `json:"from"`
	Step  int       `json:"step_s"`
	Lines []Line    `json:"lines"`
}

// Line is what was tried, in each step.
type Line struct {
	Name   string  `json:"name"`
	Points []Count `json:"points"`
}

// Until is where a chart ends.
func (c *Chart) Until() time.Time {
	if len(c.Lines) == 0 {
		return c.From
	}
	return c.From.Add(time.Duration(c.Step*len(c.Lines[0].Points)) * time.Second)
}

// Sum gives all that was tried between two times.
func (l *Line) Sum(c *Chart, from, until time.Time) (sum Count) {
	step := time.Duration(c.Step) * time.Second
	for n, p := range l.Points {
		if at := c.From.Add(time.Duration(n) * step); !at.Add(step/2).Before(from) && at.Add(step/2).Before(until) {
			sum.add(p)
		}
	}
	return sum
}

// Most is the highest count of tries.
func (l *Line) Most() (most int) {
	for _, p := range l.Points {
		most = max(most, p.Tried)
	}
	return most
}

// Draw gives what was seen of some capabilities between two times. Lines in
// which nothing was tried are left out.
func (m *Memory) Draw(from, until time.Time, of func(signal.Capability) bool) Chart {
	if len(m.minutes) == 0 {
		return Chart{From: from.UTC()}
	}
	first, last := max(from.Unix()/60, m.minutes[0].At), until.Unix()/60
	if last < first {
		return Chart{From: from.UTC()}
	}
	step := (last-first)/pointsMost + 1
	n := int((last-first)/step) + 1
	lines := []Line{{"Canaries", make([]Count, n)}, {"Devices that connect", make([]Count, n)}, {"Function calls", make([]Count, n)}}
	for i := range m.minutes {
		x := &m.minutes[i]
		if x.At < first || x.At > last {
			continue
		}
		slot := int((x.At - first) / step)
		for c, k := range x.Seen {
			if of(c) {
				lines[0].Points[slot].add(k)
			}
		}
		if of(signal.ConnectTCP) || of(signal.ConnectUDP) {
			lines[1].Points[slot].add(x.Devices)
		}
		if of(signal.Calls) {
			lines[2].Points[slot].add(x.Calls)
		}
	}
	lines = slices.DeleteFunc(lines, func(l Line) bool { return l.Most() == 0 })
	return Chart{time.Unix(first*60, 0).UTC(), int(step) * 60, lines}
}
