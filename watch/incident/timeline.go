package incident

import (
	"slices"
	"time"

	"github.com/cyan-cloud/cyan/watch/signal"
)

// Kind is what happened to an incident.
type Kind string

// What happens. The first group is measured, the second done by people, the
// third by the watchtower itself.
const (
	FirstFailure Kind = "first_failure"
	Opened       Kind = "opened" // detected
	Worsened     Kind = "worsened"
	Eased        Kind = "eased"
	Named        Kind = "identified"
	Fixed        Kind = "fixed"        // nothing fails any more
	AllCallable  Kind = "all_callable" // and all but a thousandth of the devices answer, or are listed
	Closed       Kind = "resolved"
	Reopened     Kind = "reopened"

	Said         Kind = "said"
	Claimed      Kind = "claimed" // worse than measured, or not any more
	Disputed     Kind = "disputed"
	Acknowledged Kind = "acknowledged"
	Reported     Kind = "reported" // by a customer

	PageAccepted Kind = "page_accepted"
	Escalated    Kind = "escalated" // nobody has acknowledged: somebody else is called
	Published    Kind = "published"
	Overdue      Kind = "overdue"
	Blind        Kind = "blind"   // nobody can tell; the change has no incident
	Sighted      Kind = "sighted" // and now somebody can again
)

// Pages tells whether a person has to be woken for it.
func (k Kind) Pages() bool {
	switch k {
	case Opened, Worsened, Reopened, Overdue, Blind:
		return true
	default:
		return false
	}
}

// Public tells whether an entry is an update that the status page shows to
// everybody. What is not public stands in the timeline only.
func (k Kind) Public() bool {
	switch k {
	case Opened, Worsened, Eased, Named, Fixed, Closed, Reopened, Said, Claimed, Disputed:
		return true
	default:
		return false
	}
}

// Entry is a line of the timeline.
type Entry struct {
	At     time.Time `json:"at"`
	Since  time.Time `json:"since,omitzero"` // when it became true, where it was known only later
	Kind   Kind      `json:"kind"`
	Status Status    `json:"status"`        // of the incident from then on
	Who    string    `json:"who,omitempty"` // a person or an outlet; empty: measured
	Text   string    `json:"text,omitempty"`
	Shifts []Shift   `json:"shifts,omitempty"`
}

// Shift is a change of a capability on the page.
type Shift struct {
	Capability signal.Capability `json:"capability"`
	From       signal.Severity   `json:"from"`
	To         signal.Severity   `json:"to"`
}

// Milestones are the times by which an incident is measured: when each became
// true by what was seen. One that has not come is zero. Of those that were known
// only later it is said when.
type Milestones struct {
	FirstFailure time.Time `json:"first_failure"`
	Detected     time.Time `json:"detected"`
	PageAccepted time.Time `json:"page_accepted,omitzero"`
	Published    time.Time `json:"published,omitzero"`
	Acknowledged time.Time `json:"acknowledged,omitzero"`
	Fixed        time.Time `json:"fixed,omitzero"`
	AllCallable  time.Time `json:"all_callable,omitzero"`
	Resolved     time.Time `json:"resolved,omitzero"`
	FirstReport  time.Time `json:"first_report,omitzero"`

	FixedKnown       time.Time `json:"fixed_known,omitzero"`
	AllCallableKnown time.Time `json:"all_callable_known,omitzero"`

	Ahead *float64 `json:"ahead_of_first_report_min,omitempty"` // below 0: behind; missing: no report
}

// Milestones reads them off the timeline: of what happens once the first, of
// what an incident that fails again goes through again the last, and only if
// it has not failed since.
func (i *Incident) Milestones() Milestones {
	m := Milestones{FirstFailure: i.Began, Detected: i.Detected, Resolved: i.Resolved, Fixed: i.Monitoring, FirstReport: i.FirstReport}
	if d, ok := i.Ahead(); ok {
		minutes := d.Minutes()
		m.Ahead = &minutes
	}
	first := func(t *time.Time, at time.Time) {
		if t.IsZero() {
			*t = at
		}
	}
	for _, e := range i.Timeline {
		switch e.Kind {
		case PageAccepted:
			first(&m.PageAccepted, e.At)
		case Published:
			first(&m.Published, e.At)
		case Acknowledged:
			first(&m.Acknowledged, e.At)
		case Fixed:
			m.FixedKnown = e.known()
		case AllCallable:
			m.AllCallable, m.AllCallableKnown = e.True(), e.known()
		case Reopened:
			m.FixedKnown, m.AllCallable, m.AllCallableKnown = time.Time{}, time.Time{}, time.Time{}
		}
	}
	return m
}

// Updates gives the public entries, newest first.
func (i *Incident) Updates() []Entry {
	var list []Entry
	for _, e := range slices.Backward(i.Timeline) {
		if e.Kind.Public() {
			list = append(list, e)
		}
	}
	return list
}

// note adds a line to the timeline.
func (i *Incident) note(e Entry) {
	e.Status = i.Status
	i.Timeline = append(i.Timeline, e)
	if e.Kind.Public() {
		i.Updated = e.At
	}
}

// Change is something that happened to an incident, with the incident as it is
// since.
type Change struct {
	At       time.Time `json:"at"`
	Kind     Kind      `json:"kind"`
	Incident Incident  `json:"incident,omitzero"`
	Text     string    `json:"text,omitempty"` // in words for people
}
