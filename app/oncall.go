package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/cyan-cloud/cyan/client"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/lookout"
	"github.com/cyan-cloud/cyan/watch/herald"
	"github.com/cyan-cloud/cyan/watch/journal"
	pager "github.com/cyan-cloud/cyan/watch/notify"
	"github.com/cyan-cloud/cyan/watch/notify/meter"
	"github.com/cyan-cloud/cyan/watch/oncall"
	"github.com/cyan-cloud/cyan/watch/owners"
	"github.com/cyan-cloud/cyan/watch/report"
	"github.com/cyan-cloud/cyan/watch/rota"
	"github.com/cyan-cloud/cyan/watch/tower"
)

// pagerSettings reads who is paged from the settings file. Without a file, or
// without its section notify, nobody is.
func pagerSettings(path string) (pager.Settings, error) {
	if path == "" {
		return pager.Settings{}, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return pager.Settings{}, err
	}
	settings, err := pager.ParseSettings(text)
	if err != nil {
		return settings, fmt.Errorf("%s: %w", path, err)
	}
	return settings, nil
}

// openOncall opens what stands between the watchtower and those who are paged.
func (w *Watch) openOncall(o *WatchOptions, page string, cfg *tower.Config) error {
	settings, err := pagerSettings(o.Settings)
	if err != nil {
		return err
	}
	if settings.URL == "" && o.StatusPublic != "" {
		settings.URL = page
	}
	c := oncall.Config{
		Settings: settings, Data: o.Data, Page: page, Peers: list(o.Peers), Exercise: rehearsal{w}, LastDrill: w.lastDrill, Logger: o.Logger,
		Orders: map[string]func() (any, error){"owners": w.stakes},
	}
	if !settings.Rota.IsZero() {
		c.Rota = func() (*rota.Rota, error) {
			s, err := pagerSettings(o.Settings)
			if err != nil {
				return nil, err
			}
			return s.Rota.Rota()
		}
	}
	if token := cfg.Canaries.Canary.Token; token != "" {
		c.Deploys = client.New(client.Config{URL: o.API, Token: token, UserAgent: "cyan-watch"})
	}
	w.oncall, err = oncall.Open(c)
	return err
}

// lastDrill is when an exercise was held last.
func (w *Watch) lastDrill() oncall.LastDrill {
	if w.drills == nil {
		return oncall.LastDrill{}
	}
	drill, _ := w.desk.LastDrill()
	return oncall.LastDrill{Possible: true, At: drill.At, Since: w.desk.Started()}
}

// stakes are the owners, those first whom an outage costs most.
func (w *Watch) stakes() (any, error) {
	if w.owners == nil {
		return []owners.Stake{}, nil
	}
	return w.owners.Stakes(), nil
}

// facts are what the watchtower knows, for the monthly report.
func (w *Watch) facts() (f report.Facts) {
	f.Incidents, f.Windows = w.desk.List()
	f.Days, f.Since = w.desk.Days(), w.desk.Started()
	f.Name, f.URL = w.page.Name, w.page.URL
	if d, ok := w.desk.LastDrill(); ok {
		f.Drill = &d
	}
	return f
}

// openOwners opens the pages of owners, if there are any.
func (w *Watch) openOwners(o *WatchOptions) error {
	if o.OwnersFile == "" {
		return nil
	}
	ask := func(token string) *client.Client {
		return client.New(client.Config{URL: o.API, Token: token, UserAgent: "cyan-watch"})
	}
	pages, err := owners.Read(o.OwnersFile)
	if err == nil {
		w.owners, err = owners.Open(owners.Config{
			Pages: pages, Data: o.Data, Logger: o.Logger, Seen: w.seen, Ask: func(token string) owners.Impacts { return ask(token) },
		})
	}
	if err == nil {
		w.herald, err = herald.Open(herald.Config{
			Pages: pages, Owners: w.owners, Seen: w.seen, Data: o.Data, URL: w.page.URL, Logger: o.Logger,
			List: func(token string) herald.Devices { return ask(token) },
		})
	}
	if err != nil {
		return fmt.Errorf("%s: %w", o.OwnersFile, err)
	}
	return nil
}

// seen is what the watchtower knows, for the pages of owners.
func (w *Watch) seen() (s owners.Seen) {
	s.Incidents, _ = w.desk.List()
	s.Judged, s.Blind = w.desk.Sight()
	return s
}

// handler serves the watchtower: its metrics, its pager, and its desk,
// whose page has the rest.
func (w *Watch) handler() http.Handler {
	numbers := prometheus.NewRegistry()
	numbers.MustRegister(meter.New(w.oncall.Pipeline()))
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(numbers, promhttp.HandlerOpts{}))
	mux.Handle("/oncall/", w.oncall.Handler())
	if w.owners != nil {
		mux.Handle(owners.Path, w.owners)
	}
	mux.Handle(report.Path, &report.Handler{Facts: w.facts})
	mux.Handle("/", w.desk)
	return mux
}

