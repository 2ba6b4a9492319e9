package desk

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/watch/incident"
	"github.com/cyan-cloud/cyan/watch/maintenance"
	"github.com/cyan-cloud/cyan/watch/moment"
	"github.com/cyan-cloud/cyan/watch/signal"
)

// Ask is what a person asks for: who, and what of it applies.
type Ask struct {
	Who        string            `json:"who"`
	Words      string            `json:"words,omitempty"`
	Identified bool              `json:"identified,omitempty"` // say: the cause is known
	Capability signal.Capability `json:"capability,omitempty"` // worsen
	Severity   signal.Severity   `json:"severity,omitempty"`   // worsen
	At         time.Time         `json:"at,omitzero"`          // report: when a customer said so
}

// Refusal is the body of an answer that is none.
type Refusal struct {
	Error       string `json:"error"`
	Description string `json:"error_description"`
}

const askMost = 64 << 10 // bytes

// paths are the page's, and the desk's own below /admin/.
func (d *Desk) paths() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", d.site)
	for path, do := range map[string]func(r *http.Request) (any, error){
		"GET /admin/incidents":      func(*http.Request) (any, error) { list, _ := d.List(); return list, nil },
		"GET /admin/maintenance":    func(*http.Request) (any, error) { _, list := d.List(); return list, nil },
		"GET /admin/incidents/{id}": d.one,
		"POST /admin/incidents":     d.asked(worsen),
		"POST /admin/incidents/{id}/say": d.asked(func(now time.Time, b *incident.Book, id string, a *Ask) (incident.Change, error) {
			return b.Say(now, id, a.Who, a.Words, a.Identified)
		}),
		"POST /admin/incidents/{id}/worsen": d.asked(worsen),
		"POST /admin/incidents/{id}/dispute": d.asked(func(now time.Time, b *incident.Book, id string, a *Ask) (incident.Change, error) {
			return b.Dispute(now, id, a.Who, a.Words)
		}),
		"POST /admin/incidents/{id}/ack": d.asked(func(now time.Time, b *incident.Book, id string, a *Ask) (incident.Change, error) {
			return b.Acknowledge(now, id, a.Who)
		}),
		"POST /admin/incidents/{id}/report": d.asked(func(now time.Time, b *incident.Book, id string, a *Ask) (incident.Change, error) {
			return b.Report(now, a.At, id, a.Who, a.Words)
		}),
		"GET /admin/maintenance/quiet": d.quiet,
		"POST /admin/maintenance":      d.plan,
		"POST /admin/maintenance/{id}/cancel": d.window(func(now time.Time, c *maintenance.Calendar, id string, a *Ask) (maintenance.Change, error) {
			return c.Cancel(now, id, a.Who, a.Words)
		}),
		"POST /admin/maintenance/{id}/finish": d.window(func(now time.Time, c *maintenance.Calendar, id string, a *Ask) (maintenance.Change, error) {
			return c.Finish(now, id, a.Who)
		}),
	} {
		mux.HandleFunc(path, d.guarded(do))
	}
	mux.HandleFunc("/admin/", d.guarded(func(*http.Request) (any, error) { return nil, incident.ErrUnknown }))
	return mux
}

// guarded lets those in who have the key.
func (d *Desk) guarded(do func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		key, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok || subtle.ConstantTimeCompare([]byte(key), []byte(d.key)) != 1 {
			w.Header().Set("WWW-Authenticate", "Bearer")
			answer(w, http.StatusUnauthorized, Refusal{"no key", "The key is in " + KeyFile + " of the watchtower's folder."})
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, askMost)
		body, err := do(r)
		if err != nil {
			answer(w, statusOf(err), Refusal{"refused", err.Error()})
			return
		}
		answer(w, http.StatusOK, body)
	}
}

// statusOf gives the status of a refusal.
func statusOf(err error) int {
	switch {
	case errors.Is(err, incident.ErrUnknown), errors.Is(err, maintenance.ErrUnknown):
		return http.StatusNotFound
	case errors.Is(err, incident.ErrGreener), errors.Is(err, incident.ErrClosed), errors.Is(err, maintenance.ErrStarted), errors.Is(err, maintenance.ErrNotBegun):
		return http.StatusConflict
	default:
		return http.StatusBadRequest
	}
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the reader may have gone
}

func (d *Desk) one(r *http.Request) (any, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.book.Get(r.PathValue("id"))
}

func worsen(now time.Time, b *incident.Book, id string, a *Ask) (incident.Change, error) {
	return b.Worsen(now, id, a.Who, a.Capability, a.Severity, a.Words)
}

// plain refuses words for everybody in which a time is another one to each of
// their readers.
func plain(words ...string) error {
	for _, text := range words {
		if loose := moment.Loose(text); loose != "" {
			return fmt.Errorf("desk: %q is another time to each reader: say the date, and the time with its zone, such as 2026-12-01 04:00 UTC", loose)
		}
	}
	return nil
}

// asked does what a person asks for of an incident, and gives it as it is then.
func (d *Desk) asked(do func(time.Time, *incident.Book, string, *Ask) (incident.Change, error)) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		var a Ask
		if err := json.NewDecoder(r.Body).Decode(&a); err != nil {
			return nil, err
		}
		if err := plain(a.Words); err != nil {
			return nil, err
		}
		done, err := d.Person(func(now time.Time, b *incident.Book, _ *maintenance.Calendar) (Record, error) {
			c, err := do(now, b, r.PathValue("id"), &a)
			return Record{Incident: &c}, err
		})
		if err != nil {
			return nil, err
		}
		return done.Incident.Incident, nil
	}
}

// window does what a person asks for of a window, and gives it as it is then.
func (d *Desk) window(do func(time.Time, *maintenance.Calendar, string, *Ask) (maintenance.Change, error)) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		var a Ask
		if err := json.NewDecoder(r.Body).Decode(&a); err != nil {
			return nil, err
		}
		if err := plain(a.Words); err != nil {
			return nil, err
		}
		return d.planned(func(now time.Time, c *maintenance.Calendar) (maintenance.Change, error) {
			return do(now, c, r.PathValue("id"), &a)
		})
	}
}

func (d *Desk) plan(r *http.Request) (any, error) {
	var w maintenance.Window
	if err := json.NewDecoder(r.Body).Decode(&w); err != nil {
		return nil, err
	}
	if err := plain(w.Title, w.Reason); err != nil {
		return nil, err
	}
	return d.planned(func(now time.Time, c *maintenance.Calendar) (maintenance.Change, error) { return c.Plan(now, w) })
}

func (d *Desk) planned(do func(time.Time, *maintenance.Calendar) (maintenance.Change, error)) (any, error) {
	done, err := d.Person(func(now time.Time, _ *incident.Book, c *maintenance.Calendar) (Record, error) {
		ch, err := do(now, c)
		return Record{Window: &ch}, err
	})
	if err != nil {
		return nil, err
	}
	return done.Window.Window, nil
}
