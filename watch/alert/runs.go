package alert

import (
	"slices"
	"time"

	"github.com/cyan-cloud/cyan/watch/signal"
)

// The rules of the canaries.
const (
	manyRuns, manyFail = 6, 4 // with several vantages: of the last six, from two of them
	soleRuns, soleFail = 5, 4 // with one
	suspectFail        = 3    // of the last six: looked at twice as often
	stale              = 3 * time.Minute
	calm               = 45 * time.Second // without a failure, and as many good runs as decide, until it is over
)

// run is what one run of a canary said of a capability.
type run struct {
	began    time.Time
	at       time.Time // it ended
	broke    time.Time // the step began that failed
	drag     time.Time // since when it was held up, if it was
	vantage  string
	device   string
	ok       bool
	reason   string
	evidence string
}

// way is a capability by one way in: each ingress is judged by itself, so that
// one gateway of many that is down does not hide among the others. So are those
// who stay connected: a session that is mute would hide among those who come
// anew, and are well.
type way struct {
	capability signal.Capability
	ingress    string
	held       bool
}

// runs are the last runs of a way in.
type runs struct {
	last  []run // oldest first, at most manyRuns
	slow  time.Time
	since time.Time // of the first failure of this stretch
	well  time.Time // since when it works again; zero: it has not failed yet
	good  time.Time // since when every run has ended well; zero: the last did not
	down  bool      // the rule has held, and it is not over

	stubborn stubborn // canaries that fail each time
}

// note takes a run and tells whether it counts.
func (r *runs) note(x run) (counts bool) {
	if !r.stubborn.note(&x) {
		return false
	}
	held := r.heldUp()
	r.last = append(r.last, x)
	if len(r.last) > manyRuns {
		r.last = r.last[:copy(r.last, r.last[1:])]
	}
	switch {
	case !x.ok:
		r.good = time.Time{}
	case r.good.IsZero():
		r.good = x.at
	}
	if x.ok {
		r.slow = time.Time{}
		if !r.down && r.failed(manyRuns) == 0 {
			r.since = time.Time{}
		}
	} else if r.since.IsZero() {
		r.since = x.broke
		if !held.IsZero() {
			r.since = held
		}
	}
	return true
}

// heldUp is since when every run was held up: those that only just came to their
// end are part of what those fail by that do not. Zero: the last was not.
func (r *runs) heldUp() (since time.Time) {
	for _, x := range slices.Backward(r.last) {
		if !x.ok || x.drag.IsZero() {
			break
		}
		since = x.drag
	}
	return since
}

// sound is since when every run has gone well; now: the last did not.
func (r *runs) sound(now time.Time) time.Time {
	if r.good.IsZero() {
		return now
	}
	return r.good
}

// failed counts the failures among the last n.
func (r *runs) failed(n int) (failed int) {
	for _, x := range r.tail(n) {
		if !x.ok {
			failed++
		}
	}
	return failed
}

func (r *runs) tail(n int) []run { return r.last[max(0, len(r.last)-n):] }

// vantages counts those that saw a failure.
func (r *runs) vantages() int {
	seen := map[string]bool{}
	for _, x := range r.last {
		if !x.ok {
			seen[x.vantage] = true
		}
	}
	return len(seen)
}

// judge applies the rule. sole tells that there is one vantage only.
func (r *runs) judge(now time.Time, sole bool) {
	r.stubborn.judge(now, sole)
	switch {
	case len(r.last) == 0 || now.Sub(r.last[len(r.last)-1].at) > stale:
		// Nobody looks any more: what was held to be true stays until somebody does.
	case !r.down && sole && r.failed(soleRuns) >= soleFail:
		r.down = true
	case !r.down && !sole && r.failed(manyRuns) >= manyFail && r.vantages() >= 2:
		r.down = true
	case r.down && r.over(now, sole):
		r.down, r.since, r.well = false, time.Time{}, r.good
	}
}

// over tells whether a stretch of failures has ended.
func (r *runs) over(now time.Time, sole bool) bool {
	n := manyRuns
	if sole {
		n = soleRuns
	}
	if r.failed(n) > 0 {
		return false
	}
	newest := r.last[len(r.last)-1].at
	return len(r.last) >= n && now.Sub(newest) < stale && newest.Sub(r.good) >= calm
}

// suspect tells that it is to be looked at more often. Where only one looks, a
// single failure makes him look again.
func (r *runs) suspect(sole bool) bool {
	return r.down || !r.slow.IsZero() || r.failed(manyRuns) >= suspectFail || sole && r.failed(1) > 0
}

// success is the part of the last runs that ended well.
func (r *runs) success(sole bool) float64 {
	n := manyRuns
	if sole {
		n = soleRuns
	}
	all := len(r.tail(n))
	if all == 0 {
		return 1
	}
	return 1 - float64(r.failed(n))/float64(all)
}

// why gives the most frequent reason among the failures, and one sentence.
func (r *runs) why() (reason, evidence string) {
	count := map[string]int{}
	for _, x := range r.last {
		if x.ok {
			continue
		}
		if count[x.reason]++; count[x.reason] >= count[reason] {
			reason, evidence = x.reason, x.evidence
		}
	}
	return reason, evidence
}
