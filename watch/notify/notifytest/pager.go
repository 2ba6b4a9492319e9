package notifytest

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Pager is a PagerDuty: it takes events of the Events API v2 as documented,
// and keeps incidents.
type Pager struct {
	fate
	Key string // the integration key that it knows; empty: any of 32 characters

	mu        sync.Mutex
	incidents []*PagerIncident // guarded by mu, oldest first
	requests  []Request        // guarded by mu
	changes   int              // guarded by mu
	recent    []time.Time      // guarded by mu: events of the last minute
	paged     chan struct{}    // guarded by mu: closed when a new incident opens
}

// PagerIncident is what a person sees in PagerDuty.
type PagerIncident struct {
	Key, Summary, Severity string
	Opened                 time.Time
	Triggers               int // events of the kind, the first included
	Acknowledged, Resolved bool
}

// Request is what came in.
type Request struct {
	At     time.Time
	Path   string
	Header http.Header
	Body   []byte
}

// pagerLimit is the documented rate of an integration key: events a minute.
const pagerLimit = 120

type pagerEvent struct {
	RoutingKey string `json:"routing_key"`
	Action     string `json:"event_action"`
	DedupKey   string `json:"dedup_key"`
	Payload    *struct {
		Summary, Source, Severity string
	} `json:"payload"`
}

func (p *Pager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 512<<10+1))
	if err != nil {
		return
	}
	p.note(r, body)
	trouble := p.meet()
	if trouble.strike(w, r) {
		return
	}
	var e pagerEvent
	code, words := http.StatusAccepted, "Event processed"
	switch bad := json.Unmarshal(body, &e); {
	case r.Method != http.MethodPost || r.URL.Path != "/v2/enqueue" && r.URL.Path != "/v2/change/enqueue":
		code, words = http.StatusNotFound, "not found"
	case bad != nil || len(body) > 512<<10:
		code, words = http.StatusBadRequest, "invalid event"
	case p.Key != "" && e.RoutingKey != p.Key || len(e.RoutingKey) != 32:
		code, words = http.StatusBadRequest, "invalid routing key"
	case len(e.DedupKey) > 255 || e.Payload != nil && (len(e.Payload.Summary) > 1024 || e.Payload.Summary == ""):
		code, words = http.StatusBadRequest, "event object is invalid"
	case p.tooMany():
		code, words = http.StatusTooManyRequests, "rate limit"
	case trouble.Lose:
	case r.URL.Path == "/v2/change/enqueue":
		p.count()
	case !p.take(&e):
		code, words = http.StatusBadRequest, "event object is invalid"
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	status := "success"
	if code != http.StatusAccepted {
		status = "invalid event"
	}
	json.NewEncoder(w).Encode(map[string]string{"status": status, "message": words, "dedup_key": e.DedupKey}) //nolint:errcheck // the caller went away
}

func (p *Pager) note(r *http.Request, body []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests = append(p.requests, Request{At: time.Now(), Path: r.URL.Path, Header: r.Header.Clone(), Body: body})
}

func (p *Pager) count() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.changes++
}

// tooMany holds the rate: what is beyond it is not taken in.
func (p *Pager) tooMany() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.recent = slices.DeleteFunc(p.recent, func(t time.Time) bool { return now.Sub(t) > time.Minute })
	if len(p.recent) >= pagerLimit {
		return true
	}
	p.recent = append(p.recent, now)
	return false
}

// take does what an event says. An acknowledge or resolve without an open
// incident is dropped, without a word.
func (p *Pager) take(e *pagerEvent) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	var open *PagerIncident
	for _, i := range p.incidents {
		if i.Key == e.DedupKey && !i.Resolved {
			open = i
		}
	}
	switch e.Action {
	case "trigger":
		if e.Payload == nil || !slices.Contains([]string{"critical", "error", "warning", "info"}, e.Payload.Severity) || e.Payload.Source == "" {
			return false
		}
		if open == nil {
			open = &PagerIncident{Key: e.DedupKey, Opened: time.Now(), Severity: e.Payload.Severity}
			p.incidents = append(p.incidents, open)
			if p.paged != nil {
				close(p.paged)
				p.paged = nil
			}
		}
		open.Summary = e.Payload.Summary
		open.Triggers++
	case "acknowledge":
		if open != nil {
			open.Acknowledged = true
		}
	case "resolve":
		if open != nil {
			open.Resolved = true
		}
	default:
		return false
	}
	return true
}

// Incidents gives a copy of the incidents, oldest first.
func (p *Pager) Incidents() []PagerIncident {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []PagerIncident
	for _, i := range p.incidents {
		list = append(list, *i)
	}
	return list
}

// Requests gives what came in, refused or not.
func (p *Pager) Requests() []Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.requests)
}

// Changes is how many change events were taken.
func (p *Pager) Changes() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.changes
}

// Paged is closed when the next incident opens.
func (p *Pager) Paged() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.paged == nil {
		p.paged = make(chan struct{})
	}
	return p.paged
}
