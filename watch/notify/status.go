package notify

import (
	"fmt"
	"slices"
	"time"

	"github.com/cyan-cloud/cyan/watch/rota"
)

// Ack is that a person has an alert.
type Ack struct {
	Key string    `json:"key"`
	By  string    `json:"by"`
	At  time.Time `json:"at"`
}

// Proof is that an outlet took a notice.
type Proof struct {
	Outlet string `json:"outlet"`
	Kind   Kind   `json:"kind"`
	ID     string `json:"id"`
	Receipt
}

// Loss is a notice that an outlet never took.
type Loss struct {
	Outlet string    `json:"outlet"`
	Kind   Kind      `json:"kind"`
	ID     string    `json:"id"`
	At     time.Time `json:"at"`
	Words  string    `json:"words"`
}

// Status is how well people can be reached. Red is true when a person has to
// look after that, and Why says it in sentences.
type Status struct {
	At       time.Time      `json:"at"`
	Red      bool           `json:"red"`
	Why      []string       `json:"why,omitempty"`
	Outlets  []OutletStatus `json:"outlets"`
	Alerts   []AlertStatus  `json:"alerts"`
	Switches []SwitchStatus `json:"switches"`
	OnCall   []rota.Now     `json:"on_call,omitempty"` // by the rota

	// Since the journal begins: stages that were told because nobody took a page
	// in time, stages that were called because nobody acknowledged, and how long
	// it took from an alert's opening to the first outlet that took a page of it.
	Fallbacks   int  `json:"fallbacks"`
	Escalations int  `json:"escalations"`
	Paged       Took `json:"paged"`
}

// Took counts how long something took.
type Took struct {
	Count   int     `json:"count"`
	Seconds float64 `json:"seconds"` // together
	Within  []int   `json:"within"`  // so many took at most TookBounds, of each
}

// TookBounds are the bounds that a Took counts by, in seconds.
var TookBounds = [...]float64{0.1, 0.3, 1, 3, 10, 30, 60, 120, 300, 900, 3600}

func (t *Took) add(d time.Duration) {
	if t.Within == nil {
		t.Within = make([]int, len(TookBounds))
	}
	t.Count++
	t.Seconds += d.Seconds()
	for i, bound := range TookBounds {
		if d.Seconds() <= bound {
			t.Within[i]++
		}
	}
}

func (t *Took) clone() Took { return Took{t.Count, t.Seconds, slices.Clone(t.Within)} }

// OutletStatus is how an outlet does.
type OutletStatus struct {
	Name     string    `json:"name"`
	Stage    int       `json:"stage"`   // from 1; 0: it is only informed
	OnCall   bool      `json:"on_call"` // a page would go there now: false for those who have no turn
	State    string    `json:"state"`   // ok, failing, gone, untried
	Accepted int       `json:"accepted"`
	Refused  int       `json:"refused"` // tries
	Retried  int       `json:"retried"` // tries that were not the first
	Lost     int       `json:"lost"`    // notices that were given up
	Took     Took      `json:"took"`    // until it had taken a page, from when it was first to be told
	Waiting  int       `json:"waiting"`
	Last     time.Time `json:"last,omitzero"` // it took something
	Words    string    `json:"words,omitempty"`
}

// AlertStatus is an alert that is open, or not yet told to everybody.
type AlertStatus struct {
	Key      string    `json:"key"`
	Summary  string    `json:"summary"`
	Severity Severity  `json:"severity"`
	Opened   time.Time `json:"opened"`
	Held     time.Time `json:"held_until,omitzero"`
	Accepted time.Time `json:"accepted,omitzero"` // a page was
	Acked    *Ack      `json:"acknowledged,omitempty"`
	Calls    int       `json:"calls,omitempty"`       // again, because nobody said that they have it
	CallAt   time.Time `json:"next_call_at,omitzero"` // when the next stage is called, unless somebody does
	Resolved time.Time `json:"resolved,omitzero"`
	Waiting  int       `json:"waiting"`
	Proof    []Proof   `json:"proof,omitempty"`
	Lost     []Loss    `json:"lost,omitempty"`
}

