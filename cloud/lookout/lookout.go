package lookout

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Config says what is watched. Zero values mean what their comments say.
type Config struct {
	URL    string        // of the watchtower
	Every  time.Duration // between two looks; zero: 15 s
	Misses int           // in a row, until it counts as dead; zero: 3
	// Tell is told when it is known whether the watchtower lives, and when that
	// changes. An error has it told again with the next look. nil: nobody is.
	Tell func(context.Context, News) error
	// Transport is how it looks. nil: a new connection each time, straight there.
	Transport  http.RoundTripper
	Logger     *slog.Logger          // nil: nothing is logged
	Registerer prometheus.Registerer // nil: nothing is counted
}

// News is what is known of the watchtower.
type News struct {
	Dead  bool
	URL   string
	At    time.Time
	Since time.Time // the first look that failed; zero: it lives
	Why   string
}

const (
	every   = 15 * time.Second
	misses  = 3
	patient = 5 * time.Second // how long an answer may take
)

// Lookout watches a watchtower.
type Lookout struct {
	cfg    Config
	client *http.Client
	looks  *prometheus.CounterVec
	up     prometheus.Gauge

	mu    sync.Mutex
	state state // guarded by mu
}

// New makes a lookout; nothing is asked before Run.
func New(cfg Config) (*Lookout, error) {
	if cfg.Every <= 0 {
		cfg.Every = every
	}
	if cfg.Misses <= 0 {
		cfg.Misses = misses
	}
	if cfg.Transport == nil {
		cfg.Transport = &http.Transport{DisableKeepAlives: true}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	cfg.URL = strings.TrimRight(cfg.URL, "/")
	l := &Lookout{
		cfg: cfg, client: &http.Client{Timeout: min(patient, cfg.Every), Transport: cfg.Transport}, state: state{misses: cfg.Misses},
		looks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cyan_watchtower_looks_total", Help: "Looks at the watchtower, by what was seen: alive or nothing.",
		}, []string{"result"}),
		up: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "cyan_watchtower_up", Help: "1 while the watchtower lives, 0 once it counts as dead.",
		}),
	}
	l.up.Set(1)
	if cfg.Registerer == nil {
		return l, nil
	}
	for _, c := range []prometheus.Collector{l.looks, l.up} {
		if err := cfg.Registerer.Register(c); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// DeadSince is since when the watchtower is dead; zero: it lives, as far as is
// known.
func (l *Lookout) DeadSince() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state.deadSince()
}

// Run looks until ctx is done.
func (l *Lookout) Run(ctx context.Context) {
	tick := time.NewTicker(l.cfg.Every)
	defer tick.Stop()
	told := unknown
	for {
		h, err := l.ask(ctx)
		if ctx.Err() != nil {
			return
		}
		l.mu.Lock()
		is, changed := l.state.note(time.Now().UTC(), h, err)
		n := News{is == dead, l.cfg.URL, l.state.looked, l.state.deadSince(), l.state.why}
		l.mu.Unlock()
		l.say(n, is, changed)
		if is != unknown && is != told && (l.cfg.Tell == nil || l.cfg.Tell(ctx, n) == nil) {
			told = is
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// say counts a look, and logs what it has changed.
func (l *Lookout) say(n News, is verdict, changed bool) {
	if n.Why == "" {
		l.looks.WithLabelValues("alive").Inc()
	} else {
		l.looks.WithLabelValues("nothing").Inc()
	}
	switch {
	case is == dead && changed:
		l.up.Set(0)
		l.cfg.Logger.Error("the watchtower is dead: nobody would notice an outage", "url", n.URL, "since", n.Since, "why", n.Why)
	case is == dead:
		l.cfg.Logger.Debug("the watchtower is still dead", "why", n.Why)
	case is == alive && changed:
		l.up.Set(1)
		l.cfg.Logger.Info("the watchtower lives", "url", n.URL)
	}
}
