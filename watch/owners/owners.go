package owners

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"

	pager "github.com/cyan-cloud/cyan/watch/notify"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// Page is one owner's.
type Page struct {
	Name  string // of what the owner makes, as customers know it
	Path  string // that the page is found by: 16 to 64 letters and digits that nobody guesses
	Token string // of the owner, with the scope devices:list and no other

	Cost    float64                // of a minute in which all devices are out, in whatever is counted; 0: not said
	Tell    []pager.OutletSettings // how the owner hears of the cloud; none: not at all
	Offline time.Duration          // and of devices that have been offline for so long; 0: not
}

// Read reads the file of pages. Tokens stand in files of their own.
func Read(path string) ([]Page, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var entries []struct {
		Name      string `yaml:"name"`
		Path      string `yaml:"path"`
		TokenFile string `yaml:"token-file"`

		Cost    float64                `yaml:"cost"`
		Tell    []pager.OutletSettings `yaml:"tell"`
		Offline time.Duration          `yaml:"offline"`
	}
	in := yaml.NewDecoder(bytes.NewReader(text))
	in.KnownFields(true)
	if err := in.Decode(&entries); err != nil {
		return nil, fmt.Errorf("owners: %s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	var pages []Page
	for _, e := range entries {
		token, err := os.ReadFile(e.TokenFile)
		if err != nil {
			return nil, fmt.Errorf("owners: the token of %q: %w", e.Name, err)
		}
		pages = append(pages, Page{e.Name, e.Path, strings.TrimSpace(string(token)), e.Cost, e.Tell, e.Offline})
	}
	return pages, nil
}

// Impacts tells which devices of an owner were hit in a stretch of time.
type Impacts interface {
	ImpactBetween(ctx context.Context, from, until time.Time) (rest.Impact, error)
}

// Config says whose pages there are. All must be set but for what says
// otherwise.
type Config struct {
	Pages []Page
	Data  string                     // the watchtower's folder: what is known is in "owners.json"
	Ask   func(token string) Impacts // asks the cloud with a token
	Seen  func() Seen                // what the watchtower knows, at once
	Every time.Duration              // between two questions to the cloud; zero: a minute

	Logger *slog.Logger // nil: nothing is logged
}

const (
	every  = time.Minute
	asking = 10 * time.Second
)

// Bounds of a page's path.
const (
	pathLeast = 16
	pathMost  = 64
)

// leastOffline is how long a device has to be offline before its owner is told:
// one that changes its network is, for a moment.
const leastOffline = time.Minute

// Owners keeps the pages. Its methods are safe for concurrent use.
type Owners struct {
	cfg Config

	mu    sync.Mutex
	known map[string]Known // guarded by mu; by path
}

// Open gives back what was known.
func Open(cfg Config) (*Owners, error) {
	if cfg.Every <= 0 {
		cfg.Every = every
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	taken := map[string]bool{}
	for i := range cfg.Pages {
		if err := cfg.Pages[i].check(); err != nil {
			return nil, err
		}
		if taken[cfg.Pages[i].Path] {
			return nil, fmt.Errorf("owners: two pages have the path of %q", cfg.Pages[i].Name)
		}
		taken[cfg.Pages[i].Path] = true
	}
	o := &Owners{cfg: cfg, known: map[string]Known{}}
	text, err := os.ReadFile(o.file())
	if errors.Is(err, fs.ErrNotExist) {
		return o, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &o.known)
	}
	if err != nil {
		cfg.Logger.Warn("what was known of owners' devices begins anew", "err", err)
		o.known = map[string]Known{}
	}
	return o, nil
}

func (p *Page) check() error {
	switch {
	case strings.TrimSpace(p.Name) == "":
		return errors.New("owners: a page has no name")
	case p.Cost < 0 || math.IsInf(p.Cost, 0) || math.IsNaN(p.Cost):
		return fmt.Errorf("owners: the cost of %q: a number that is not below 0", p.Name)
	case p.Offline != 0 && (p.Offline < leastOffline || len(p.Tell) == 0):
		return fmt.Errorf("owners: offline of %q: at least %s, and with outlets to tell it by", p.Name, leastOffline)
	case p.Token == "":
		return fmt.Errorf("owners: the page of %q has no token", p.Name)
	case len(p.Path) < pathLeast || len(p.Path) > pathMost || strings.Trim(p.Path, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") != "":
		return fmt.Errorf("owners: the path of %q: %d to %d letters and digits, such as openssl rand -hex 16 gives", p.Name, pathLeast, pathMost)
	}
	return nil
}

func (o *Owners) file() string { return filepath.Join(o.cfg.Data, "owners.json") }

// Run asks the cloud until ctx is done.
func (o *Owners) Run(ctx context.Context) {
	tick := time.NewTicker(o.cfg.Every)
	defer tick.Stop()
	for {
		for i := range o.cfg.Pages {
			o.Learn(ctx, &o.cfg.Pages[i])
		}
		if err := o.save(); err != nil {
			o.cfg.Logger.Error("what is known of owners' devices is not written down", "err", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// Learn asks how one owner's devices are. A cloud that does not answer leaves
// what it told last.
func (o *Owners) Learn(ctx context.Context, p *Page) {
	now := time.Now()
	seen := o.cfg.Seen()
	from, asked := now.Add(-o.cfg.Every), ""
	if i := seen.open(); i != nil {
		from, asked = i.Began, i.ID
	}
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	v, err := o.cfg.Ask(p.Token).ImpactBetween(ctx, from, time.Time{})
	if err != nil {
		o.cfg.Logger.Debug("the devices of an owner", "owner", p.Name, "err", err)
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.known[p.Path] = Known{now.UTC(), v.Devices, asked, v.Hit, v.Back}
}

// save replaces the file whole.
func (o *Owners) save() error {
	o.mu.Lock()
	text, err := json.Marshal(o.known)
	o.mu.Unlock()
	if err != nil {
		return err
	}
	next := o.file() + ".next"
	if err := os.WriteFile(next, text, 0o600); err != nil {
		return err
	}
	return os.Rename(next, o.file())
}

// Known is what the cloud told last of an owner's devices.
func (o *Owners) Known(path string) Known {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.known[path]
}

// view gives a page as it is now; false: there is none.
func (o *Owners) view(path string, now time.Time) (View, bool) {
	for i := range o.cfg.Pages {
		if p := &o.cfg.Pages[i]; p.Path == path {
			o.mu.Lock()
			k := o.known[path]
			o.mu.Unlock()
			return Of(p.Name, k, o.cfg.Seen(), now), true
		}
	}
	return View{}, false
}
