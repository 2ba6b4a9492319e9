package census

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/client"
	"github.com/cyan-cloud/cyan/watch/incident"
	"github.com/cyan-cloud/cyan/watch/status"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// Config says whom to ask.
type Config struct {
	// API is the URL of the cloud, Token one with the scopes signals:read and
	// devices:list.
	API, Token string
	// Since is when this watchtower began: restarts are counted from then on.
	Since time.Time
	// Coming is how many devices of the watchtower itself come and go.
	Coming int
	Logger *slog.Logger // nil: nothing is logged
}

const (
	askEvery = 10 * time.Second
	askOpen  = 5 * time.Second // while an incident is open: when all are back is known by that
	askMost  = 5 * time.Second // how long the cloud may take to answer
)

// Census asks a cloud what it counted, and remembers. It is safe for
// concurrent use.
type Census struct {
	// Set at New.
	cfg Config
	api *client.Client

	mu       sync.Mutex // guards what follows
	count    Count
	since    time.Time // of the incident that is open; zero: none is
	restarts status.Restarts
}

// New makes a census. Nothing is asked before Run.
func New(cfg Config) *Census {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Census{
		cfg: cfg, count: Count{Coming: cfg.Coming}, restarts: status.Restarts{Since: cfg.Since.UTC()},
		api: client.New(client.Config{URL: cfg.API, Token: cfg.Token, UserAgent: "cyan-watch", HTTP: &http.Client{}}),
	}
}

// Run asks until ctx is done. A cloud that does not answer is not counted: that
// it does not is the canaries' matter.
func (c *Census) Run(ctx context.Context) {
	tick := time.NewTicker(askOpen)
	defer tick.Stop()
	for n := 0; ; n++ {
		if n%int(askEvery/askOpen) == 0 || c.open() {
			if err := c.Ask(ctx); err != nil && ctx.Err() == nil {
				c.cfg.Logger.Debug("the cloud's own counts", "err", err)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// open tells that an incident is.
func (c *Census) open() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.since.IsZero()
}

// Ask asks once.
func (c *Census) Ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, askMost)
	defer cancel()
	c.mu.Lock()
	since := c.since
	c.mu.Unlock()
	return errors.Join(c.askCounts(ctx, since), c.askRestarts(ctx))
}

func (c *Census) askCounts(ctx context.Context, since time.Time) error {
	var s rest.Signals
	var err error
	if since.IsZero() {
		s, err = c.api.Signals(ctx)
	} else {
		s, err = c.api.SignalsSince(ctx, since)
	}
	if err != nil {
		return err
	}
	sample := Sample{At: time.Now().UTC(), Connected: s.Sessions.Connected, Limbo: s.Sessions.Limbo}
	if !since.IsZero() {
		if v, err := c.api.Recoveries(ctx, false); err == nil {
			sample.Roll = RollOf(v.Recoveries, since)
		}
	}
	if s.Sessions.Missing != nil && s.Sessions.Listed != nil {
		sample.Since, sample.Missing, sample.Listed = since, *s.Sessions.Missing, *s.Sessions.Listed
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count.Note(sample)
	return nil
}

func (c *Census) askRestarts(ctx context.Context) error {
	a, err := c.api.Annotations(ctx, c.cfg.Since.Add(-rejoin))
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.restarts = RestartsOf(a.Annotations, c.cfg.Since, time.Now())
	return nil
}

// Recovery gives how the devices are doing that were hit by what began at since
// and ended at fixed; zero: it has not ended. Zero both: nothing is open.
func (c *Census) Recovery(since, fixed time.Time) incident.Recovery {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.since = since
	return c.count.Recovery(time.Now(), since, fixed)
}

// Restarts gives how often processes of the cloud have started anew.
func (c *Census) Restarts() status.Restarts {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.restarts
}
