package status_test

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/watch/status"
)

// The fields of Statuspage's objects, as public clients know them.
var (
	pageFields        = "id name stale_after time_zone updated_at url" // stale_after is our own
	statusFields      = "description indicator"
	componentFields   = "created_at description group group_id id name only_show_if_degraded page_id position showcase start_date status updated_at"
	incidentFields    = "components created_at id impact incident_updates monitoring_at name page_id reminder_intervals resolved_at shortlink started_at status updated_at"
	maintenanceFields = "components created_at id impact incident_updates monitoring_at name page_id reminder_intervals resolved_at scheduled_for scheduled_until shortlink started_at status updated_at"
	updateFields      = "affected_components body created_at custom_tweet deliver_notifications display_at id incident_id status tweet_id updated_at"
)

type object = map[string]any

// TestShapes: each path has the keys that it has at Statuspage, and each
// object its fields, no more and no fewer.
func TestShapes(t *testing.T) {
	v := scenes(t, 3, 3)["partial"]
	later := scenes(t, 3, 3)["maintenance"]
	for path, keys := range map[string]string{
		"/api/v2/summary.json":                         "components incidents page scheduled_maintenances status",
		"/index.json":                                  "components incidents page scheduled_maintenances status",
		"/api/v2/status.json":                          "page status",
		"/api/v2/components.json":                      "components page",
		"/api/v2/incidents.json":                       "incidents page",
		"/api/v2/incidents/unresolved.json":            "incidents page",
		"/api/v2/scheduled-maintenances.json":          "page scheduled_maintenances",
		"/api/v2/scheduled-maintenances/upcoming.json": "page scheduled_maintenances",
		"/api/v2/scheduled-maintenances/active.json":   "page scheduled_maintenances",
	} {
		for _, view := range []*status.View{v, later} {
			body := fetched(t, view, path, view.At)
			has(t, path, body, keys)
			has(t, path+" page", body["page"], pageFields)
			if s, ok := body["status"]; ok {
				has(t, path+" status", s, statusFields)
			}
			each(body["components"], func(o any) { has(t, path+" component", o, componentFields) })
			each(body["incidents"], func(o any) { has(t, path+" incident", o, incidentFields); inner(t, path, o) })
			each(body["scheduled_maintenances"], func(o any) { has(t, path+" maintenance", o, maintenanceFields); inner(t, path, o) })
		}
	}
}

// inner looks at the updates and components of an incident or a window.
func inner(t *testing.T, path string, o any) {
	t.Helper()
	list := o.(object)["incident_updates"].([]any)
	if len(list) == 0 {
		t.Errorf("%s: nothing was said of it", path)
	}
	each(o.(object)["incident_updates"], func(u any) { has(t, path+" update", u, updateFields) })
	each(o.(object)["components"], func(c any) { has(t, path+" component", c, componentFields) })
	for i := 1; i < len(list); i++ {
		if list[i].(object)["created_at"].(string) > list[i-1].(object)["created_at"].(string) {
			t.Errorf("%s: updates are not newest first", path)
		}
	}
}

// TestContent is which incidents and windows a path has.
func TestContent(t *testing.T) {
	all := scenes(t, 3, 3)
	for _, c := range []struct {
		scene, path, list string
		want              int
	}{
		{"green", "/api/v2/incidents.json", "incidents", 0},
		{"partial", "/api/v2/incidents/unresolved.json", "incidents", 1},
		{"partial", "/api/v2/summary.json", "incidents", 1},
		{"monitoring", "/api/v2/incidents/unresolved.json", "incidents", 1},
		{"announced", "/api/v2/incidents/unresolved.json", "incidents", 0},
		{"announced", "/api/v2/incidents.json", "incidents", 1},
		{"announced", "/api/v2/summary.json", "scheduled_maintenances", 1},
		{"announced", "/api/v2/scheduled-maintenances/upcoming.json", "scheduled_maintenances", 1},
		{"announced", "/api/v2/scheduled-maintenances/active.json", "scheduled_maintenances", 0},
		{"maintenance", "/api/v2/scheduled-maintenances/upcoming.json", "scheduled_maintenances", 0},
		{"maintenance", "/api/v2/scheduled-maintenances/active.json", "scheduled_maintenances", 1},
		{"maintenance", "/api/v2/incidents/unresolved.json", "incidents", 0}, // a window is no incident
	} {
		body := fetched(t, all[c.scene], c.path, all[c.scene].At)
		if got := len(body[c.list].([]any)); got != c.want {
			t.Errorf("%s %s has %d %s, want %d", c.scene, c.path, got, c.list, c.want)
		}
	}
}

// TestIndicator is the state of the whole in the words of the API. What is not
// known is never "none", and no component is then operational.
func TestIndicator(t *testing.T) {
	all := scenes(t, 3, 3)
	got := map[string]string{}
	for name, v := range all {
		s := fetched(t, v, "/api/v2/status.json", v.At)["status"].(object)
		got[name] = s["indicator"].(string) + ": " + s["description"].(string)
	}
	want := map[string]string{
		"green": "none: All Systems Operational", "partial": "major: Partial System Outage", "overdue": "major: Partial System Outage",
		"monitoring": "none: All Systems Operational", "announced": "none: All Systems Operational", "maintenance": "maintenance: Service Under Maintenance",
		"blind": "minor: Status Unknown: No vantage can tell how the cloud is since 04:32 UTC. What is below was true before.",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	green := all["green"]
	stale := fetched(t, green, "/api/v2/summary.json", green.At.Add(181*time.Second))
	if s := stale["status"].(object); s["indicator"] == "none" {
		t.Error("a stale page says that all is well")
	}
	each(stale["components"], func(c any) {
		if s := c.(object)["status"]; s == "operational" {
			t.Errorf("a stale page says that %s is operational", c.(object)["name"])
		}
	})
}

// TestPositions: clients read components by their place, which is the same in
// every state; ids are twelve letters or digits, times have milliseconds.
func TestPositions(t *testing.T) {
	var first []string
	id, at := regexp.MustCompile(`^[0-9a-z]{12}$`), regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`)
	for name, v := range scenes(t, 3, 3) {
		var list []string
		each(fetched(t, v, "/index.json", v.At)["components"], func(c any) {
			o := c.(object)
			list = append(list, o["id"].(string)+" "+o["name"].(string))
			if !id.MatchString(o["id"].(string)) || !at.MatchString(o["updated_at"].(string)) || int(o["position"].(float64)) != len(list) {
				t.Errorf("%s: component %v", name, o)
			}
		})
		if first == nil {
			first = list
		}
		if diff := cmp.Diff(first, list); diff != "" {
			t.Errorf("%s has other components:\n%s", name, diff)
		}
	}
}

func fetched(t *testing.T, v *status.View, path string, now time.Time) object {
	t.Helper()
	body, _, err := v.Render(path, now)
	if err != nil {
		t.Fatal(path, err)
	}
	var o object
	if err := json.Unmarshal(body, &o); err != nil {
		t.Fatal(path, err)
	}
	return o
}

func has(t *testing.T, what string, o any, fields string) {
	t.Helper()
	got := strings.Join(slices.Sorted(maps.Keys(o.(object))), " ")
	if got != fields {
		t.Errorf("%s has %s\nwant %s", what, got, fields)
	}
}

func each(list any, do func(any)) {
	if list, ok := list.([]any); ok {
		for _, o := range list {
			do(o)
		}
	}
}
