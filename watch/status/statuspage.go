package status

import (
	"strconv"
	"time"

	"github.com/cyan-cloud/cyan/watch/incident"
	"github.com/cyan-cloud/cyan/watch/maintenance"
	"github.com/cyan-cloud/cyan/watch/signal"
)

// latest is how many incidents or windows a list has.
const latest = 50

// statuspage gives the body of a path of the API; nil where there is none.
func (s *scene) statuspage(path string) *answer {
	a := &answer{Page: s.page()}
	switch path {
	case "/api/v2/summary.json", "/index.json":
		components, incidents, windows, status := s.components(), s.incidents(unresolved), s.windows(ahead), s.status()
		a.Components, a.Incidents, a.Maintenances, a.Status = &components, &incidents, &windows, &status
	case "/api/v2/status.json":
		status := s.status()
		a.Status = &status
	case "/api/v2/components.json":
		components := s.components()
		a.Components = &components
	case "/api/v2/incidents.json":
		incidents := s.incidents(func(*incident.Incident) bool { return true })
		a.Incidents = &incidents
	case "/api/v2/incidents/unresolved.json":
		incidents := s.incidents(unresolved)
		a.Incidents = &incidents
	case "/api/v2/scheduled-maintenances.json":
		windows := s.windows(func(*maintenance.Window) bool { return true })
		a.Maintenances = &windows
	case "/api/v2/scheduled-maintenances/upcoming.json":
		windows := s.windows(func(w *maintenance.Window) bool { return w.Status == maintenance.Scheduled })
		a.Maintenances = &windows
	case "/api/v2/scheduled-maintenances/active.json":
		windows := s.windows(func(w *maintenance.Window) bool { return ahead(w) && w.Status != maintenance.Scheduled })
		a.Maintenances = &windows
	default:
		return nil
	}
	return a
}

func unresolved(i *incident.Incident) bool { return i.Open() }
func ahead(w *maintenance.Window) bool     { return !w.Over() }

func (s *scene) pageID() string { return shortID("page " + s.Page.URL) }

func (s *scene) page() pageShape {
	return pageShape{s.pageID(), s.Page.Name, s.Page.URL, "Etc/UTC", stamp(s.At), stamp(s.At.Add(s.fresh()))}
}

// status is the state of the whole. Unknown has no word in this API: it is
// never none, and the description says it.
func (s *scene) status() statusShape {
	shape := statusShape{"none", "All Systems Operational"}
	switch s.Overall() {
	case signal.Degraded:
		shape = statusShape{"minor", "Minor Service Outage"}
	case signal.Partial:
		shape = statusShape{"major", "Partial System Outage"}
	case signal.Major:
		shape = statusShape{"critical", "Major Service Outage"}
	default:
		for i := range s.Components {
			if s.underMaintenance(&s.Components[i]) {
				shape = statusShape{"maintenance", "Service Under Maintenance"}
			}
		}
	}
	if silent := s.silent(); !s.unknown && len(silent) > 0 && shape.Indicator == "none" {
		shape = statusShape{"minor", "Status Unknown: " + s.Lede(s.now)[0]}
	}
	if s.unknown {
		if shape.Indicator == "none" || shape.Indicator == "maintenance" {
			shape.Indicator = "minor"
		}
		shape.Description = "Status Unknown: " + s.Lede(s.now)[0]
	}
	return shape
}

func (s *scene) components() []componentShape {
	list := make([]componentShape, 0, len(s.Components))
	for i := range s.Components {
		list = append(list, s.component(i))
	}
	return list
}

// component gives the component of a position.
func (s *scene) component(at int) componentShape {
	c := &s.Components[at]
	state := c.Severity.String()
	words := c.Words()
	switch {
	case s.unknown || c.Silent():
		// Nothing is called operational that nobody measures.
		state = max(c.Severity, signal.Degraded).String()
		words = "Unknown: not measured now"
	case s.underMaintenance(c):
		state = "under_maintenance"
	}
	start := s.Page.Started.UTC().Format(time.DateOnly)
	changed := c.Changed
	if changed.IsZero() {
		changed = s.Page.Started
	}
	return componentShape{
		ID: shortID("component " + string(c.Capability)), Name: c.Capability.String(), Status: state,
		CreatedAt: stamp(s.Page.Started), UpdatedAt: stamp(changed), Position: at + 1, Description: &words,
		Showcase: true, StartDate: &start, PageID: s.pageID(),
	}
}

