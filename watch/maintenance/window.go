package maintenance

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/watch/signal"
)

// Status is how far a window has come, in the words of status pages.
type Status string

// The states.
const (
	Scheduled  Status = "scheduled"
	InProgress Status = "in_progress"
	Verifying  Status = "verifying" // over, and not everything that it touched has been seen to work
	Completed  Status = "completed"
	Cancelled  Status = "cancelled" // before it began
)

// Kind is how a window came about. Whoever is hit has a right to know.
type Kind string

// The kinds.
const (
	Planned   Kind = "planned"      // announced a day ahead at least
	Short     Kind = "short_notice" // less
	Emergency Kind = "emergency"    // because something is about to break
)

// Effect is what a capability will be like, at worst.
type Effect struct {
	Capability signal.Capability `json:"capability"`
	Worst      signal.Severity   `json:"worst"`
}

// Window is a stretch of time in which the cloud is worked on.
type Window struct {
	ID      string    `json:"id"`     // twelve letters and digits, for ever
	Number  int       `json:"number"` // counts from 1
	Status  Status    `json:"status"`
	Kind    Kind      `json:"kind"`
	Title   string    `json:"title"`
	Reason  string    `json:"reason"` // why, for those whom it hits
	Who     string    `json:"who"`    // planned it
	Zone    string    `json:"zone"`   // in which it was announced: "Europe/Berlin"
	Effects []Effect  `json:"effects"`
	Planned time.Time `json:"planned_at"`
	Starts  time.Time `json:"starts_at"`
	Ends    time.Time `json:"ends_at"` // announced; never moved

	Done     time.Time `json:"done_at,omitzero"`      // by people, before its end
	Closed   time.Time `json:"completed_at,omitzero"` // everything works again; or cancelled
	Reminded time.Time `json:"reminded_at,omitzero"`  // of it, last
	Overran  bool      `json:"overran,omitempty"`     // something failed beyond the end, or did not pass its check
	Checks   []Check   `json:"checks,omitempty"`      // of what it touched, once the work is over
	Remedies string    `json:"remedies,omitempty"`    // the incident that it is to put right
	Timeline []Entry   `json:"timeline"`
}

// Entry is a line of what happened to a window.
type Entry struct {
	At     time.Time `json:"at"`
	Status Status    `json:"status"`
	Who    string    `json:"who,omitempty"`
	Text   string    `json:"text"`
}

// What a plan may be refused for.
var (
	ErrUnknown  = errors.New("maintenance: no such window")
	ErrOrder    = errors.New("maintenance: it has to begin in the future and end after that, within a day")
	ErrEmpty    = errors.New("maintenance: say what it is called, why it is, who you are and what will not work")
	ErrNotice   = errors.New("maintenance: less than a day ahead it is of kind short_notice or emergency: say which")
	ErrKind     = errors.New("maintenance: a kind is planned, short_notice or emergency")
	ErrEffect   = errors.New("maintenance: an effect is a capability and how bad it gets at worst")
	ErrStarted  = errors.New("maintenance: it has begun: finish it instead")
	ErrNotBegun = errors.New("maintenance: it is not in progress")
)

const (
	notice  = 24 * time.Hour
	longest = 24 * time.Hour
)

// check tells what is wrong with a plan.
func (w *Window) check(now time.Time) error {
	for _, s := range []string{w.Title, w.Reason, w.Who} {
		if strings.TrimSpace(s) == "" {
			return ErrEmpty
		}
	}
	if len(w.Effects) == 0 {
		return ErrEmpty
	}
	for _, e := range w.Effects {
		if !e.Capability.Valid() || e.Worst == signal.Operational || e.Worst > signal.Major {
			return ErrEffect
		}
	}
	switch w.Kind {
	case Planned, Short, Emergency:
	default:
		return ErrKind
	}
	switch {
	case w.Starts.Before(now) || !w.Ends.After(w.Starts) || w.Ends.Sub(w.Starts) > longest:
		return ErrOrder
	case w.Kind == Planned && w.Starts.Sub(now) < notice:
		return ErrNotice
	}
	return nil
}

// declared gives how bad a capability gets at worst, as announced; Operational
// where nothing was.
func (w *Window) declared(c signal.Capability) signal.Severity {
	worst := signal.Operational
	for _, e := range w.Effects {
		if e.Capability == c {
			worst = max(worst, e.Worst)
		}
	}
	return worst
}

// Touches tells whether the window declared anything of the capability.
func (w *Window) Touches(c signal.Capability) bool { return w.declared(c) > signal.Operational }

// Active tells that work is going on, as announced.
func (w *Window) Active() bool { return w.Status == InProgress }

// Over tells that nothing comes of it any more.
func (w *Window) Over() bool { return w.Status == Completed || w.Status == Cancelled }

// Announcement says what will be, in UTC and in the zone it was planned in.
func (w *Window) Announcement() string {
	var list []string
	for _, e := range w.Effects {
		list = append(list, fmt.Sprintf("%s (at worst %s)", e.Capability, strings.ReplaceAll(e.Worst.String(), "_", " ")))
	}
	text := fmt.Sprintf("%s From %s to %s", w.Reason, w.Starts.UTC().Format("2006-01-02 15:04"), w.Ends.UTC().Format("2006-01-02 15:04 UTC"))
	if local := w.Local(); local != "" {
		text += " (" + local + ")"
	}
	return text + " these may not work: " + strings.Join(list, ", ") + ". Everything else does."
}

// Local gives begin and end in the zone that the window was planned in; empty
// where that is UTC.
func (w *Window) Local() string {
	zone, err := time.LoadLocation(w.Zone)
	if err != nil || w.Zone == "" || w.Zone == "UTC" {
		return ""
	}
	starts, ends, end := w.Starts.In(zone), w.Ends.In(zone), "15:04 MST"
	if starts.Format(time.DateOnly) != ends.Format(time.DateOnly) {
		end = "2006-01-02 15:04 MST"
	}
	return fmt.Sprintf("%s to %s %s", starts.Format("2006-01-02 15:04"), ends.Format(end), w.Zone)
}

func (w *Window) note(now time.Time, who, text string) {
	w.Timeline = append(w.Timeline, Entry{now.UTC(), w.Status, who, text})
}