// status sums the ledger up.
func (l *ledger) status(now time.Time) Status {
	s := Status{
		At: now, Outlets: []OutletStatus{}, Alerts: []AlertStatus{}, Switches: []SwitchStatus{},
		Fallbacks: l.fallbacks, Escalations: l.escalations, Paged: l.paged.clone(),
	}
	for _, name := range l.everybody() {
		if o := l.outlets[name]; o != nil {
			s.Outlets = append(s.Outlets, l.outletStatus(name, o, now))
		}
	}
	for _, o := range s.Outlets {
		switch o.State {
		case "failing":
			s.blame("outlet %s fails: %s", o.Name, o.Words)
		case "gone":
			s.blame("outlet %s takes nothing any more: %s", o.Name, o.Words)
		}
	}
	if l.rota != nil {
		s.OnCall = l.rota.On(now)
	}
	if len(slices.Concat(l.stages...)) == 0 {
		s.blame("nobody would be paged: no outlet stands in a stage")
	}
	for _, a := range l.alerts {
		if a.change || !a.resolved.IsZero() && a.waiting() == 0 {
			continue
		}
		st := a.status()
		st.CallAt = l.callAt(a)
		if a.calls >= len(l.stages) && !st.CallAt.IsZero() {
			s.blame("nobody has acknowledged %s since %s, and everybody has been called", a.key, a.opened.UTC().Format(time.RFC3339))
		}
		if st.Accepted.IsZero() && a.acked == nil && a.stage >= 0 && now.Sub(a.opened) >= l.patience {
			s.blame("nobody has been told of %s since %s", a.key, a.opened.UTC().Format(time.RFC3339))
		}
		s.Alerts = append(s.Alerts, st)
	}
	return s
}

func (s *Status) blame(format string, args ...any) {
	s.Red = true
	s.Why = append(s.Why, fmt.Sprintf(format, args...))
}

func (a *alert) status() AlertStatus {
	return AlertStatus{
		Key: a.key, Summary: a.trigger.Summary, Severity: a.trigger.Severity, Opened: a.opened, Held: a.held, Accepted: a.accepted,
		Acked: a.acked, Calls: a.calls, Resolved: a.resolved, Waiting: a.waiting(), Proof: slices.Clone(a.proof), Lost: slices.Clone(a.lost),
	}
}

// stageOf tells in which stage an outlet stands, from 1, and whether a page would
// go there now: one of somebody who has no turn stands in the first stage
// that is of the rota.
func (l *ledger) stageOf(name string, at time.Time) (stage int, now bool) {
	for i, names := range l.stages {
		if slices.Contains(l.people(names, at), name) {
			return i + 1, true
		}
		if stage == 0 && slices.ContainsFunc(names, func(n string) bool { return lineOf(n) != "" }) && slices.Contains(l.rota.All(), name) {
			stage = i + 1
		}
	}
	return stage, false
}

func (l *ledger) outletStatus(name string, o *outletState, at time.Time) OutletStatus {
	st := OutletStatus{Name: name, State: "ok", Accepted: o.accepted, Refused: o.refused, Retried: o.retried, Lost: o.lost, Took: o.took.clone(), Last: o.last, Words: o.lastWords}
	st.Stage, st.OnCall = l.stageOf(name, at)
	for _, a := range l.alerts {
		if g := a.leg(name); g != nil {
			st.Waiting += len(g.queue)
		}
	}
	switch {
	case o.gone:
		st.State, st.Words = "gone", o.failing
	case o.failing != "":
		st.State, st.Words = "failing", o.failing
	case o.last.IsZero():
		st.State = "untried"
	}
	return st
}

// Lines are a status for people at a terminal; stamp writes a time as they
// want it.
func (s *Status) Lines(stamp func(time.Time) string) []string {
	var list []string
	add := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	for i := range s.OnCall {
		add("%s", s.OnCall[i].Line+": "+s.OnCall[i].Words(stamp))
	}
	for _, o := range s.Outlets {
		stage := "informed"
		switch {
		case o.OnCall:
			stage = fmt.Sprintf("stage %d", o.Stage)
		case o.Stage > 0:
			stage = "no turn"
		}
		add("%-18s  %-8s  %-8s %d waiting, last %s  %s", o.Name, stage, o.State, o.Waiting, stamp(o.Last), o.Words)
	}
	for _, w := range s.Switches {
		state := "ok"
		if !w.Unreachable.IsZero() {
			state = "unreachable since " + stamp(w.Unreachable)
		}
		add("%-18s  %-8s  %s, last %s  %s", w.Name, "switch", state, stamp(w.Last), w.Words)
	}
	for _, a := range s.Alerts {
		add("")
		add("%s  %s", a.Severity, a.Summary)
		add("  %s, open since %s", a.Key, stamp(a.Opened))
		if a.Acked != nil {
			add("  %s has it since %s", a.Acked.By, stamp(a.Acked.At))
		}
		if a.Calls > 0 || !a.CallAt.IsZero() {
			add("  called again %d times; the next stage is called at %s unless somebody acknowledges", a.Calls, stamp(a.CallAt))
		}
		for _, p := range a.Proof {
			add("  %s  %s took the %s: %s", stamp(p.At), p.Outlet, p.Kind, p.Words)
		}
		for _, l := range a.Lost {
			add("  %s  %s never took the %s: %s", stamp(l.At), l.Outlet, l.Kind, l.Words)
		}
	}
	return list
}
