package verdict

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/app"
	"github.com/cyan-cloud/cyan/client"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/test/harness"
	"github.com/cyan-cloud/cyan/test/watch/door"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// began is when an incident began, by the page.
func began(g *rig, id string) (at time.Time) {
	g.t.Helper()
	g.until(settles, func(s *sight) bool {
		for _, i := range s.Incidents {
			if i.ID == id {
				at = i.Began
			}
		}
		return !at.IsZero()
	})
	return at
}

// TestImpact: a cloud is killed, and stays away until the watchtower has an
// incident of it. Then each owner hears which of their devices lost their
// connection, from when to when, and how each came back: not of those who went
// on with their session, not of one that came for the first time afterwards, and
// not of other people's.
func TestImpact(t *testing.T) {
	t.Parallel()
	page := door.NewFront(t) // the cloud has to know where it will be
	cloud := harness.StartProcess(t, app.Options{StatusURL: page.URL})
	bob := cloud.Admit("bob")
	run := func(p *harness.Person, transport sim.Transport) *harness.Device {
		cfg := p.Provision(sim.Config{Transport: transport})
		d := cloud.Run(cfg, harness.Wiring{})
		p.Settled(d.ID, 1)
		return d
	}
	mine, also, goesOn, his := run(cloud.Person, sim.TCP), run(cloud.Person, sim.TCP), run(cloud.Person, sim.UDP), run(bob, sim.TCP)
	g := &rig{t: t, cloud: cloud, canaries: cloud.Person, api: door.NewFront(t), every: 2 * time.Second, folder: t.TempDir()}
	g.api.Lead(t, cloud.URL())
	g.url, g.stop = g.watch(g.options(g.folder, cloud.Options.ListenUDP, cloud.Options.ListenTCP))
	page.Lead(t, g.url)
	if !g.until(settles, func(s *sight) bool { return s.calm() }) {
		t.Fatal("it never becomes calm")
	}
	killed := time.Now()
	cloud.Kill()
	var incident string
	if !g.until(settles, func(s *sight) bool {
		if i := slices.IndexFunc(s.Incidents, isOpen); i >= 0 {
			incident = s.Incidents[i].ID
		}
		return incident != ""
	}) {
		t.Fatal("nobody notices")
	}
	again := time.Now() // who comes back does so later than this, though maybe before Again has heard that it runs
	cloud.Again()
	for _, d := range []*harness.Device{mine, also} {
		cloud.Settled(d.ID, 2)
	}
	bob.Settled(his.ID, 2)
	late := run(cloud.Person, sim.TCP)

	api := client.New(client.Config{URL: cloud.URL(), Token: cloud.Token})
	var v rest.Impact
	var ours []rest.ImpactHit // canaries are hit, too, and come back when their turn comes
	var err error
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("killed %v, again %v, incident %s; late %s, goes on %s; the cloud says, last: %v\n%+v", killed, again, incident, late.ID, goesOn.ID, err, v)
		}
	})
	canary := func(h rest.ImpactHit) bool {
		return !slices.Contains([]string{mine.ID, also.ID, goesOn.ID, his.ID, late.ID}, h.Device)
	}
	cloud.Until("the cloud has heard of the incident, and ours are back", func() bool {
		v, err = api.ImpactOf(t.Context(), incident)
		ours = slices.DeleteFunc(v.Hits, canary)
		return err == nil && len(ours) >= 2 && !slices.ContainsFunc(ours, func(h rest.ImpactHit) bool { return h.Back == rest.BackNotYet })
	})
	var got []string
	for _, h := range ours {
		got = append(got, h.Device)
		if h.Back != rest.BackHandshake || h.Reason != "server_restart" || h.From.Before(began(g, incident).Add(-time.Second)) || h.From.After(again) ||
			h.Until.Before(again) || h.Proof.Before(h.Until.Time) {
			t.Errorf("killed %v, again %v: %+v", killed, again, h)
		}
	}
	want := []string{mine.ID, also.ID}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("of the administrator's devices (-want +got; goes on %s, late %s):\n%s", goesOn.ID, late.ID, diff)
	}
	v, err = client.New(client.Config{URL: cloud.URL(), Token: bob.Token}).ImpactOf(t.Context(), incident)
	if err != nil || v.Devices != 1 || len(v.Hits) != 1 || v.Hits[0].Device != his.ID {
		t.Errorf("bob hears of %+v: %v", v, err)
	}
	v, err = api.ImpactBetween(t.Context(), killed.Add(-time.Hour), killed.Add(-time.Second))
	if before := slices.DeleteFunc(v.Hits, canary); err != nil || len(before) != 0 {
		t.Errorf("before it these were hit: %+v, %v", before, err)
	}
}
