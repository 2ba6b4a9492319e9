package status_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/watch/chart"
	"github.com/cyan-cloud/cyan/watch/maintenance"
	"github.com/cyan-cloud/cyan/watch/signal"
	"github.com/cyan-cloud/cyan/watch/status"
)

// charted is the 31st of May: what failed was long before the maintenance.
func charted(t *testing.T) *status.View {
	t.Helper()
	s := newStage(t, 3, 3)
	s.pass(30*time.Minute, fails(signal.ConnectUDP, signal.Major))
	s.pass(2*time.Hour+15*time.Minute, fails(signal.ConnectUDP, signal.Operational))
	s.must(s.plans.Plan(s.now, maintenance.Window{
		Kind: maintenance.Short, Title: "New database", Reason: "It is full.", Who: "ana", Zone: "UTC", Starts: start.Add(13*time.Hour + 30*time.Minute), Ends: start.Add(14*time.Hour + 30*time.Minute),
		Effects: []maintenance.Effect{{Capability: signal.Calls, Worst: signal.Partial}},
	}))
	s.pass(12 * time.Hour)
	v := s.view()
	i, w := v.Incidents[0], v.Windows[0]
	var m chart.Memory
	for at := start; at.Before(s.now); at = at.Add(time.Minute) {
		ok := at.Before(i.Began) || at.After(i.Ended())
		for range 6 {
			m.Saw(&signal.Result{Story: signal.ColdStart, Transport: "udp", Started: at, Ended: at, OK: ok, Steps: []signal.Step{{Name: signal.StepHandshake, OK: ok}}})
		}
		x := signal.Traffic{From: at, Calls: signal.Tally{OK: 3, Failed: 1}, Attempts: []signal.Slice{{Transport: "udp", Tally: signal.Tally{OK: 20}}}}
		if !ok {
			x.Attempts[0].Tally = signal.Tally{Failed: 40}
		}
		m.Counted(&x)
	}
	v.Charts = map[string]chart.Chart{
		i.ID: m.Draw(start, s.now, func(c signal.Capability) bool { return i.Part(c) != nil }), w.ID: m.Draw(start, s.now, w.Touches),
	}
	return v
}

// TestGraph: the pages of incident and window draw what was tried and what
// succeeded, with both of them where they were; without a script, in words for
// those who see no pictures, and in numbers.
func TestGraph(t *testing.T) {
	v := charted(t)
	i, w := v.Incidents[0], v.Windows[0]
	for _, path := range []string{"/incidents/" + i.ID, "/maintenance/" + w.ID} {
		page := rendered(t, v, path, v.At)
		_, graph, _ := strings.Cut(page, "What was tried, and what succeeded")
		graph, _, _ = strings.Cut(graph, "</div>")
		pictures := strings.Count(graph, "<svg ")
		if pictures == 0 || strings.Count(graph, `<rect class="incident"`) != pictures || strings.Count(graph, `<rect class="maintenance"`) != pictures ||
			strings.Count(graph, `role="img" aria-label="`) != pictures || strings.Contains(graph, "script") {
			t.Errorf("%s has %d pictures: %s", path, pictures, graph)
		}
		for _, link := range []string{`href="/incidents/` + i.ID + `"`, `href="/maintenance/` + w.ID + `"`, `href="` + path + `/series.json"`} {
			if !strings.Contains(graph, link) {
				t.Errorf("%s does not lead to %s", path, link)
			}
		}
	}
	page := rendered(t, v, "/i/1", v.At)
	if !strings.Contains(page, `aria-label="Canaries from 2020-05-31 04:30 UTC to `) || !strings.Contains(page, "in incident 1 0 of ") || !strings.Contains(page, "<b>Devices that connect</b>: in\u00a0incident") && !strings.Contains(page, "<b>Devices that connect</b>: in incident 1 0 of ") {
		t.Error(page)
	}
	var series struct {
		chart.Chart
		Intervals []status.Band `json:"intervals"`
	}
	if err := json.Unmarshal([]byte(rendered(t, v, "/incidents/"+i.ID+"/series.json", v.At)), &series); err != nil {
		t.Fatal(err)
	}
	if len(series.Lines) != 2 || len(series.Intervals) != 2 || series.Intervals[0].Kind != "incident" || !series.Intervals[0].Until.Before(series.Intervals[1].From) {
		t.Fatalf("%+v", series.Intervals)
	}
	all := series.Lines[0].Sum(&series.Chart, series.From, series.Until())
	if want := 6 * int(v.At.Sub(start)/time.Minute); all.Tried != want {
		t.Errorf("%d tries, want %d", all.Tried, want)
	}
	dir := t.TempDir()
	if err := v.Export(dir, v.At); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "incidents", i.ID, "series.json")); err != nil {
		t.Error(err)
	}
	v.Charts = nil
	if body, _, err := v.Render("/incidents/"+i.ID+"/series.json", v.At); body != nil || err != nil {
		t.Errorf("numbers of nothing: %s %v", body, err)
	}
}
