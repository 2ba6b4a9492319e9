package tower

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// handler serves the watchtower's own paths, and leaves the rest to the page.
func (t *Tower) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", t.healthy)
	mux.HandleFunc("GET /watch.json", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, t.State()) })
	mux.HandleFunc("POST "+PathReports, t.receive)
	if t.cfg.Page != nil {
		mux.Handle("/", t.cfg.Page)
	}
	return mux
}

// Health is what /healthz says.
type Health struct {
	OK       bool      `json:"ok"`
	Why      string    `json:"why,omitempty"` // it is not
	Vantage  string    `json:"vantage"`
	JudgedAt time.Time `json:"judged_at"`
	LastRun  time.Time `json:"last_run_at"`
}

// healthy tells whether the watchtower itself works: that it judges and that its
// canaries come back, whatever they say.
func (t *Tower) healthy(w http.ResponseWriter, _ *http.Request) {
	s := t.State()
	h := Health{Why: s.unwell(time.Now()), Vantage: s.Vantage, JudgedAt: s.JudgedAt, LastRun: s.LastRun}
	h.OK = h.Why == ""
	status := http.StatusOK
	if !h.OK {
		status = http.StatusServiceUnavailable
	}
	answer(w, status, h)
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// beat tells somebody outside that the watchtower lives, as long as it is well:
// one that runs and sees nothing shall be missed, too.
func (t *Tower) beat(ctx context.Context) {
	client := &http.Client{Timeout: asking}
	tick := time.NewTicker(t.cfg.HeartbeatEvery)
	defer tick.Stop()
	for {
		s := t.State()
		if why := s.unwell(time.Now()); why != "" {
			t.cfg.Logger.Error("the watchtower is not well, and keeps its heartbeat back", "why", why)
		} else if err := get(ctx, client, t.cfg.Heartbeat); err != nil && ctx.Err() == nil {
			t.cfg.Logger.Warn("a heartbeat was not taken", "err", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
