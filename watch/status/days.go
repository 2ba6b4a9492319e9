package status

import (
	"time"

	"github.com/cyan-cloud/cyan/watch/signal"
)

// Day is what one capability was like on a day of UTC, in seconds.
type Day struct {
	Date        string `json:"date"` // 2026-06-01
	Good        int    `json:"good_s"`
	Degraded    int    `json:"degraded_s,omitempty"`
	Partial     int    `json:"partial_s,omitempty"`
	Major       int    `json:"major_s,omitempty"`
	Maintenance int    `json:"maintenance_s,omitempty"` // it failed as announced
	Unknown     int    `json:"unknown_s,omitempty"`     // nobody looked
}

// Known is how long somebody looked.
func (d *Day) Known() int { return d.Good + d.Degraded + d.Partial + d.Major }

// Down is how long it was out. A partial outage counts in full: to those whom
// it hits it is none the smaller.
func (d *Day) Down() int { return d.Partial + d.Major }

// daysKept is how many bars there are.
const daysKept = 90

// History counts the seconds of each day. It belongs to one goroutine, and is
// kept as JSON.
type History struct {
	Last time.Time                   `json:"last"`
	Days map[signal.Capability][]Day `json:"days"` // oldest first
}

// gap is the longest time between two notes in which somebody looked.
const gap = time.Minute

// Note says what each component has been since the last note. Longer than a
// minute after it, nobody knows what was in between.
func (h *History) Note(now time.Time, all []Component, blind bool) {
	if h.Days == nil {
		h.Days = make(map[signal.Capability][]Day)
	}
	from := h.Last
	h.Last = now.UTC()
	if from.IsZero() || !now.After(from) {
		return
	}
	for day := range spans(from.UTC(), now.UTC()) {
		for i := range all {
			h.day(all[i].Capability, day.date).add(&all[i], day.seconds, blind || now.Sub(from) > gap)
		}
	}
}

// Of gives the days of a capability.
func (h *History) Of(c signal.Capability) []Day {
	return append([]Day(nil), h.Days[c]...)
}

// day gives the day to count in.
func (h *History) day(c signal.Capability, date string) *Day {
	days := h.Days[c]
	if len(days) == 0 || days[len(days)-1].Date != date {
		days = append(days, Day{Date: date})
		h.Days[c] = days[max(0, len(days)-daysKept):]
	}
	days = h.Days[c]
	return &days[len(days)-1]
}

func (d *Day) add(c *Component, seconds int, unknown bool) {
	switch {
	case unknown || c.Silent():
		d.Unknown += seconds
	case c.Held:
		d.Maintenance += seconds
	case c.Severity == signal.Degraded:
		d.Degraded += seconds
	case c.Severity == signal.Partial:
		d.Partial += seconds
	case c.Severity == signal.Major:
		d.Major += seconds
	default:
		d.Good += seconds
	}
}

type span struct {
	date    string
	seconds int
}

// spans cuts a stretch of time at midnight. Whole seconds are counted, by the
// clock's own, so that nothing is lost between two notes.
func spans(from, until time.Time) func(func(span) bool) {
	return func(yield func(span) bool) {
		for from.Before(until) {
			midnight := from.Truncate(24 * time.Hour).Add(24 * time.Hour)
			end := until
			if midnight.Before(until) {
				end = midnight
			}
			if !yield(span{from.Format(time.DateOnly), int(end.Unix() - from.Unix())}) {
				return
			}
			from = end
		}
	}
}

// uptime is the part of the known time in which it was not out; ok is false
// when nothing is known.
func uptime(days []Day) (part float64, ok bool) {
	down, known := 0, 0
	for i := range days {
		down += days[i].Down()
		known += days[i].Known()
	}
	if known == 0 {
		return 0, false
	}
	return 1 - float64(down)/float64(known), true
}
