package alert

import (
	"math/bits"
	"time"
)

// The burn-rate rule: an hour and the last five minutes of it in which the
// budget of 30 days at 99.5 % is used up 14.4 times too fast. It is the second
// line: it finds what fails a little for long. (At 99.9 % the one run in a
// hundred that fails by chance on any network would raise it.)
const (
	objective  = 0.995
	burnFactor = 14.4
	burnLong   = time.Hour
	burnShort  = 5 * time.Minute
	burnLeast  = 60 // runs in the hour that mean something
	keptFor    = 61
)

// minutes counts runs by the minute, for an hour.
type minutes struct {
	of [keptFor]minute

	asked  int64 // minutes since 1970 of the last answer, and after how many runs
	noted  int
	at     int
	answer bool
}

type minute struct {
	at         int64 // minutes since 1970
	ok, failed int
	first      time.Time // failure: when the step began
	by         uint64    // vantages that saw a failure
}

func (m *minutes) note(at, broke time.Time, ok bool, vantage uint64) {
	m.noted++
	n := at.Unix() / 60
	slot := &m.of[n%keptFor]
	if slot.at != n {
		*slot = minute{at: n}
	}
	if ok {
		slot.ok++
	} else {
		if slot.failed++; slot.first.IsZero() || broke.Before(slot.first) {
			slot.first = broke
		}
		slot.by |= vantage
	}
}

// share gives how many of the runs of the last so long failed.
func (m *minutes) share(now time.Time, back time.Duration) (failed, all int) {
	until := now.Unix() / 60
	from := now.Add(-back).Unix() / 60
	for _, s := range m.of {
		if s.at > from && s.at <= until {
			failed += s.failed
			all += s.failed + s.ok
		}
	}
	return failed, all
}

// burning tells whether the budget is used up too fast, over the hour and
// still now, as seen from more than one vantage unless there is only one.
func (m *minutes) burning(now time.Time, sole bool) bool {
	if minute := now.Unix() / 60; m.asked != minute || m.at != m.noted {
		m.asked, m.at, m.answer = minute, m.noted, m.burns(now, sole)
	}
	return m.answer
}

func (m *minutes) burns(now time.Time, sole bool) bool {
	if !sole && bits.OnesCount64(m.seenBy(now)) < 2 {
		return false
	}
	for _, back := range []time.Duration{burnLong, burnShort} {
		failed, all := m.share(now, back)
		if all == 0 || float64(failed)/float64(all) < burnFactor*(1-objective) || back == burnLong && all < burnLeast {
			return false
		}
		if failed < suspectFail {
			return false // two runs are chance
		}
	}
	return true
}

// seenBy gives the vantages that saw a failure in the hour.
func (m *minutes) seenBy(now time.Time) (by uint64) {
	from := now.Add(-burnLong).Unix() / 60
	for _, s := range m.of {
		if s.at > from {
			by |= s.by
		}
	}
	return by
}

// began is when the first failure of the hour was.
func (m *minutes) began(now time.Time) time.Time {
	from, first := now.Add(-burnLong).Unix()/60, now
	for _, s := range m.of {
		if s.failed > 0 && s.at > from && s.first.Before(first) {
			first = s.first
		}
	}
	return first.UTC()
}
