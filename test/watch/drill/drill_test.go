package drill

import (
	"strings"
	"testing"

	"github.com/cyan-cloud/cyan/client"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/test/harness"
	"github.com/cyan-cloud/cyan/watch/signal"
	"github.com/cyan-cloud/cyan/watch/status"
)

// TestDrill breaks the ingress that only canaries use. It is noticed, paged,
// published and resolved, and is called a drill by everybody; no device feels it,
// and nothing of it counts.
func TestDrill(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	api := client.New(client.Config{URL: p.URL(), Token: p.Token})
	oven := sim.Application{Functions: []sim.Function{{Name: "turn", Call: func(*sim.App, string) int32 { return 1 }}}}
	there := p.Provision(sim.Config{Transport: sim.TCP, Application: oven})
	p.Run(there, harness.Wiring{})
	p.Online(there.ID.String())
	since := p.Device(there.ID.String()).StateSince

	d, err := api.BeginDrill(t.Context(), "new-connections", 0)
	if err != nil {
		t.Fatal(err)
	}
	p.Until("the page says that there is a drill", func() bool {
		v := p.evidence().Drill
		return v != nil && v.ID == d.ID && v.Going
	})
	if _, err := api.BeginDrill(t.Context(), "new-connections", 0); err == nil {
		t.Error("two drills at once")
	}
	// A device that starts now has nothing to do with it.
	anew := p.Provision(sim.Config{Transport: sim.UDP, Application: oven})
	p.Run(anew, harness.Wiring{})
	p.Online(anew.ID.String())

	healthy(p)
	p.calm("it is noticed, paged and published", func() bool {
		v := p.evidence().Drill
		return v != nil && v.Detected > 0 && v.Paged > 0 && v.Published > 0
	})
	healthy(p)
	if p.Call(there.ID.String(), "turn", "") != 1 || !p.Device(there.ID.String()).StateSince.Equal(since.Time) {
		t.Error("a device feels it")
	}
	if _, err := api.EndDrill(t.Context(), d.ID); err != nil {
		t.Fatal(err)
	}
	var came status.Drill
	p.calm("the drill is resolved", func() bool {
		if v := p.evidence().Drill; v != nil {
			came = *v
		}
		return !came.Going && came.ID != ""
	})
	healthy(p)
	t.Logf("detected after %.1f s, paged after %.1f, published after %.1f, resolved after %.1f, with a run every %v",
		came.Detected, came.Paged, came.Published, came.Resolved, every)
	if came.Detected <= 0 || came.Paged < came.Detected || came.Published < came.Detected || came.Resolved < came.Paged || came.By != p.Welcome.Username {
		t.Errorf("%+v", came)
	}
	p.Until("the pager knows that it is over", func() bool { return p.pager.Incidents()[0].Resolved })
	for _, i := range p.pager.Incidents() {
		if !strings.Contains(i.Summary, "DRILL") {
			t.Errorf("somebody is frightened: %s", i.Summary)
		}
	}
	notes, err := api.Annotations(t.Context(), since.Time)
	if err != nil {
		t.Fatal(err)
	}
	drills := 0
	for _, n := range notes.Annotations {
		if n.Kind == "drill" && string(n.Author) == p.Welcome.Username {
			drills++
		}
	}
	if drills != 2 {
		t.Errorf("%d notes of a drill's beginning and end", drills)
	}
	ward := p.Admit("somebody")
	other := client.New(client.Config{URL: p.URL(), Token: ward.Token})
	if _, err := other.BeginDrill(t.Context(), "new-connections", 0); err == nil || !strings.Contains(err.Error(), "administrator") {
		t.Errorf("somebody begins a drill: %v", err)
	}
}

// healthy fails if anything is said of the cloud but that it is well.
func healthy(p *post) {
	p.t.Helper()
	e := p.evidence()
	if e.Overall != signal.Operational || len(e.Incidents) != 0 || e.Unknown {
		p.t.Errorf("the page says %q, %v, %d incidents", e.Headline, e.Overall, len(e.Incidents))
	}
	for _, c := range e.Components {
		if c.Severity != signal.Operational {
			p.t.Errorf("%s: %v, %d of %d", c.Capability, c.Severity, c.OK, c.Tried)
		}
	}
	var other struct {
		Incidents []struct {
			Name string `json:"name"`
		} `json:"incidents"`
	}
	if !p.tower.Get("/api/v2/incidents.json", &other) || len(other.Incidents) != 0 {
		p.t.Errorf("programs hear of %+v", other.Incidents)
	}
}
