package status

import (
	"time"

	"github.com/cyan-cloud/cyan/watch/incident"
	"github.com/cyan-cloud/cyan/watch/maintenance"
	"github.com/cyan-cloud/cyan/watch/signal"
)

// Evidence is what stands behind the page, for programs: every number with the
// runs that it comes of.
type Evidence struct {
	Generated  time.Time             `json:"generated_at"`
	Epoch      int64                 `json:"generated_epoch_ms"`
	FreshUntil time.Time             `json:"fresh_until"`
	StaleAfter time.Time             `json:"stale_after"` // the same, by the name that it has in the other forms
	Unknown    bool                  `json:"unknown"`
	Unmeasured []string              `json:"unmeasured"` // components that nobody looks at, by name
	BlindSince time.Time             `json:"blind_since,omitzero"`
	Headline   string                `json:"headline"`
	Overall    signal.Severity       `json:"overall"`
	Components []EvidenceOfComponent `json:"components"`
	Incidents  []EvidenceOfIncident  `json:"incidents"`
	Windows    []maintenance.Window  `json:"maintenances"`
	Canaries   []EvidenceOfCanary    `json:"canaries"`
	Restarts   int                   `json:"restarts"`
	Restarted  time.Time             `json:"last_restart_at,omitzero"`
	RestartHow string                `json:"last_restart,omitempty"`
	Drill      *Drill                `json:"last_drill"`
	Notes      []string              `json:"notes,omitempty"`
}

// EvidenceOfComponent is a component's number.
type EvidenceOfComponent struct {
	Capability signal.Capability `json:"capability"`
	Name       string            `json:"name"`
	Severity   signal.Severity   `json:"severity"`
	Unknown    bool              `json:"unknown"` // nobody looks at it just now
	Changed    time.Time         `json:"changed_at,omitzero"`
	OK         int               `json:"ok"`
	Tried      int               `json:"tried"`
	Seconds    int               `json:"window_s"`
	Recent     EvidenceOfNow     `json:"recent"`
	Days       []Day             `json:"days"`
}

// EvidenceOfNow is the number of the last minutes.
type EvidenceOfNow struct {
	OK      int `json:"ok"`
	Tried   int `json:"tried"`
	Seconds int `json:"window_s"`
}

// EvidenceOfIncident is an incident with all of its fields, and its milestones.
type EvidenceOfIncident struct {
	incident.Incident
	Title      string              `json:"title"`
	Sentence   string              `json:"sentence"`
	Milestones incident.Milestones `json:"milestones"`
}

// EvidenceOfCanary is the last runs of a canary.
type EvidenceOfCanary struct {
	Story     signal.Story    `json:"story"`
	Vantage   string          `json:"vantage"`
	Ingress   string          `json:"ingress"`
	Transport string          `json:"transport,omitempty"`
	Runs      []signal.Result `json:"runs"`
}

func (s *scene) evidence() *Evidence {
	e := &Evidence{
		Generated: s.At.UTC(), Epoch: s.At.UnixMilli(), FreshUntil: s.At.Add(s.fresh()).UTC(), StaleAfter: s.At.Add(s.fresh()).UTC(), Unknown: s.unknown, Unmeasured: append([]string{}, s.silent()...), BlindSince: s.Blind,
		Headline: s.Headline(s.now), Overall: s.Overall(), Restarts: s.Restarts.Count, Restarted: s.Restarts.Last, RestartHow: s.Restarts.How, Drill: s.Drill, Notes: s.Notes,
		Components: []EvidenceOfComponent{}, Incidents: []EvidenceOfIncident{}, Windows: s.Windows, Canaries: []EvidenceOfCanary{},
	}
	if e.Windows == nil {
		e.Windows = []maintenance.Window{}
	}
	for _, c := range s.Components {
		e.Components = append(e.Components, EvidenceOfComponent{
			c.Capability, c.Capability.String(), c.Severity, s.unknown || c.Silent(), c.Changed, c.Measured.OK, c.Measured.Tried, int(c.Measured.Over.Seconds()),
			EvidenceOfNow{c.Recent.OK, c.Recent.Tried, int(c.Recent.Over.Seconds())},
			c.Days,
		})
	}
	for _, i := range s.Incidents[:min(latest, len(s.Incidents))] {
		e.Incidents = append(e.Incidents, EvidenceOfIncident{i, i.Title(), i.Words(s.At), i.Milestones()})
	}
	for _, c := range s.Strips {
		e.Canaries = append(e.Canaries, EvidenceOfCanary(c))
	}
	return e
}
