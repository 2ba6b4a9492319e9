package notify

import "time"

// Quiet is a part of the day in which nobody is woken for what can wait:
// warnings and news. Critical alerts and errors take no notice of it.
type Quiet struct {
	From, Until time.Duration // since midnight; equal: never quiet
	Zone        *time.Location
}

// until is the time to which n is held; zero: it is not.
func (q Quiet) until(n Notice, now time.Time) time.Time {
	if q.From == q.Until || q.Zone == nil || n.Severity.urgent() || n.Test {
		return time.Time{}
	}
	here := now.In(q.Zone)
	for _, day := range []int{-1, 0} { // the quiet that began yesterday, or today
		from, until := q.clock(here, day, q.From), q.clock(here, day, q.Until)
		if q.Until < q.From {
			until = q.clock(here, day+1, q.Until)
		}
		if !now.Before(from) && now.Before(until) {
			return until
		}
	}
	return time.Time{}
}

// clock is a time of day, day days from now; on a day when clocks change it
// is what the clock on the wall shows.
func (q Quiet) clock(now time.Time, day int, at time.Duration) time.Time {
	return time.Date(now.Year(), now.Month(), now.Day()+day, int(at/time.Hour), int(at/time.Minute)%60, 0, 0, q.Zone)
}
