package app

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/watch/boards"
	"github.com/cyan-cloud/cyan/watch/canary"
	"github.com/cyan-cloud/cyan/watch/census"
	"github.com/cyan-cloud/cyan/watch/desk"
	"github.com/cyan-cloud/cyan/watch/drill"
	"github.com/cyan-cloud/cyan/watch/herald"
	"github.com/cyan-cloud/cyan/watch/incident"
	"github.com/cyan-cloud/cyan/watch/journal"
	pager "github.com/cyan-cloud/cyan/watch/notify"
	"github.com/cyan-cloud/cyan/watch/oncall"
	"github.com/cyan-cloud/cyan/watch/owners"
	"github.com/cyan-cloud/cyan/watch/signal"
	"github.com/cyan-cloud/cyan/watch/status"
	"github.com/cyan-cloud/cyan/watch/tower"
)

// WatchOptions is everything that can be set of a watchtower; see
// docs/guide/watch.md. The zero value watches a cloud on this machine with its
// default ports.
type WatchOptions struct {
	// Data is the watchtower's own folder. Empty: ./cyan-watch.
	Data string
	// Listen is where its page and /healthz are. Empty: 127.0.0.1:8090.
	Listen string
	// Vantage is the name of this place. Empty: "local".
	Vantage string

	// API is the URL of the cloud's HTTP API. Empty: http://127.0.0.1:8080.
	API string
	// Public is the URL that people know. Empty: API.
	Public string
	// UDP and TCP are where devices connect, host:port. Empty: ports 5684 and
	// 5683 of 127.0.0.1. "off": that door is not watched.
	UDP, TCP string
	// DrillUDP and DrillTCP are where only canaries connect, host:port, so that it
	// can be broken on purpose. Empty: there is no such door.
	DrillUDP, DrillTCP string
	// KeyUDP and KeyTCP are files of the server's public keys, DER or PEM. Empty:
	// those in ./cyan-data/keys.
	KeyUDP, KeyTCP string
	// TokenFile has the token that the canaries use, as cyan canary init makes
	// it. Empty: token in Data. Without the file only the address is watched.
	TokenFile string
	// SpareFile has another token of that account, by which a token that is refused
	// is told from a cloud that takes none. Empty: TokenFile with .spare behind it,
	// if it is there.
	SpareFile string
	// Username and PasswordFile are of an account that only logs in. Empty:
	// logging in is not watched.
	Username, PasswordFile string
	// BoardsFile lists real boards, in YAML; it is read again when it changes.
	// Empty: boards.yaml in Data.
	BoardsFile string
	// Every is how often each story is run. Zero: 10 s.
	Every time.Duration
	// Patience is how long a story may take. Zero: 8 s.
	Patience time.Duration
	// Controls are hosts and ports, or URLs, that have nothing to do with the
	// cloud, with commas between: when none answers, this place is blind.
	Controls string

	// Vantages are the other vantages that report here, as name=keyfile, with
	// commas between.
	Vantages string
	// StatusName is whose status page it is. Empty: the host of Public.
	// StatusPublic is the URL under which people read it, for links that last.
	// Empty: that of Listen. StatusExport is a folder that it is written to as
	// files, for a second host. Empty: it is not.
	StatusName, StatusPublic, StatusExport string
	// ReportTo is the URL of another watchtower that judges what is seen here, and
	// ReportKey the file of the key that reports are signed with.
	ReportTo, ReportKey string
	// Heartbeat is a URL outside that is asked every 30 s while all is well here.
	Heartbeat string

	// OwnersFile lists pages for the customers of owners of devices, in YAML. Empty:
	// there are none.
	OwnersFile string
	// Peers are URLs of other watchtowers, with commas between, that this one
	// looks at: when one is dead, people are paged. Empty: none.
	Peers string

	// Settings is the settings file, whose section notify says who is paged.
	// Empty: nobody is.
	Settings string

	Logger *slog.Logger
}

// FileWatchToken is the name of the canaries' token in the watchtower's folder.
const FileWatchToken = "token"

// SpareSuffix ends the name of the file of their second token.
const SpareSuffix = ".spare"