// watcher is the cloud's part in watching the watchtower: it looks whether that
// lives, and pages by outlets of the cloud's own when it does not. Of several
// processes on one data folder one does that: the old one of an upgrade until
// the new one serves. A nil watcher does nothing.
type watcher struct {
	// Set at openWatch, and the URL at keepWatch.
	look     *lookout.Lookout
	settings pager.Settings
	data     string
	log      *slog.Logger
	numbers  prometheus.Registerer

	pager  atomic.Pointer[pager.Pipeline] // nil: nobody is paged, or not yet
	cancel context.CancelFunc             // set at keepWatch
	ended  chan struct{}                  // closed when it looks no more
}

// openWatch makes ready to watch the watchtower, if there is one.
func (a *App) openWatch(numbers prometheus.Registerer) error {
	o := &a.opts
	if o.WatchtowerURL == "" {
		return nil
	}
	if u, err := url.Parse(o.WatchtowerURL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("watchtower-url %q: want a URL such as http://127.0.0.1:8090", o.WatchtowerURL)
	}
	settings, err := pagerSettings(o.Settings)
	if err != nil {
		return err
	}
	// The switch waits for the watchtower; a cloud that answered it would hide
	// that death.
	settings.DeadMan = nil
	w := &watcher{settings: settings, data: o.Data, log: o.Logger.With("node", o.Node, "component", "lookout"), numbers: numbers}
	if w.look, err = lookout.New(lookout.Config{URL: o.WatchtowerURL, Tell: w.tell, Logger: w.log, Registerer: numbers}); err != nil {
		return err
	}
	a.watcher = w
	return nil
}

// keepWatch begins to look, as soon as no other process does.
func (a *App) keepWatch() {
	w := a.watcher
	if w == nil {
		return
	}
	w.settings.URL = a.URL()
	if len(w.settings.Stages) == 0 {
		// Who has no settings file has not forgotten anything: it is a desk, and
		// the page says that nobody is told.
		level := slog.LevelInfo
		if a.opts.Settings != "" {
			level = slog.LevelWarn
		}
		w.log.Log(context.Background(), level, "the watchtower is watched; should it die, that is in this log and on every answer, and nobody is paged: no outlets are configured", "guide", "docs/guide/watchtower.md")
	}
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel, w.ended = cancel, make(chan struct{})
	go func() { // ends with stop
		defer close(w.ended)
		if err := w.run(ctx); err != nil {
			w.log.Error("who is paged of the watchtower's death is not written down", "err", err)
		}
	}()
	a.push("watch on the watchtower", func(context.Context) error { w.stop(); return nil })
}

// stop ends the watch. It may be called again.
func (w *watcher) stop() {
	if w != nil && w.cancel != nil {
		w.cancel()
		<-w.ended
	}
}

// watchLock is the name of the file whose lock is that of who watches.
const watchLock = "oncall.lock"

