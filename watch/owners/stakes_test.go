package owners_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/watch/incident"
	"github.com/cyan-cloud/cyan/watch/owners"
	"github.com/cyan-cloud/cyan/watch/signal"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// TestStakes: what an outage costs orders the owners: by the share of their
// devices that it hits, in full where nobody can count; a change of the cost
// changes the order.
func TestStakes(t *testing.T) {
	book, now := incident.NewBook(), time.Now()
	var seen owners.Seen
	there := &cloud{hit: map[string]rest.Impact{"a": {Devices: 100, Hit: 10}, "b": {Devices: 10, Hit: 9, Back: 1}}}
	order := func(costs ...float64) (list []string) {
		t.Helper()
		var pages []owners.Page
		for i, cost := range costs {
			token := string(rune('a' + i))
			pages = append(pages, owners.Page{Name: token, Path: fmt.Sprintf("%020d", i), Token: token, Cost: cost})
		}
		o, err := owners.Open(owners.Config{Pages: pages, Data: t.TempDir(), Every: time.Minute, Ask: func(token string) owners.Impacts { return asked{there, token} }, Seen: func() owners.Seen { return seen }})
		if err != nil {
			t.Fatal(err)
		}
		for i := range pages[:2] { // the third cannot be counted
			o.Learn(t.Context(), &pages[i])
		}
		for _, s := range o.Stakes() {
			hit := "?"
			if s.Hit != nil {
				hit = fmt.Sprint(*s.Hit)
			}
			list = append(list, fmt.Sprintf("%s %g/%g %s", s.Name, s.Now, s.Cost, hit))
		}
		return list
	}
	if diff := cmp.Diff([]string{"b 0/300 ?", "a 0/200 ?", "c 0/100 ?"}, order(200, 300, 100)); diff != "" {
		t.Errorf("no outage: who has most to lose (-want +got):\n%s", diff)
	}
	book.Apply(now, []signal.Judgement{{At: now, Since: now, Capability: signal.ConnectTCP, Severity: signal.Major, By: signal.ByCanary, Failed: 6, Tried: 6}}, incident.Recovery{})
	seen.Incidents = book.List()
	for _, c := range []struct {
		costs [3]float64
		want  []string
	}{
		{[3]float64{200.0, 300.0, 100.0}, []string{"b 240/300 8", "c 100/100 ?", "a 20/200 10"}},
		{[3]float64{6000.0, 300.0, 100.0}, []string{"a 600/6000 10", "b 240/300 8", "c 100/100 ?"}},
		{[3]float64{0.0, 0.0, 0.0}, []string{"a 0/0 10", "b 0/0 8", "c 0/0 ?"}},
	} {
		got := order(c.costs[:]...)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("an outage, costs %v (-want +got):\n%s", c.costs, diff)
		}
	}
	for _, p := range []owners.Page{{Cost: -1}, {Offline: time.Hour}, {Offline: time.Second}} {
		p.Name, p.Path, p.Token = "a", "00000000000000000000", "a"
		if _, err := owners.Open(owners.Config{Pages: []owners.Page{p}, Data: t.TempDir()}); err == nil {
			t.Errorf("it takes %+v", p)
		}
	}
}