// WithDefaults fills in what was left empty.
func (o WatchOptions) WithDefaults() WatchOptions {
	for _, d := range []struct {
		to   *string
		what string
	}{
		{&o.Data, "cyan-watch"},
		{&o.Listen, "127.0.0.1:8090"},
		{&o.Vantage, "local"},
		{&o.API, "http://127.0.0.1:8080"},
		{&o.UDP, "127.0.0.1:" + portUDP},
		{&o.TCP, "127.0.0.1:" + portTCP},
		{&o.KeyUDP, filepath.Join("cyan-data", "keys", FilePubEC)},
		{&o.KeyTCP, filepath.Join("cyan-data", "keys", FilePubRSA)},
	} {
		if *d.to == "" {
			*d.to = d.what
		}
	}
	if o.TokenFile == "" {
		o.TokenFile = filepath.Join(o.Data, FileWatchToken)
	}
	if o.SpareFile == "" {
		o.SpareFile = o.TokenFile + SpareSuffix
	}
	if o.BoardsFile == "" {
		o.BoardsFile = filepath.Join(o.Data, boards.File)
	}
	if o.Public == "" {
		o.Public = o.API
	}
	o.API, o.Public = strings.TrimRight(o.API, "/"), strings.TrimRight(o.Public, "/")
	return o
}

// Watch is a watchtower.
type Watch struct {
	tower  *tower.Tower
	desk   *desk.Desk     // nil: this vantage reports to another
	oncall *oncall.Oncall // nil with it
	owners *owners.Owners // nil: nobody has a page of their own
	herald *herald.Herald // nil with it
	census *census.Census // nil: there is no token to ask the cloud with
	drills *drill.Room    // nil: no ingress is broken on purpose
	page   status.Page
	log    *slog.Logger
	// Unwatched says, a sentence each, what is not looked at, and what would
	// change that.
	Unwatched []string
}

// NewWatch opens a watchtower; nothing runs before Run.
func NewWatch(o WatchOptions) (*Watch, error) {
	o = o.WithDefaults()
	w := new(Watch)
	cfg := tower.Config{
		Data: o.Data, Listen: o.Listen, Vantage: o.Vantage, ReportTo: o.ReportTo, Heartbeat: o.Heartbeat, Logger: o.Logger,
		Canaries: canary.RunnerConfig{
			Canary: canary.Config{API: o.API, Public: o.Public, Deadline: o.Patience}, Interval: o.Every, Controls: list(o.Controls),
		},
	}
	for _, fill := range []func(*WatchOptions, *tower.Config) error{w.token, w.ways, w.person, w.boards, w.vantages, w.openDesk} {
		if err := fill(&o, &cfg); err != nil {
			return nil, err
		}
	}
	if len(cfg.Canaries.Controls) == 0 {
		w.Unwatched = append(w.Unwatched, "no control probes are set: an outage of this machine's own network will look like one of the cloud; --controls sets some")
	}
	var err error
	if w.tower, err = tower.New(cfg); err != nil && w.desk != nil {
		_ = w.desk.Close()
		_ = w.oncall.Close()
	}
	return w, err
}

// Run watches until ctx is done.
func (w *Watch) Run(ctx context.Context) error {
	if w.desk == nil {
		return w.tower.Run(ctx)
	}
	paging, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	paged := make(chan error, 1)
	go func() { paged <- w.oncall.Run(paging) }() // ends when the tower has
	var asking sync.WaitGroup
	if w.owners != nil {
		asking.Go(func() { w.owners.Run(paging) }) // likewise
		asking.Go(func() {                         // likewise
			if err := w.herald.Run(paging); err != nil {
				w.log.Error("what owners are told is not written down", "err", err)
			}
		})
	}
	defer asking.Wait()
	ctx, end := context.WithCancel(ctx)
	defer end()
	var counting sync.WaitGroup
	if w.census != nil {
		counting.Go(func() { w.census.Run(ctx) })
	}
	if w.drills != nil {
		counting.Go(func() { w.drills.Run(ctx) })
	}
	err := w.tower.Run(ctx)
	end()
	counting.Wait()
	stop()
	return errors.Join(err, <-paged, w.desk.Close())
}

// Addr is where the watchtower is reached.
func (w *Watch) Addr() string { return w.tower.Addr() }

// Stories lists what is watched, a line each.
func (w *Watch) Stories() []string { return w.tower.Stories() }

