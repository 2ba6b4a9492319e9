package status

import (
	"crypto/sha256"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/watch/alert"
	"github.com/cyan-cloud/cyan/watch/chart"
	"github.com/cyan-cloud/cyan/watch/incident"
	"github.com/cyan-cloud/cyan/watch/maintenance"
	"github.com/cyan-cloud/cyan/watch/signal"
)

// View is everything that the page knows, at one moment.
type View struct {
	Page       Page
	At         time.Time              // generated
	Fresh      time.Duration          // after which it is unknown; zero: three minutes
	Blind      time.Time              // since when nobody can tell; zero: somebody can
	Components []Component            // in the order of the page, which never changes
	Incidents  []incident.Incident    // newest first, open and past
	Windows    []maintenance.Window   // newest start first
	Charts     map[string]chart.Chart // what was tried, by the id of the incident or window
	Strips     []Strip                // what canaries saw last
	Restarts   Restarts               // of the cloud's processes
	Drill      *Drill                 // the last exercise; nil: there was none
	Notes      []string               // what a reader should know of the watchtower itself
}

// Page is whose page it is.
type Page struct {
	Name    string    // "Example Cloud"
	URL     string    // where it is served, without a slash at the end
	Started time.Time // since when there are measurements
}

// Component is a capability as the page shows it.
type Component struct {
	Capability signal.Capability
	Severity   signal.Severity // measured, or worse where a person says so
	Changed    time.Time       // when it became that
	Held       bool            // it fails as a maintenance window announced
	Measured   Measured
	Recent     Measured // the same of the last minutes: what an outage that is young is seen by
	Days       []Day    // oldest first, 90 at most
}

// Measured is the number behind a component's state.
type Measured struct {
	OK, Tried int
	Over      time.Duration // the last so long
}

// often is how many tries an hour has at least when some are to be expected in
// any five minutes of it.
const often = 36

// Silent tells that nothing is known to be wrong because nobody looks: never
// in the hour, or not in the last minutes although before that somebody did.
// What works is what was seen to work.
func (c *Component) Silent() bool {
	if c.Severity > signal.Operational || c.Held {
		return false
	}
	return c.Measured.Tried == 0 || c.Recent.Over > 0 && c.Recent.Tried == 0 && c.Measured.Tried >= often
}

// silent lists the components that nobody looks at. What nobody ever measured is
// not among them, unless that is all that devices do: then a page that has seen
// the public address has seen next to nothing.
func (v *View) silent() (names []string) {
	if !slices.ContainsFunc(v.Components, func(c Component) bool { return c.ofDevices() && c.Measured.Tried > 0 }) {
		for _, c := range signal.Capabilities() {
			if k := (&Component{Capability: c}); k.ofDevices() && !slices.ContainsFunc(v.Components, func(c Component) bool { return c.Capability == k.Capability }) {
				names = append(names, c.String())
			}
		}
	}
	for i := range v.Components {
		if c := &v.Components[i]; c.Silent() {
			names = append(names, c.Capability.String())
		}
	}
	return names
}

// ofDevices tells that it is measured by devices.
func (c *Component) ofDevices() bool {
	return c.Capability != signal.API && c.Capability != signal.Console
}

// Strip is the last runs of one canary, oldest first.
type Strip struct {
	Story     signal.Story
	Vantage   string
	Ingress   string
	Transport string
	Runs      []signal.Result
}

// Last is the newest run; nil when there is none.
func (s Strip) Last() *signal.Result {
	if len(s.Runs) == 0 {
		return nil
	}
	return &s.Runs[len(s.Runs)-1]
}

// Restarts counts how often processes of the cloud have started.
type Restarts struct {
	Count int
	Since time.Time // counted since; zero: nobody counts
	Last  time.Time
	How   string // the last time, in words; empty: not known
}

// Drill is what came of an exercise, in seconds from the injected fault; zero:
// that has not come.
type Drill struct {
	ID        string    `json:"id"`
	Kind      string    `json:"kind"`
	By        string    `json:"by"`    // who began it
	Going     bool      `json:"going"` // it is not over
	At        time.Time `json:"at"`
	Detected  float64   `json:"detected_s"`
	Paged     float64   `json:"paged_s"`
	Published float64   `json:"published_s"`
	Resolved  float64   `json:"resolved_s"`
}

// Noticed tells that the watchtower saw it.
func (d *Drill) Noticed() bool { return d.Detected > 0 }

// Times says how far a drill that goes on has come; empty: it has not been
// noticed yet.
func (d *Drill) Times() string {
	var list []string
	for _, t := range []struct {
		what    string
		seconds float64
	}{{"Detected", d.Detected}, {"somebody paged", d.Paged}, {"published", d.Published}} {
		if t.seconds > 0 {
			list = append(list, fmt.Sprintf("%s after %.1f s", t.what, t.seconds))
		}
	}
	if len(list) == 0 {
		return ""
	}
	return " " + strings.Join(list, ", ") + "."
}

const freshFor = 3 * time.Minute

func (v *View) fresh() time.Duration {
	if v.Fresh <= 0 {
		return freshFor
	}
	return v.Fresh
}

// Unknown tells that the view says nothing of now: it is too old, nobody could
// tell when it was made, or nothing has been measured.
func (v *View) Unknown(now time.Time) bool {
	return !v.Blind.IsZero() || v.stale(now) || v.unmeasured()
}

func (v *View) stale(now time.Time) bool { return now.Sub(v.At) > v.fresh() }

// unmeasured tells that there is no number at all.
func (v *View) unmeasured() bool {
	for _, c := range v.Components {
		if c.Measured.Tried > 0 || c.Severity > signal.Operational {
			return false
		}
	}
	return true
}

// Overall is the state of the whole, by the table of docs/severity.md.
func (v *View) Overall() signal.Severity {
	of := make(map[signal.Capability]signal.Severity)
	for _, c := range v.Components {
		if !c.Held {
			of[c.Capability] = c.Severity
		}
	}
	return alert.Overall(of)
}

// open gives the incidents that are not resolved, the worst first and then the
// newest.
func (v *View) open() []incident.Incident {
	var list []incident.Incident
	for s := signal.Major; ; s-- {
		for _, i := range v.Incidents {
			if i.Open() && i.Severity() == s {
				list = append(list, i)
			}
		}
		if s == signal.Operational {
			return list
		}
	}
}

// working gives the windows in which work goes on, or is being checked.
func (v *View) working() []maintenance.Window {
	var list []maintenance.Window
	for _, w := range v.Windows {
		if w.Status == maintenance.InProgress || w.Status == maintenance.Verifying {
			list = append(list, w)
		}
	}
	return list
}

// underMaintenance tells whether a component is being worked on as announced,
// and is no worse than that.
func (v *View) underMaintenance(c *Component) bool {
	if c.Held {
		return true
	}
	for _, w := range v.Windows {
		if c.Severity == signal.Operational && (w.Active() && w.Touches(c.Capability) || w.Unproven(c.Capability)) {
			return true
		}
	}
	return false
}

// shortID makes an id of twelve letters and digits that is always the same.
func shortID(of string) string {
	sum := sha256.Sum256([]byte(of))
	text := new(big.Int).SetBytes(sum[:]).Text(36)
	return text[len(text)-12:]
}
