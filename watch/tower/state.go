package tower

import (
	"slices"
	"time"

	"github.com/cyan-cloud/cyan/watch/signal"
)

// State is what the watchtower knows now.
type State struct {
	Vantage  string    `json:"vantage"`
	Started  time.Time `json:"started_at"`
	JudgedAt time.Time `json:"judged_at"` // that it stands still is itself a fault
	LastRun  time.Time `json:"last_run_at"`
	Runs     int       `json:"runs"`   // since the start
	Failed   int       `json:"failed"` // of them
	// Capabilities are those of which something other than "all is well" was
	// judged, in the order of the page.
	Capabilities []Held `json:"capabilities"`
	// Latest is the latest run of each vantage, story and way in.
	Latest []signal.Result `json:"latest"`
}

// Held is what is held to be true of a capability.
type Held struct {
	Capability signal.Capability `json:"capability"`
	Name       string            `json:"name"`
	Severity   string            `json:"severity"`
	Suspect    bool              `json:"suspect,omitempty"`
	Blind      bool              `json:"blind,omitempty"`
	At         time.Time         `json:"at"`
	Since      time.Time         `json:"since,omitzero"`
	Failed     int               `json:"failed"`
	Tried      int               `json:"tried"`
	Reason     string            `json:"reason,omitempty"`
	Evidence   string            `json:"evidence,omitempty"`
}

func newState(vantage string) State {
	return State{Vantage: vantage, Started: time.Now().UTC(), Capabilities: []Held{}, Latest: []signal.Result{}}
}

func (s *State) note(r *signal.Result) {
	s.Runs++
	if !r.OK {
		s.Failed++
	}
	s.LastRun = r.Ended
	same := func(x signal.Result) bool {
		return x.Vantage == r.Vantage && x.Story == r.Story && x.Ingress == r.Ingress
	}
	if i := slices.IndexFunc(s.Latest, same); i >= 0 {
		s.Latest[i] = *r
		return
	}
	s.Latest = append(s.Latest, *r)
}

func (s *State) judged(now time.Time, changed []signal.Judgement) {
	s.JudgedAt = now.UTC()
	for i := range changed {
		v := &changed[i]
		h := Held{
			v.Capability, v.Capability.String(), v.Severity.String(), v.Suspect, v.Blind, v.At.UTC(), v.Since.UTC(),
			v.Failed, v.Tried, v.Reason, v.Evidence,
		}
		if v.Since.IsZero() {
			h.Since = time.Time{}
		}
		if at := slices.IndexFunc(s.Capabilities, func(x Held) bool { return x.Capability == v.Capability }); at >= 0 {
			s.Capabilities[at] = h
			continue
		}
		s.Capabilities = append(s.Capabilities, h)
	}
}

// State gives what the watchtower knows now.
func (t *Tower) State() State {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.state
	s.Capabilities, s.Latest = slices.Clone(s.Capabilities), slices.Clone(s.Latest)
	return s
}

// still is how long the judge may not have been asked, quiet how long no canary
// may have ended, until the watchtower does not call itself well any more.
const (
	still = 10 * time.Second
	quiet = 2 * time.Minute
)

// unwell says why the watchtower does not work as it should; empty: it does.
func (s *State) unwell(now time.Time) string {
	last := s.LastRun
	if last.Before(s.Started) {
		last = s.Started
	}
	switch {
	case !s.JudgedAt.IsZero() && now.Sub(s.JudgedAt) > still:
		return "nothing has been judged since " + s.JudgedAt.Format(time.RFC3339)
	case now.Sub(last) > quiet:
		return "no canary has come back since " + last.Format(time.RFC3339)
	}
	return ""
}