func (w *Watch) token(o *WatchOptions, cfg *tower.Config) error {
	text, err := os.ReadFile(o.TokenFile)
	if errors.Is(err, fs.ErrNotExist) {
		w.Unwatched = append(w.Unwatched, "devices, calls and events are not watched, for want of a token in "+o.TokenFile+": cyan canary init")
		return nil
	}
	cfg.Canaries.Canary.Token = strings.TrimSpace(string(text))
	if cfg.Canaries.Canary.Token != "" {
		cfg.Traffic = tower.NewCounter(o.API, cfg.Canaries.Canary.Token)
	}
	if err != nil {
		return err
	}
	spare, err := os.ReadFile(o.SpareFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	cfg.Canaries.Canary.Spare = strings.TrimSpace(string(spare))
	return err
}

func (w *Watch) ways(o *WatchOptions, cfg *tower.Config) error {
	for _, door := range []struct {
		transport           sim.Transport
		address, key, drill string
	}{{sim.UDP, o.UDP, o.KeyUDP, o.DrillUDP}, {sim.TCP, o.TCP, o.KeyTCP, o.DrillTCP}} {
		if door.address == "off" {
			w.Unwatched = append(w.Unwatched, "devices on "+strings.ToUpper(door.transport.String())+" are not watched: it is switched off")
			continue
		}
		if cfg.Canaries.Canary.Token == "" {
			continue
		}
		key, err := os.ReadFile(door.key)
		if err != nil {
			return fmt.Errorf("the server's public key for canaries on %s: %w", door.transport, err)
		}
		if block, _ := pem.Decode(key); block != nil {
			key = block.Bytes
		}
		cfg.Canaries.Ways = append(cfg.Canaries.Ways, canary.Way{
			Name: door.address + " " + door.transport.String(), Transport: door.transport, Address: door.address, ServerKey: key,
		})
		if door.drill != "" && door.drill != "off" {
			cfg.Canaries.Ways = append(cfg.Canaries.Ways, canary.Way{
				Name: door.drill + " " + door.transport.String() + " (drills)", Transport: door.transport, Address: door.drill, ServerKey: key, Drill: true,
			})
		}
	}
	return nil
}

func (w *Watch) person(o *WatchOptions, cfg *tower.Config) error {
	if o.Username == "" {
		w.Unwatched = append(w.Unwatched, "logging in is not watched: --canary-username and --canary-password-file of an account that does nothing else")
		return nil
	}
	password, err := os.ReadFile(o.PasswordFile)
	cfg.Canaries.Canary.Username, cfg.Canaries.Canary.Password = o.Username, strings.TrimRight(string(password), "\r\n")
	return err
}

func (w *Watch) vantages(o *WatchOptions, cfg *tower.Config) (err error) {
	if o.ReportTo != "" {
		if cfg.ReportKey, err = readKey(o.ReportKey); err != nil {
			return err
		}
	}
	cfg.Reporters = map[string][]byte{}
	for _, word := range list(o.Vantages) {
		name, file, ok := strings.Cut(word, "=")
		if !ok {
			return fmt.Errorf("vantages %q: want name=keyfile", word)
		}
		if cfg.Reporters[name], err = readKey(file); err != nil {
			return err
		}
	}
	return nil
}

// leastKey is how long a key of reports has to be, in bytes.
const leastKey = 16

func readKey(path string) ([]byte, error) {
	key, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("the key of reports: %w", err)
	}
	if key = bytes.TrimSpace(key); len(key) < leastKey {
		return nil, fmt.Errorf("%s: a key of reports has at least %d characters", path, leastKey)
	}
	return key, nil
}

// list takes apart what has commas between.
func list(text string) (out []string) {
	for word := range strings.SplitSeq(text, ",") {
		if word = strings.TrimSpace(word); word != "" {
			out = append(out, word)
		}
	}
	return out
}

// Notice is what a beacon says.
type Notice = tower.Notice

// Beacon looks at a watchtower until ctx is done. What it finds it gives to the
// function, posts to the URL tell, as JSON, and pages by the outlets of the
// settings file; each of them may be missing. Of the options it takes Data,
// Settings and Logger.
func Beacon(ctx context.Context, o WatchOptions, watchtower, tell string, said func(Notice)) (err error) {
	o = o.WithDefaults()
	b := tower.Beacon{Tower: watchtower}
	page := func(Notice) error { return nil }
	settings, err := pagerSettings(o.Settings)
	if err != nil {
		return err
	}
	if len(settings.Stages) > 0 {
		settings.DeadMan, settings.Escalate = nil, -1 // it has no page on which somebody could acknowledge
		kept, err := journal.Open[pager.Record](filepath.Join(o.Data, "beacon"), journal.Config{MaxAge: 400 * 24 * time.Hour, MaxBytes: 64 << 20})
		if err != nil {
			return err
		}
		p, err := pager.Open(pager.Config{Settings: settings, Log: o.Logger}, kept)
		if err != nil {
			return errors.Join(err, kept.Close())
		}
		paging, stop := context.WithCancel(ctx)
		var all sync.WaitGroup
		all.Go(func() { p.Run(paging) }) // ends below
		defer func() { stop(); all.Wait(); _ = kept.Close() }()
		b.Dead = oncall.PeerDead(p, watchtower)
		page = func(n Notice) error {
			if err := p.Notify(oncall.PeerNotice(&n)); !errors.Is(err, pager.ErrNoAlert) {
				return err
			}
			return nil
		}
	}
	b.Tell = func(ctx context.Context, n Notice) error {
		said(n)
		err := page(n)
		if tell != "" {
			err = errors.Join(err, deliver(ctx, tell, n))
		}
		return err
	}
	b.Run(ctx)
	return nil
}

