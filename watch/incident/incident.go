package incident

import (
	"slices"
	"time"

	"github.com/cyan-cloud/cyan/watch/signal"
)

// Status is how far an incident has come.
type Status string

// The states. The way back, from monitoring or resolved to investigating, is
// gone when it fails again.
const (
	Investigating Status = "investigating"
	Identified    Status = "identified" // what the failures have in common is named
	Monitoring    Status = "monitoring" // nothing fails any more; devices are counted back
	Resolved      Status = "resolved"   // and all but a thousandth of them answer, or are listed
)

// Incident is one fault as customers felt it.
type Incident struct {
	ID       string           `json:"id"`     // twelve letters and digits, for ever
	Number   int              `json:"number"` // counts from 1: people say "incident 31"
	Status   Status           `json:"status"`
	By       signal.Witness   `json:"detected_by"`
	Began    time.Time        `json:"began"` // the first failure
	Detected time.Time        `json:"detected"`
	Parts    []Part           `json:"parts"` // in the order of the page
	Culprits []signal.Culprit `json:"culprits,omitempty"`
	Recovery Recovery         `json:"recovery"`
	// Elsewhere is what fails too, in another incident: it doesn't work either.
	Elsewhere []signal.Capability `json:"elsewhere,omitempty"`
	// Unmeasured is what no canary looks at: nobody knows whether it works.
	Unmeasured []signal.Capability `json:"unmeasured,omitempty"`

	Monitoring time.Time `json:"monitoring_at,omitzero"` // when the fault had ended
	Whole      time.Time `json:"whole_since,omitzero"`   // since when each count has had all but a thousandth answer
	Resolved   time.Time `json:"resolved_at,omitzero"`
	Turned     time.Time `json:"turned_at"`            // when measurement changed it last
	Updated    time.Time `json:"updated_at"`           // when anything was said last
	NextBy     time.Time `json:"next_update_by"`       // when the next word is due
	Nagged     time.Time `json:"nagged_at,omitzero"`   // when it was last said to be overdue
	Dispute    string    `json:"dispute,omitempty"`    // of a person with the measurement
	Accepted   time.Time `json:"accepted_at,omitzero"` // by a person: acknowledged
	// FirstReport is when the first customer told of it, as far as somebody has
	// written down; zero: nobody has.
	FirstReport time.Time `json:"first_report_at,omitzero"`
	Timeline    []Entry   `json:"timeline"`        // oldest first, only ever added to
	Drill       string    `json:"drill,omitempty"` // the exercise that it is of: nothing is wrong; empty: none
}

// Part is one capability's share in an incident.
type Part struct {
	Capability signal.Capability `json:"capability"`
	Measured   signal.Severity   `json:"measured"`
	Claimed    signal.Severity   `json:"claimed,omitempty"` // by a person; counts where it is worse
	Worst      signal.Severity   `json:"worst"`
	Since      time.Time         `json:"since"`
	Until      time.Time         `json:"until,omitzero"` // when it worked again; zero while it fails
	// Mended is when it worked again for those who come anew; zero: not known, or
	// while it fails.
	Mended   time.Time `json:"mended,omitzero"`
	Failed   int       `json:"failed"` // of Tried, as judged last while it failed
	Tried    int       `json:"tried"`
	Vantages int       `json:"vantages"` // that saw it fail
	Reason   string    `json:"reason,omitempty"`
	Evidence string    `json:"evidence,omitempty"`
}

// Severity is what the page shows: the measurement, or what a person says
// where that is worse.
func (p *Part) Severity() signal.Severity { return max(p.Measured, p.Claimed) }

// Open tells that the incident is not resolved.
func (i *Incident) Open() bool { return i.Status != Resolved }

// Failing tells that something fails now.
func (i *Incident) Failing() bool { return i.Severity() > signal.Operational }

// Severity is the worst of its parts now.
func (i *Incident) Severity() signal.Severity {
	worst := signal.Operational
	for at := range i.Parts {
		worst = max(worst, i.Parts[at].Severity())
	}
	return worst
}

// Worst is the worst of its parts ever.
func (i *Incident) Worst() signal.Severity {
	worst := signal.Operational
	for _, p := range i.Parts {
		worst = max(worst, p.Worst)
	}
	return worst
}

// Overdue tells that the next word should have been said.
func (i *Incident) Overdue(now time.Time) bool { return i.Open() && !now.Before(i.NextBy) }

// Ended is when the fault had ended, as far as is known; zero while it goes on.
func (i *Incident) Ended() time.Time { return i.Monitoring }

// Lasted is for how long something failed.
func (i *Incident) Lasted(now time.Time) time.Duration {
	if !i.Monitoring.IsZero() {
		now = i.Monitoring
	}
	return now.Sub(i.Began)
}

// Part gives the part of a capability; nil where it has none.
func (i *Incident) Part(c signal.Capability) *Part {
	for at := range i.Parts {
		if i.Parts[at].Capability == c {
			return &i.Parts[at]
		}
	}
	return nil
}

// part gives the part of a capability, and makes it where there is none.
func (i *Incident) part(c signal.Capability) *Part {
	if p := i.Part(c); p != nil {
		return p
	}
	i.Parts = append(i.Parts, Part{Capability: c})
	order := signal.Capabilities()
	slices.SortFunc(i.Parts, func(a, b Part) int {
		return slices.Index(order, a.Capability) - slices.Index(order, b.Capability)
	})
	return i.Part(c)
}

// clone gives a copy that nothing is shared with.
func (i *Incident) clone() Incident {
	c := *i
	c.Parts = slices.Clone(i.Parts)
	c.Culprits = slices.Clone(i.Culprits)
	c.Timeline = slices.Clone(i.Timeline)
	c.Elsewhere, c.Unmeasured = slices.Clone(i.Elsewhere), slices.Clone(i.Unmeasured)
	return c
}
