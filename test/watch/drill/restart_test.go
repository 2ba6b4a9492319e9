package drill

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/test/harness"
	"github.com/cyan-cloud/cyan/watch/signal"
	"github.com/cyan-cloud/cyan/watch/status"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// TestRestarts counts the starts of the cloud on the page, and says how they
// came about.
func TestRestarts(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	if e := p.evidence(); e.Restarts != 0 {
		t.Errorf("%d restarts before the first", e.Restarts)
	}
	p.Restart()
	p.Until("one is counted", func() bool { return p.evidence().Restarts == 1 })
	if how := p.evidence().RestartHow; !strings.HasPrefix(how, "as somebody wanted it, stopped at ") {
		t.Errorf("it came about %s", how)
	}
	p.Kill()
	p.Again()
	p.Until("two are counted", func() bool { return p.evidence().Restarts == 2 })
	if how := p.evidence().RestartHow; !strings.HasPrefix(how, "after a crash: ") {
		t.Errorf("it came about %s", how)
	}
}

// TestAllCallable: the cloud is killed, and one of its devices does not come
// back with the others. The incident says so in numbers, and is not over before
// the device's own clock should have brought it back: then it is listed.
func TestAllCallable(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	oven := sim.Application{Functions: []sim.Function{{Name: "turn", Call: func(*sim.App, string) int32 { return 1 }}}}
	var all []sim.Config
	var on []*harness.Device
	for range 3 {
		cfg := p.Provision(sim.Config{Transport: sim.TCP, Application: oven})
		all, on = append(all, cfg), append(on, p.Run(cfg, harness.Wiring{}))
		p.Online(cfg.ID.String())
	}
	p.Kill()
	on[0].Unplug()
	p.calm("it is known what fails", func() bool {
		i := open(p)
		return i != nil && fails(i, signal.API) && fails(i, signal.ConnectUDP) && fails(i, signal.ConnectTCP)
	})
	p.Again()
	back := time.Now()
	for _, cfg := range all[1:] {
		p.Online(cfg.ID.String())
	}
	p.calm("the missing one is counted", func() bool {
		i := open(p)
		return i != nil && i.Recovery.At.After(back) && i.Recovery.Missing == 1 && i.Recovery.Affected >= 3
	})
	var missed rest.Recoveries
	p.Get(rest.PathRecoveries, &missed)
	at := slices.IndexFunc(missed.Stragglers, func(s rest.Straggler) bool { return s.Device == all[0].ID.String() })
	if at < 0 {
		t.Fatalf("missing are %+v", missed.Stragglers)
	}
	expected := missed.Stragglers[at].Expected.Time
	p.calm("it is resolved", func() bool { return open(p) == nil })
	i := p.evidence().Incidents[0]
	if i.Resolved.Before(expected) || i.Milestones.AllCallable.Before(i.Milestones.Fixed) {
		t.Errorf("it is resolved before %v: %+v", expected, i.Milestones)
	}
	if !strings.Contains(i.Sentence, "1 are missing; 1 of these are listed by name") || i.Recovery.Answering != i.Recovery.Affected-1 {
		t.Errorf("in words: %s; %+v", i.Sentence, i.Recovery)
	}
	t.Logf("in words: %s", i.Sentence)
}

// fails tells whether the incident says that a capability does.
func fails(i *status.EvidenceOfIncident, c signal.Capability) bool {
	part := i.Part(c)
	return part != nil && part.Severity() >= signal.Partial
}

// open gives the incident that is open; nil: there is none.
func open(p *post) *status.EvidenceOfIncident {
	e := p.evidence()
	for i := range e.Incidents {
		if e.Incidents[i].Open() {
			return &e.Incidents[i]
		}
	}
	return nil
}