// deliver posts a value as JSON.
func deliver(ctx context.Context, url string, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("%s answered %s", url, resp.Status)
	}
	return nil
}

// openDesk gives the watchtower its incidents, its maintenance and its page. A
// vantage that reports to another has none of them.
func (w *Watch) openDesk(o *WatchOptions, cfg *tower.Config) error {
	if o.ReportTo != "" {
		return nil
	}
	page := status.Page{Name: o.StatusName, URL: strings.TrimRight(o.StatusPublic, "/")}
	if u, err := url.Parse(o.Public); err == nil && page.Name == "" {
		page.Name = u.Host
	}
	if page.URL == "" {
		page.URL = "http://" + o.Listen
	}
	w.page, w.log = page, o.Logger
	if w.log == nil {
		w.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if err = w.openOncall(o, page.URL, cfg); err != nil {
		return err
	}
	w.desk, err = desk.Open(desk.Config{
		Data: o.Data, Page: page, Export: o.StatusExport, Logger: o.Logger, Told: w.told, Planned: w.oncall.Planned, Notes: w.notes,
		Recovery: w.recovery, Restarts: w.restarts,
	})
	if err != nil {
		return errors.Join(err, w.oncall.Close())
	}
	w.oncall.At(w.desk)
	if cfg.Traffic != nil {
		cfg.Traffic = overheard{cfg.Traffic, w.desk.Counted}
	}
	cfg.Trouble = w.oncall.Unwell
	if err := w.openOwners(o); err != nil {
		return errors.Join(err, w.desk.Close(), w.oncall.Close())
	}
	if token := cfg.Canaries.Canary.Token; token != "" {
		w.census = census.New(census.Config{
			API: o.API, Token: token, Since: w.desk.Started(), Coming: 2 * len(cfg.Canaries.Ways) * (1 + len(cfg.Reporters)), Logger: o.Logger,
		})
	}
	w.openDrills(o, cfg, page.URL)
	cfg.Outlets, cfg.Page = append(cfg.Outlets, w.desk), w.handler()
	return nil
}

// told passes on what has become of an incident.
func (w *Watch) told(change incident.Change) {
	w.oncall.Told(change)
	if w.herald != nil {
		w.herald.Rouse()
	}
}

// overheard is what the cloud counted, told to somebody else, too.
type overheard struct {
	from tower.Traffic
	tell func(*signal.Traffic)
}

// Traffic implements tower.Traffic.
func (o overheard) Traffic(ctx context.Context) (signal.Traffic, error) {
	t, err := o.from.Traffic(ctx)
	if err == nil {
		o.tell(&t)
	}
	return t, err
}

// recovery is how the devices are doing that an open incident hit.
func (w *Watch) recovery(began, fixed time.Time) incident.Recovery {
	if w.census == nil {
		return incident.Recovery{}
	}
	return w.census.Recovery(began, fixed)
}

// restarts is how often the cloud has started anew.
func (w *Watch) restarts() status.Restarts {
	if w.census == nil {
		return status.Restarts{}
	}
	return w.census.Restarts()
}

// notes are what a reader of the page should know of the watchtower itself,
// the worst first.
func (w *Watch) notes() []string {
	var list []string
	for _, note := range []string{w.oncall.Note(), w.oncall.DrillNote()} {
		if note != "" {
			list = append(list, note)
		}
	}
	return append(list, w.Unwatched...)
}

// openDrills follows drills, where there is an ingress that is broken on
// purpose.
func (w *Watch) openDrills(o *WatchOptions, cfg *tower.Config, page string) {
	if !slices.ContainsFunc(cfg.Canaries.Ways, func(way canary.Way) bool { return way.Drill }) {
		return
	}
	w.drills = drill.New(drill.Config{
		API: o.API, Token: cfg.Canaries.Canary.Token, Page: page, Told: w.oncall.Exercised, Show: w.desk.Drilled, Logger: o.Logger,
	})
	cfg.Drill = w.drills
}

// rehearsal tells the room of drills, which is opened after the pagers, what
// became of its pages.
type rehearsal struct{ watch *Watch }

// Accepted implements oncall.Exercise.
func (r rehearsal) Accepted(id, outlet string, at time.Time) {
	if r.watch.drills != nil {
		r.watch.drills.Accepted(id, outlet, at)
	}
}

// boards has the list of real boards followed. It may name commands, so it is
// only ever read from this machine. One that is wrong at the start is an error;
// one that becomes wrong later is logged, and the boards before go on.
func (w *Watch) boards(o *WatchOptions, cfg *tower.Config) error {
	path := o.BoardsFile
	if _, err := boards.Read(path); err != nil {
		return err
	}
	cfg.Canaries.Boards = func() ([]canary.Board, error) { return boards.Read(path) }
	return nil
}
