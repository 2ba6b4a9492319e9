package owners

import (
	"fmt"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/watch/incident"
)

// State is what a page tells to do.
type State string

// The states.
const (
	Works   State = "works"   // it is not the cloud
	Wait    State = "wait"    // it is, and it comes back by itself
	Unknown State = "unknown" // nobody can tell
)

// Known is what the cloud told last of an owner's devices. It stays on the disk.
type Known struct {
	At      time.Time `json:"at"`
	Devices int       `json:"devices"`

	// Of the incident that is open; Asked is its id, empty where the cloud has not
	// told since it opened.
	Asked string `json:"asked,omitempty"`
	Hit   int    `json:"hit,omitempty"`
	Back  int    `json:"back,omitempty"`
}

// Seen is what the watchtower knows now.
type Seen struct {
	Incidents []incident.Incident
	Judged    time.Time // when it was judged last
	Blind     time.Time // since when nobody can tell; zero: somebody can
}

// freshFor is how old a judgement may be.
const freshFor = 3 * time.Minute

// open gives the worst incident that is open; nil: there is none.
func (s *Seen) open() (worst *incident.Incident) {
	for at := range s.Incidents {
		if i := &s.Incidents[at]; i.Open() && (worst == nil || i.Severity() > worst.Severity()) {
			worst = i
		}
	}
	return worst
}

// Troubled tells that something of the cloud fails, or that nobody can tell.
func (s *Seen) Troubled() bool { return s.open() != nil || !s.Blind.IsZero() }

// View is everything that a page shows.
type View struct {
	Name     string    `json:"name"`
	At       time.Time `json:"generated_at"`
	Until    time.Time `json:"fresh_until"` // after it treat everything as unknown
	State    State     `json:"state"`
	Headline string    `json:"headline"`
	Words    []string  `json:"words"` // a sentence each
	Since    time.Time `json:"since,omitzero"`
	NextBy   time.Time `json:"next_update_by,omitzero"`
	Devices  int       `json:"devices"`         // rounded
	Hit      *int      `json:"hit,omitempty"`   // rounded; missing: nobody can count now
	Share    string    `json:"share,omitempty"` // of the devices that are hit
}

// Of makes the view of an owner's page. It is a pure function of what is known.
func Of(name string, k Known, s Seen, now time.Time) View {
	v := View{Name: name, At: now.UTC(), Until: now.Add(freshFor).UTC(), State: Works, Devices: rounded(k.Devices)}
	i := s.open()
	switch {
	case !s.Blind.IsZero() || now.Sub(s.Judged) > freshFor:
		v.State, v.Headline = Unknown, "Nobody can tell at the moment whether "+name+" works."
		v.Words = []string{"Those who watch the service cannot see it. That says nothing of your device."}
	case i == nil:
		v.Headline = name + " works."
		v.Words = []string{"If your device does not, it is not the service: look at its power and its network."}
	case !i.Failing():
		v.since(i)
		v.Headline = "The disturbance of " + name + " is over; devices are coming back."
		v.Words = append(v.count(k, i), "Yours comes back by itself within minutes. You need not do anything.")
		if n := v.Hit; n == nil || *n > 0 {
			v.State = Wait
		}
	default:
		v.since(i)
		v.NextBy = i.NextBy.UTC()
		v.State, v.Headline = Wait, "The service behind "+name+" is disturbed."
		v.Words = v.count(k, i)
		if v.Hit != nil && *v.Hit == 0 {
			v.State, v.Headline = Works, name+" works: a disturbance of the service is not known to have hit it."
			v.Words = append(v.Words, "A device that was just switched on may have to wait.")
			return v
		}
		v.Words = append(v.Words, "Please wait. Your device is fine: do not reset it, and do not set it up anew. It comes back by itself when the service does.")
	}
	return v
}

func (v *View) since(i *incident.Incident) { v.Since = i.Began.UTC() }

// count says how many devices are hit, as far as the cloud has told.
func (v *View) count(k Known, i *incident.Incident) []string {
	if k.Asked != i.ID {
		return []string{"How many devices it hits is not known at the moment."}
	}
	n := rounded(k.Hit - k.Back)
	if k.Hit > k.Back {
		n = max(n, 1)
	}
	v.Hit, v.Share = &n, share(k.Hit-k.Back, k.Devices)
	switch {
	case n == 0 && k.Hit > 0:
		return []string{fmt.Sprintf("All of the devices that it had hit are back, about %d.", max(1, rounded(k.Hit)))}
	case n == 0:
		return []string{"None of the devices is known to be hit."}
	}
	return []string{fmt.Sprintf("It hits about %d of %d devices (%s).", n, v.Devices, v.Share)}
}

// rounded hides how many devices there are exactly: two figures.
func rounded(n int) int {
	unit := 1
	for n/unit >= 100 {
		unit *= 10
	}
	return (n + unit/2) / unit * unit
}

// share is how many of a hundred.
func share(n, of int) string {
	switch {
	case of <= 0 || n <= 0:
		return "0 %"
	case n*100 < of:
		return "less than 1 %"
	default:
		return fmt.Sprintf("%d %%", min(100, (n*100+of/2)/of))
	}
}

// Text is the view as a text that can be pasted into a forum.
func (v *View) Text() string {
	lines := append([]string{v.Headline}, v.Words...)
	if !v.Since.IsZero() {
		lines = append(lines, "Since "+stamp(v.Since)+".")
	}
	if !v.NextBy.IsZero() {
		lines = append(lines, "More by "+stamp(v.NextBy)+".")
	}
	return strings.Join(append(lines, "As of "+stamp(v.At)+"."), "\n") + "\n"
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
