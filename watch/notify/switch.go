package notify

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Switch is a dead man's switch: it calls a URL while this process lives, so
// that somebody outside raises an alarm when it does not. The grammar is that
// of healthchecks.io: URL/start when the process starts, URL while people can
// be reached, URL/fail with the reasons when they cannot.
//
// A switch that cannot be reached itself warns: then nobody would notice the
// death of the watchtower. Two switches at different providers cover for each
// other; when none is left, the warning is an error.
type Switch struct {
	name, url string
	every     time.Duration
	client    *http.Client

	mu    sync.Mutex
	state SwitchStatus // guarded by mu
}

// The switch's rules.
const (
	switchEvery = 30 * time.Second
	leastEvery  = 15 * time.Second
	switchWait  = 8 * time.Second
	switchTries = 3 // failures in a row until it is called unreachable
)

// SwitchStatus is how a switch does.
type SwitchStatus struct {
	Name        string    `json:"name"`
	Last        time.Time `json:"last,omitzero"`  // it answered
	Said        string    `json:"said,omitempty"` // by us, last: start, ok or fail
	Failures    int       `json:"failures"`       // in a row
	Unreachable time.Time `json:"unreachable,omitzero"`
	Words       string    `json:"words,omitempty"`
}

func newSwitch(s SwitchSettings, rt http.RoundTripper) *Switch {
	address, _ := secret(s.URL)
	w := &Switch{name: s.Name, url: strings.TrimSuffix(address, "/"), every: s.Every, client: plainClient(rt)}
	if w.name == "" {
		w.name = host(address)
	}
	if w.every == 0 {
		w.every = switchEvery
	}
	w.state.Name = w.name
	return w
}

// Status is how the switch does.
func (w *Switch) Status() SwitchStatus {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state
}

// run calls until ctx ends. A process that is told to end says nothing: who
// stops the watchtower for longer than the switch's grace wants to be told.
func (w *Switch) run(ctx context.Context, p *Pipeline) {
	w.call(ctx, p, "/start", "")
	tick := time.NewTicker(w.every)
	defer tick.Stop()
	for {
		s := p.Status()
		if lame := s.lame(); lame != "" {
			w.call(ctx, p, "/fail", lame)
		} else {
			w.call(ctx, p, "", "")
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// lame says why nobody can be reached; empty: somebody can, as far as is
// known.
func (s *Status) lame() string {
	usable, unheard := false, false
	for _, o := range s.Outlets {
		usable = usable || o.Stage > 0 && (o.State == "ok" || o.State == "untried")
	}
	for _, a := range s.Alerts {
		unheard = unheard || a.Accepted.IsZero() && a.Acked == nil && s.At.Sub(a.Opened) > time.Minute && !a.Held.After(s.At)
	}
	if usable && !unheard {
		return ""
	}
	return "people cannot be reached: " + strings.Join(s.Why, "; ")
}

// call says one thing, and notes whether it was heard.
func (w *Switch) call(ctx context.Context, p *Pipeline, what, why string) {
	timed, cancel := context.WithTimeout(ctx, switchWait)
	defer cancel()
	req, err := http.NewRequestWithContext(timed, http.MethodPost, w.url+what, strings.NewReader(why))
	var receipt Receipt
	if err == nil {
		var answer reply
		if answer, err = ask(w.client, req); err == nil {
			receipt, err = answer.receipt(time.Now())
		}
	}
	if ctx.Err() != nil {
		return
	}
	said := strings.TrimPrefix(what, "/")
	if said == "" {
		said = "ok"
	}
	if lost, found := w.note(said, receipt, err, time.Now()); lost {
		w.warn(p)
	} else if found {
		p.tell(Notice{ID: newID(), Key: w.key(), Kind: Resolve, Summary: "the dead man's switch " + w.name + " answers again"})
	}
}

func (w *Switch) key() string { return cut("deadman:"+w.name, maxKey) }

// note counts, and tells whether the switch has become unreachable or has been
// found again.
func (w *Switch) note(said string, r Receipt, err error, now time.Time) (lost, found bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil {
		found = !w.state.Unreachable.IsZero()
		w.state = SwitchStatus{Name: w.name, Last: now, Said: said, Words: r.Words}
		return false, found
	}
	w.state.Failures++
	w.state.Words = cut(oneLine(err.Error()), maxSummary)
	if w.state.Failures == switchTries {
		w.state.Unreachable = now
		return true, false
	}
	return false, false
}

// warn tells people that a switch is lost, the louder the fewer are left.
func (w *Switch) warn(p *Pipeline) {
	left := 0
	for _, other := range p.switches {
		if other.Status().Unreachable.IsZero() {
			left++
		}
	}
	n := Notice{
		ID: newID(), Key: w.key(), Kind: Trigger, Severity: Warning,
		Summary: "The dead man's switch " + w.name + " cannot be reached: it will raise a false alarm, or none at all",
		Details: []Detail{{"answer", w.Status().Words}, {"reachable", strconv.Itoa(left) + " of " + strconv.Itoa(len(p.switches)) + " switches"}},
	}
	if left == 0 {
		n.Severity = Error
		n.Summary = "No dead man's switch can be reached: nobody would notice the death of the watchtower"
	}
	p.tell(n)
}
