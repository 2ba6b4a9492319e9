package notify

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Escalation is that nobody has said in time that they have an alert, and that
// the next stage is called because of it; after the last the first again.
type Escalation struct {
	Key     string
	Stage   int      // that is called, from 1
	Calls   int      // this is the how manieth time that somebody is called again
	Outlets []string // of the stage
	At      time.Time
}

// lineOf gives the line of the rota that a stage names; empty: it names an
// outlet.
func lineOf(name string) string {
	line, _ := strings.CutPrefix(name, "rota/")
	if line == name {
		return ""
	}
	return line
}

// people gives the outlets behind names at a time, each once: those of who is on
// call then, where a name is a line of the rota.
func (l *ledger) people(names []string, at time.Time) (list []string) {
	for _, name := range names {
		outlets := []string{name}
		if line := lineOf(name); line != "" {
			outlets = l.rota.Outlets(line, at)
		}
		for _, outlet := range outlets {
			if !slices.Contains(list, outlet) {
				list = append(list, outlet)
			}
		}
	}
	return list
}

// toCome tells whether a record is about a stage that has yet to begin.
func (l *ledger) toCome(a *alert, r Record) bool {
	return slices.ContainsFunc(l.stages[a.stage+1:], func(names []string) bool { return slices.Contains(l.people(names, r.At), r.Outlet) })
}

// late lists the escalations that are due, as they are written down.
func (l *ledger) late(now time.Time) (list []Record) {
	for _, a := range l.alerts {
		if at := l.callAt(a); !at.IsZero() && !now.Before(at) {
			list = append(list, Record{At: now, Did: Escalated, Key: a.key, Stage: (a.stage+1)%len(l.stages) + 1})
		}
	}
	return list
}

// callAt is when the next stage is called because nobody has said that they
// have the alert; zero: never. What wakes nobody calls nobody again.
func (l *ledger) callAt(a *alert) time.Time {
	if l.escalate < 0 || a.stage < 0 || a.stage >= len(l.stages) || a.acked != nil || !a.resolved.IsZero() || a.trigger.Test || !a.trigger.Severity.urgent() {
		return time.Time{}
	}
	return a.stageAt.Add(l.escalate)
}

// escalated calls a stage.
func (l *ledger) escalated(r Record) {
	a := l.byKey[r.Key]
	if a == nil || a.change || a.acked != nil || !a.resolved.IsZero() || len(l.stages) == 0 {
		return
	}
	a.stage, a.stageAt = (max(r.Stage, 1)-1)%len(l.stages), r.At
	a.calls, a.calling = a.calls+1, true
	l.escalations++
	a.called = l.people(l.stages[a.stage], r.At)
	for _, name := range a.called {
		l.summon(a, name, r.At)
	}
}

// escalation puts into words for others what a record says.
func (l *ledger) escalation(r Record) Escalation {
	e := Escalation{Key: r.Key, Stage: r.Stage, At: r.At}
	if a := l.byKey[r.Key]; a != nil {
		e.Calls, e.Outlets = a.calls, slices.Clone(a.called)
	}
	return e
}

// summon pages an outlet: with the alert, or, where it has taken that, with a
// reminder. One that is being asked goes on being asked.
func (l *ledger) summon(a *alert, name string, now time.Time) {
	g := a.leg(name)
	if g != nil && slices.ContainsFunc(g.queue, func(d *delivery) bool { return d.notice.Kind.pages() }) {
		g.pages = true
		return
	}
	n := a.trigger
	if a.calls > 0 {
		n.Details = append(slices.Clone(n.Details), Detail{"called again", fmt.Sprintf("for the %s time: nobody has said since %s that they have it",
			ordinal(a.calls), a.opened.UTC().Format("2006-01-02 15:04:05 UTC"))})
	}
	if g != nil && g.taken {
		n.ID, n.Kind, n.At = a.reminder(), Remind, now
		n.Summary = cut("Nobody has it yet: "+n.Summary, maxSummary)
		// A reminder has the newest content: news that waits adds nothing.
		g.queue = slices.DeleteFunc(g.queue, func(d *delivery) bool { return d.notice.Kind == Update && !d.attempted })
	}
	l.join(a, name, true, n, now)
}

// reminder is the id of the reminders of the last call: always the same, so
// that one that is sent again after a restart can be told.
func (a *alert) reminder() string { return fmt.Sprintf("%s#%d", a.trigger.ID, a.calls) }

// ordinal writes 1st, 2nd, 3rd.
func ordinal(n int) string {
	suffix := "th"
	if tens := n % 100; tens < 11 || tens > 13 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return fmt.Sprint(n) + suffix
}
