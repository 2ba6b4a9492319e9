package device

import (
	"fmt"
	"time"
)

// AttemptGroup is attempts in a row that went alike.
type AttemptGroup struct {
	Attempt           // the newest of them
	Count   int       // how many
	First   time.Time // when the oldest of them began
}

// GroupAttempts puts together those of list, newest first, that follow on each
// other and went alike: same outcome, reason, transport and stages reached.
func GroupAttempts(list []Attempt) []AttemptGroup {
	var groups []AttemptGroup
	for i := range list {
		a := &list[i]
		if n := len(groups); n > 0 && alike(&groups[n-1].Attempt, a) {
			groups[n-1].Count++
			groups[n-1].First = a.Started
			continue
		}
		groups = append(groups, AttemptGroup{Attempt: *a, Count: 1, First: a.Started})
	}
	return groups
}

func alike(a, b *Attempt) bool {
	return a.Outcome == b.Outcome && a.Reason == b.Reason && a.Transport == b.Transport && a.Claimed == b.Claimed &&
		len(a.Stages) == len(b.Stages)
}

// String says it in one line.
func (g AttemptGroup) String() string {
	line := fmt.Sprintf("%s: one attempt over %s %s", stamp(g.Started), g.Transport, g.Outcome)
	if g.Count > 1 {
		line = fmt.Sprintf("%s to %s: %d identical attempts over %s %s", stamp(g.First), stamp(g.Started), g.Count, g.Transport, g.Outcome)
	}
	if g.Reason != ReasonNone {
		line += " (" + string(g.Reason) + ")"
	}
	if g.Claimed {
		line += ", by somebody who says that it is this device"
	}
	return line
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
