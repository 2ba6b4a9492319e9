package oncall

import (
	"cmp"
	"fmt"
	"strconv"
	"time"

	pager "github.com/cyan-cloud/cyan/watch/notify"
)

// drillsEvery is how old the last drill may be.
const drillsEvery = 90 * 24 * time.Hour

// LastDrill is when an exercise was held last.
type LastDrill struct {
	Possible bool      // there is an ingress that can be broken on purpose
	At       time.Time // zero: there was none
	Since    time.Time // that there could have been one
}

// overdue tells when the next drill was due, where that is over.
func (c *Oncall) overdue(now time.Time) (last LastDrill, due time.Time, late bool) {
	if c.cfg.LastDrill == nil || c.cfg.Settings.Drills < 0 {
		return last, due, false
	}
	last = c.cfg.LastDrill()
	from := last.At
	if from.IsZero() {
		from = last.Since
	}
	due = from.Add(cmp.Or(c.cfg.Settings.Drills, drillsEvery))
	return last, due, last.Possible && !from.IsZero() && now.After(due)
}

// words say that a drill is overdue, the same for a week.
func (l *LastDrill) words(due, now time.Time) string {
	text := "No drill has been held yet: the first was due on " + day(due)
	if !l.At.IsZero() {
		text = fmt.Sprintf("The last drill was on %s: the next was due on %s", day(l.At), day(due))
	}
	if weeks := int(now.Sub(due) / (7 * 24 * time.Hour)); weeks > 0 {
		text += ", " + counted(weeks, "week") + " ago"
	}
	return text
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// remind tells, once a week, that a drill is overdue. It wakes nobody.
func (c *Oncall) remind(now time.Time) {
	last, due, late := c.overdue(now)
	n := pager.Notice{Key: alertDrill, Kind: pager.Resolve, Summary: "A drill has been held"}
	if late {
		n = pager.Notice{
			Key: alertDrill, Kind: pager.Trigger, Severity: pager.Info, Summary: last.words(due, now), Class: "drill-overdue",
			Details: []pager.Detail{
				{Name: "why", Value: "Whether an outage would be noticed, and somebody be paged, is known only by having one."},
				{Name: "what to do", Value: "cyan drill new-connections: it breaks an ingress that only canaries use, and disturbs no device"},
			},
		}
	}
	c.mu.Lock()
	c.drillNote = ""
	if late {
		c.drillNote = "a drill is overdue. " + n.Summary
	}
	c.mu.Unlock()
	c.say(n)
}

// DrillNote says on the page that a drill is overdue; empty: it is not. It asks
// nobody: the desk that makes the page must not wait for itself.
func (c *Oncall) DrillNote() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.drillNote
}

// counted is a number of things.
func counted(n int, what string) string {
	if n == 1 {
		return "a " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}
