package herald

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/watch/journal"
	pager "github.com/cyan-cloud/cyan/watch/notify"
	"github.com/cyan-cloud/cyan/watch/owners"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// Devices lists the devices of an owner.
type Devices interface {
	Devices(ctx context.Context) ([]rest.Device, error)
}

// Config says who is told of what. All must be set but for what says otherwise.
type Config struct {
	Pages  []owners.Page              // those without outlets are told nothing
	Owners *owners.Owners             // knows how many devices are hit
	Seen   func() owners.Seen         // what the watchtower knows, at once
	List   func(token string) Devices // asks the cloud with a token
	Data   string                     // the watchtower's folder: journals are in "owners"
	URL    string                     // of the status page
	Every  time.Duration              // between two looks; zero: 30 s

	Transport http.RoundTripper // of outlets; nil: the network
	Logger    *slog.Logger      // nil: nothing is logged
}

const (
	every  = 30 * time.Second
	asking = 10 * time.Second

	keepFor   = 100 * 24 * time.Hour
	keepBytes = 32 << 20
)

// Herald tells owners. Its methods are safe for concurrent use.
type Herald struct {
	cfg   Config
	posts []*post
	wake  chan struct{}
}

// post is one owner's. It belongs to the goroutine of Run, but for the pipeline.
type post struct {
	page     *owners.Page
	pipeline *pager.Pipeline
	journal  *journal.Journal[pager.Record]
	roll     *roll
	file     string // of the roll
}

// Open opens the outlets of all owners. Nothing is sent before Run.
func Open(cfg Config) (*Herald, error) {
	if cfg.Every <= 0 {
		cfg.Every = every
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	h := &Herald{cfg: cfg, wake: make(chan struct{}, 1)}
	for i := range cfg.Pages {
		if page := &cfg.Pages[i]; len(page.Tell) > 0 {
			p, err := h.open(page)
			if err != nil {
				return nil, errors.Join(fmt.Errorf("owners: %q: %w", page.Name, err), h.Close())
			}
			h.posts = append(h.posts, p)
		}
	}
	return h, nil
}

func (h *Herald) open(page *owners.Page) (*post, error) {
	s := pager.Settings{Outlets: map[string]pager.OutletSettings{}}
	for n, o := range page.Tell {
		name := fmt.Sprintf("%s %d", o.Type, n+1)
		s.Outlets[name], s.Inform = o, append(s.Inform, name)
	}
	dir := filepath.Join(h.cfg.Data, "owners", page.Path)
	kept, err := journal.Open[pager.Record](dir, journal.Config{MaxAge: keepFor, MaxBytes: keepBytes})
	if err != nil {
		return nil, err
	}
	p := &post{page: page, journal: kept, file: filepath.Join(h.cfg.Data, "owners", page.Path+".json")}
	p.pipeline, err = pager.Open(pager.Config{Settings: s, Log: h.cfg.Logger, Transport: h.cfg.Transport}, kept)
	if err != nil {
		return nil, errors.Join(err, kept.Close())
	}
	if p.roll, err = readRoll(p.file); err != nil {
		h.cfg.Logger.Warn("which devices of an owner are offline begins anew", "owner", page.Name, "err", err)
	}
	return p, nil
}

// Close is for one that is not run.
func (h *Herald) Close() (err error) {
	for _, p := range h.posts {
		err = errors.Join(err, p.journal.Close())
	}
	return err
}

// Rouse has it look at once: something has become of an incident.
func (h *Herald) Rouse() {
	select {
	case h.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// Run tells owners until ctx is done, and then closes the journals.
func (h *Herald) Run(ctx context.Context) error {
	var sending sync.WaitGroup
	for _, p := range h.posts {
		sending.Go(func() { p.pipeline.Run(ctx) }) // ends with ctx
	}
	tick := time.NewTicker(h.cfg.Every)
	defer tick.Stop()
	for ctx.Err() == nil {
		h.round(ctx)
		select {
		case <-tick.C:
		case <-h.wake:
		case <-ctx.Done():
		}
	}
	sending.Wait()
	return h.Close()
}

// round looks after every owner, all at once: a cloud that hangs delays each of
// them by one question.
func (h *Herald) round(ctx context.Context) {
	var looking sync.WaitGroup
	for _, p := range h.posts {
		looking.Go(func() { h.look(ctx, p) }) // ends with the questions' time
	}
	looking.Wait()
}

// look tells one owner what is new.
func (h *Herald) look(ctx context.Context, p *post) {
	seen := h.cfg.Seen()
	if seen.Troubled() {
		h.cfg.Owners.Learn(ctx, p.page)
	}
	if p.page.Offline > 0 {
		h.watch(ctx, p, &seen)
	}
	for at := range seen.Incidents {
		h.tell(p, &seen.Incidents[at])
	}
	if err := p.roll.save(p.file); err != nil {
		h.cfg.Logger.Error("what an owner was told is not written down", "owner", p.page.Name, "err", err)
	}
}

// send gives a notice to the pipeline. What it knows already, or is of nothing
// that is open, it ignores.
func (h *Herald) send(p *post, n *pager.Notice) {
	if err := p.pipeline.Notify(*n); err != nil && !errors.Is(err, pager.ErrNoAlert) {
		h.cfg.Logger.Error("an owner is not told", "owner", p.page.Name, "alert", n.Key, "err", err)
	}
}

// open tells whether the owner has been told of an alert that is not over.
func (p *post) open(key string) bool {
	s := p.pipeline.Status()
	for i := range s.Alerts {
		if a := &s.Alerts[i]; a.Key == key && a.Resolved.IsZero() {
			return true
		}
	}
	return false
}