// run looks until ctx is done. Where pages cannot be written down it looks and
// logs all the same.
func (w *watcher) run(ctx context.Context) (err error) {
	guard := flock.New(filepath.Join(w.data, watchLock))
	if mine, err := guard.TryLockContext(ctx, 250*time.Millisecond); !mine {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	defer func() { err = errors.Join(err, guard.Unlock()) }()
	var paging sync.WaitGroup
	defer paging.Wait()
	if len(w.settings.Stages) > 0 {
		var closing func() error
		if closing, err = w.openPager(ctx, &paging); err == nil {
			defer func() { paging.Wait(); err = errors.Join(err, closing()) }()
		}
	}
	w.look.Run(ctx)
	return err
}

// openPager opens the pipeline and runs it until ctx is done.
func (w *watcher) openPager(ctx context.Context, paging *sync.WaitGroup) (func() error, error) {
	secret, err := pager.LoadSecret(filepath.Join(w.data, pager.SecretFile))
	if err != nil {
		return nil, err
	}
	kept, err := journal.Open[pager.Record](filepath.Join(w.data, "oncall"), journal.Config{MaxAge: 400 * 24 * time.Hour, MaxBytes: 64 << 20})
	if err != nil {
		return nil, err
	}
	p, err := pager.Open(pager.Config{Settings: w.settings, Secret: secret, Log: w.log}, kept)
	if err == nil {
		err = w.numbers.Register(meter.New(p))
	}
	if err != nil {
		return nil, errors.Join(err, kept.Close())
	}
	w.pager.Store(p)
	paging.Go(func() { p.Run(ctx) }) // ends with ctx
	return kept.Close, nil
}

// alertTower is the key of the alert that the watchtower is dead.
const alertTower = "cloud:watchtower"

// tell pages. What it does not take is told again.
func (w *watcher) tell(_ context.Context, n lookout.News) error {
	p := w.pager.Load()
	if p == nil {
		return nil
	}
	page := pager.Notice{
		ID: fmt.Sprintf("%s:dead:%d", alertTower, n.Since.UnixNano()), Key: alertTower, Kind: pager.Trigger, Severity: pager.Error, At: n.At,
		Summary: "The watchtower is dead: nobody would notice an outage of the cloud",
		Details: []pager.Detail{{Name: "watchtower", Value: n.URL}, {Name: "since", Value: n.Since.Format("2006-01-02 15:04:05 UTC")}, {Name: "evidence", Value: n.Why}},
		Class:   "watchtower-dead",
	}
	if !n.Dead {
		page = pager.Notice{ID: fmt.Sprintf("%s:alive:%d", alertTower, n.At.UnixNano()), Key: alertTower, Kind: pager.Resolve, At: n.At, Summary: "The watchtower lives again"}
	}
	if err := p.Notify(page); !errors.Is(err, pager.ErrNoAlert) {
		return err
	}
	return nil
}

// deadSince is since when the watchtower is dead; zero: it lives, as far as is
// known.
func (w *watcher) deadSince() time.Time {
	if w == nil {
		return time.Time{}
	}
	return w.look.DeadSince()
}

// beside serves what stands below /oncall/, and leaves the rest to the API.
func (w *watcher) beside(api http.Handler) http.Handler {
	if w == nil {
		return api
	}
	mux := http.NewServeMux()
	mux.Handle("/", api)
	mux.HandleFunc("/oncall/", func(rw http.ResponseWriter, r *http.Request) {
		if p := w.pager.Load(); p != nil {
			p.Handler().ServeHTTP(rw, r)
			return
		}
		http.Error(rw, "nobody is paged by this process", http.StatusServiceUnavailable)
	})
	return mux
}

// Oncall commands the pager of a running watchtower, by the right of being
// able to read its data folder: no login of the cloud is needed, which may be
// what is broken.
type Oncall struct{ remote *pager.Remote }

// OpenOncall finds the watchtower at url, whose data folder is data.
func OpenOncall(url, data string) (*Oncall, error) {
	remote, err := pager.OpenRemote(url, data)
	if err != nil {
		return nil, fault.E(fault.Denied, "read the watchtower's secret", err)
	}
	return &Oncall{remote}, nil
}

// Status is how well people can be reached.
func (o *Oncall) Status(ctx context.Context) (pager.Status, error) {
	s, err := o.remote.Status(ctx)
	return s, oncallFault(err)
}

// Test sends a test page to every outlet, and gives what each said.
func (o *Oncall) Test(ctx context.Context, by string) ([]pager.TestResult, error) {
	list, err := o.remote.Test(ctx, by)
	return list, oncallFault(err)
}

// Rota is who is on call, and who will be.
func (o *Oncall) Rota(ctx context.Context) (p oncall.Plan, err error) {
	err = oncallFault(o.remote.Ask(ctx, "rota", &p))
	return p, err
}

// Owners lists the owners, those first whom the outage that goes on costs most.
func (o *Oncall) Owners(ctx context.Context) (list []owners.Stake, err error) {
	err = oncallFault(o.remote.Ask(ctx, "owners", &list))
	return list, err
}

// ReadRota is who would be on call by a settings file, which no watchtower has
// to run for.
func ReadRota(settings string) (oncall.Plan, error) {
	s, err := pagerSettings(settings)
	if err != nil {
		return oncall.Plan{}, err
	}
	r, err := s.Rota.Rota()
	return oncall.PlanOf(r, time.Now()), err
}

// Acknowledge says that a person has an alert.
func (o *Oncall) Acknowledge(ctx context.Context, key, by string) error {
	return oncallFault(o.remote.Acknowledge(ctx, key, by))
}

// oncallFault gives an answer of the watchtower its kind.
func oncallFault(err error) error {
	no, ok := errors.AsType[*pager.RemoteError](err)
	if !ok {
		return err
	}
	kind := fault.Unavailable
	switch no.Status {
	case http.StatusUnauthorized:
		kind = fault.Denied
	case http.StatusNotFound:
		kind = fault.NotFound
	case http.StatusBadRequest:
		kind = fault.Invalid
	}
	return fault.E(kind, "ask the watchtower", no)
}

// RotaPlan is who is on call in the coming weeks.
type RotaPlan = oncall.Plan