// named gives the components of capabilities.
func (s *scene) named(has func(signal.Capability) bool) []componentShape {
	list := []componentShape{}
	for i := range s.Components {
		if has(s.Components[i].Capability) {
			list = append(list, s.component(i))
		}
	}
	return list
}

func (s *scene) incidents(which func(*incident.Incident) bool) []incidentShape {
	list := []incidentShape{}
	for at := range s.Incidents {
		if i := &s.Incidents[at]; len(list) < latest && which(i) {
			list = append(list, s.incident(i))
		}
	}
	return list
}

func (s *scene) incident(i *incident.Incident) incidentShape {
	shape := incidentShape{
		ID: i.ID, Name: i.Title(), Status: string(i.Status), CreatedAt: stamp(i.Detected), UpdatedAt: maybe(i.Updated),
		MonitoringAt: maybe(i.Monitoring), ResolvedAt: maybe(i.Resolved), Impact: impact(i.Worst()), Shortlink: s.link("incidents", i.ID),
		StartedAt: stamp(i.Began), PageID: s.pageID(), IncidentUpdates: []updateShape{},
		Components: s.named(func(c signal.Capability) bool { return i.Part(c) != nil }),
	}
	updates := i.Updates()
	for at := range updates {
		e := &updates[at]
		u := update(i.ID, len(updates)-at, e.At, string(e.Status), body(e))
		for _, f := range e.Shifts {
			u.AffectedComponents = append(u.AffectedComponents, affectedShape{
				shortID("component " + string(f.Capability)), f.Capability.String(), f.From.String(), f.To.String(),
			})
		}
		shape.IncidentUpdates = append(shape.IncidentUpdates, u)
	}
	return shape
}

func update(of string, number int, at time.Time, status, text string) updateShape {
	return updateShape{
		ID: shortID("update " + of + " " + strconv.Itoa(number)), Status: status, Body: text, IncidentID: of,
		CreatedAt: stamp(at), UpdatedAt: stamp(at), DisplayAt: maybe(at), DeliverNotifications: true,
	}
}

// impact is a severity in the words of incidents.
func impact(s signal.Severity) string {
	return [...]string{"none", "minor", "major", "critical"}[min(s, signal.Major)]
}

func (s *scene) windows(which func(*maintenance.Window) bool) []maintenanceShape {
	list := []maintenanceShape{}
	for at := range s.Windows {
		if w := &s.Windows[at]; len(list) < latest && which(w) {
			list = append(list, s.window(w))
		}
	}
	return list
}

func (s *scene) window(w *maintenance.Window) maintenanceShape {
	shape := maintenanceShape{
		incidentShape: incidentShape{
			ID: w.ID, Name: w.Title, Status: windowStatus(w.Status), CreatedAt: stamp(w.Planned), ResolvedAt: maybe(w.Closed),
			Impact: "maintenance", Shortlink: s.link("maintenance", w.ID), StartedAt: stamp(w.Starts), PageID: s.pageID(),
			IncidentUpdates: []updateShape{}, Components: s.named(w.Touches),
		},
		ScheduledFor: stamp(w.Starts), ScheduledUntil: stamp(w.Ends),
	}
	for at := len(w.Timeline) - 1; at >= 0; at-- {
		e := &w.Timeline[at]
		shape.IncidentUpdates = append(shape.IncidentUpdates, update(w.ID, at+1, e.At, windowStatus(e.Status), e.Text))
		if shape.UpdatedAt == nil {
			shape.UpdatedAt = maybe(e.At)
		}
	}
	return shape
}

// windowStatus is a window's state in the words of the API, which knows no
// cancelled ones: they are over, and their update says why.
func windowStatus(s maintenance.Status) string {
	if s == maintenance.Cancelled {
		s = maintenance.Completed
	}
	return string(s)
}

// link is the permanent address of something.
func (s *scene) link(what, id string) string { return s.Page.URL + "/" + what + "/" + id }
