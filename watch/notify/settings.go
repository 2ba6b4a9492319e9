package notify

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/cyan-cloud/cyan/watch/rota"
)

// Settings is the section "notify" of the settings file; docs/guide/watchtower.md
// shows it. The zero value pages nobody, and its status is red.
type Settings struct {
	URL      string                    `yaml:"url"`      // where people reach the watchtower, for links; empty: no links
	Patience time.Duration             `yaml:"patience"` // until the next stage hears of it too; 0: 10 s
	Escalate time.Duration             `yaml:"escalate"` // until the next stage is called because nobody says that they have it, round and round; 0: 5 min, below 0: never
	Stages   [][]string                `yaml:"stages"`   // names of outlets that page, and lines of the rota: rota/first
	Low      []string                  `yaml:"low"`      // the same, of who hears what wakes nobody; empty: the first stage
	Inform   []string                  `yaml:"inform"`   // names of outlets that hear everything and page nobody
	Outlets  map[string]OutletSettings `yaml:"outlets"`
	DeadMan  []SwitchSettings          `yaml:"deadman"`
	Quiet    QuietSettings             `yaml:"quiet"`
	Rota     rota.Settings             `yaml:"rota"`
	Drills   time.Duration             `yaml:"drills"` // so old the last drill may be until somebody is reminded; 0: 90 days, below 0: nobody is
}

// OutletSettings describes an outlet. Type says which of the other fields mean
// something. Values marked as secret may be "env:NAME" or "file:/path".
type OutletSettings struct {
	Type    string        `yaml:"type"`    // pagerduty, webhook or mail
	Timeout time.Duration `yaml:"timeout"` // of a try; 0: 10 s, of mail 20 s

	RoutingKey string `yaml:"routing_key"` // pagerduty: the integration's key (secret)
	Region     string `yaml:"region"`      // pagerduty: us (empty) or eu
	URL        string `yaml:"url"`         // webhook; pagerduty: another host, for tests

	WebhookSecrets []string `yaml:"webhook_secrets"` // pagerduty: of webhooks that come from there, two while they are rotated (secret)

	Secrets      []string `yaml:"secrets"`       // webhook: whsec_… or whsk_…, two while they are rotated (secret)
	AllowPrivate bool     `yaml:"allow_private"` // webhook: may reach addresses that are not public

	Server   string   `yaml:"server"`   // mail: host:port
	TLS      string   `yaml:"tls"`      // mail: starttls (empty), implicit or none
	Username string   `yaml:"username"` // mail: empty: without authentication
	Password string   `yaml:"password"` // mail (secret)
	From     string   `yaml:"from"`     // mail
	To       []string `yaml:"to"`       // mail: each gets one of their own
	Changes  bool     `yaml:"changes"`  // mail: hear of deploys and maintenance too
	Leave    string   `yaml:"leave"`    // mail: https page that ends the subscription; empty: none
}

// SwitchSettings describes a dead man's switch: a URL that wants to hear from
// us, in the grammar of healthchecks.io.
type SwitchSettings struct {
	Name  string        `yaml:"name"`  // empty: the URL's host
	URL   string        `yaml:"url"`   // (secret)
	Every time.Duration `yaml:"every"` // 0: 30 s; at least 15 s, because hosted ones drop more than 5 a minute
}

// QuietSettings is a part of the day, such as from 22:00 until 07:00.
type QuietSettings struct {
	From  string `yaml:"from"`
	Until string `yaml:"until"`
	Zone  string `yaml:"zone"` // as in Europe/Berlin; must be given
}

// ParseSettings reads the settings file and gives its section "notify", checked.
// Other sections are none of its business.
func ParseSettings(file []byte) (Settings, error) {
	var whole struct {
		Notify yaml.Node `yaml:"notify"`
	}
	if err := yaml.Unmarshal(file, &whole); err != nil {
		return Settings{}, fmt.Errorf("notify: %s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	var s Settings
	if whole.Notify.IsZero() {
		return s, nil
	}
	if err := strict(&whole.Notify, &s); err != nil {
		return Settings{}, err
	}
	return s, s.Check()
}

// strict decodes a node, with unknown keys as errors. The decoder of the
// library is strict only with text, so the lines that it names are shifted.
func strict(node *yaml.Node, into *Settings) error {
	text, err := yaml.Marshal(node)
	if err != nil {
		return fmt.Errorf("notify: %w", err)
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	err = dec.Decode(into)
	if e, ok := errors.AsType[*yaml.TypeError](err); ok {
		words := make([]string, len(e.Errors))
		for i, w := range e.Errors {
			_, w, _ = strings.Cut(w, ": ")
			w, _, _ = strings.Cut(w, " in type ")
			words[i] = strings.Replace(w, "field ", "there is no setting ", 1)
			words[i] = strings.TrimSuffix(words[i], " not found")
		}
		return errors.New("notify: " + strings.Join(words, "; "))
	} else if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("notify: %s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	return nil
}

// Check says everything that is wrong with the settings, by name.
func (s *Settings) Check() error {
	errs, used := s.checkNames()
	for _, name := range slices.Sorted(maps.Keys(s.Outlets)) {
		if !used[name] {
			errs = append(errs, fmt.Errorf("notify: outlet %q stands in no stage and not in inform: it would hear nothing", name))
		}
		o := s.Outlets[name]
		if _, err := o.build(name, Config{Settings: *s}); err != nil {
			errs = append(errs, err)
		}
	}
	if s.URL != "" && !webPage(s.URL) {
		errs = append(errs, fmt.Errorf("notify: url: %q is no address of the web", s.URL))
	}
	errs = append(errs, s.checkTimes())
	for _, d := range s.DeadMan {
		if u, err := secret(d.URL); err != nil || !webPage(u) {
			errs = append(errs, fmt.Errorf("notify: deadman: %q is no address of the web", d.URL))
		}
		if d.Every != 0 && d.Every < leastEvery {
			errs = append(errs, fmt.Errorf("notify: deadman: every: at least %s", leastEvery))
		}
	}
	if _, err := s.Quiet.parse(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// checkNames says what is wrong with the names of outlets and of lines of the
// rota, and gives the outlets that hear something.
func (s *Settings) checkNames() (errs []error, used map[string]bool) {
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf("notify: "+format, args...)) }
	turns, broken := s.Rota.Rota()
	if broken != nil {
		wrong("%w", broken)
	}
	used = map[string]bool{}
	for _, name := range append(turns.All(), s.Low...) {
		used[name] = true
		if _, ok := s.Outlets[name]; !ok && !turns.Has(lineOf(name)) {
			wrong("there is no outlet %q, which the rota or low names", name)
		}
	}
	paging := map[string]bool{}
	for i, name := range append(slices.Concat(s.Stages...), s.Inform...) {
		if line := lineOf(name); line != "" {
			if broken == nil && !turns.Has(line) {
				wrong("the rota has no line %q, which a stage names", line)
			}
			continue
		}
		if _, ok := s.Outlets[name]; !ok {
			wrong("there is no outlet %q, which a stage or inform names", name)
		}
		if paging[name] && i < len(slices.Concat(s.Stages...)) {
			wrong("outlet %q stands in two stages", name)
		}
		used[name], paging[name] = true, true
	}
	return errs, used
}

// checkTimes says what is wrong with when the next stage hears of a page.
func (s *Settings) checkTimes() error {
	least := cmp.Or(s.Patience, patience)
	switch {
	case s.Patience < 0 || s.Patience > time.Hour:
		return fmt.Errorf("notify: patience: %s is not between 0 and 1h", s.Patience)
	case s.Escalate > 0 && (s.Escalate < least || s.Escalate > 24*time.Hour):
		return fmt.Errorf("notify: escalate: %s is not between patience (%s) and 24h", s.Escalate, least)
	}
	return nil
}

// build makes the outlets.
func (s *Settings) build(config Config) (map[string]Outlet, error) {
	outlets := map[string]Outlet{}
	for name, o := range s.Outlets {
		made, err := o.build(name, config)
		if err != nil {
			return nil, err
		}
		outlets[name] = made
	}
	maps.Copy(outlets, config.Outlets)
	return outlets, nil
}

// NewOutlet makes one outlet; of config only Transport matters.
func NewOutlet(name string, o OutletSettings, config Config) (Outlet, error) {
	return o.build(name, config)
}

func (o *OutletSettings) build(name string, config Config) (Outlet, error) {
	var made Outlet
	var err error
	switch o.Type {
	case "pagerduty":
		made, err = newPagerDuty(o, config)
	case "webhook":
		made, err = newWebhook(o, config)
	case "mail":
		made, err = newMail(o)
	case "":
		err = errors.New("type is missing: pagerduty, webhook or mail")
	default:
		err = fmt.Errorf("type: there is no %q, only pagerduty, webhook and mail", o.Type)
	}
	if err != nil {
		return nil, fmt.Errorf("notify: outlet %q: %w", name, err)
	}
	return made, nil
}

// ledger makes an empty ledger for the outlets.
func (s *Settings) ledger(outlets map[string]Outlet) *ledger {
	quiet, _ := s.Quiet.parse()
	turns, _ := s.Rota.Rota() // Check has looked
	l := &ledger{
		stages: s.Stages, inform: s.Inform, low: s.Low, rota: turns, patience: cmp.Or(s.Patience, patience), escalate: cmp.Or(s.Escalate, escalate), quiet: quiet,
		outlets: map[string]*outletState{}, byKey: map[string]*alert{}, seen: map[string]bool{},
	}
	for name, o := range outlets {
		l.outlets[name] = &outletState{takes: o.Takes, pace: o.Pace()}
	}
	return l
}

// timeout is how long a try of an outlet may take.
func (s *Settings) timeout(outlet string) time.Duration {
	o := s.Outlets[outlet]
	switch {
	case o.Timeout > 0:
		return o.Timeout
	case o.Type == "mail":
		return 20 * time.Second
	default:
		return 10 * time.Second
	}
}

func (q *QuietSettings) parse() (Quiet, error) {
	if *q == (QuietSettings{}) {
		return Quiet{}, nil
	}
	var at [2]time.Duration
	for i, text := range []string{q.From, q.Until} {
		t, err := time.Parse("15:04", text)
		if err != nil {
			return Quiet{}, fmt.Errorf("notify: quiet: %q is no time of day such as 22:00", text)
		}
		at[i] = time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
	}
	zone, err := time.LoadLocation(q.Zone)
	if err != nil || q.Zone == "" {
		return Quiet{}, fmt.Errorf("notify: quiet: zone: %q is no time zone such as Europe/Berlin", q.Zone)
	}
	return Quiet{From: at[0], Until: at[1], Zone: zone}, nil
}

// secret reads a value that may stand elsewhere: env:NAME or file:/path.
func secret(value string) (string, error) {
	if name, ok := strings.CutPrefix(value, "env:"); ok {
		if v := os.Getenv(name); v != "" {
			return v, nil
		}
		return "", fmt.Errorf("the environment has no %s", name)
	}
	if path, ok := strings.CutPrefix(value, "file:"); ok {
		text, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		return strings.TrimSpace(string(text)), nil
	}
	return value, nil
}

// host is the part of a URL that may be shown: the rest can be a secret.
func host(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "?"
	}
	return u.Host
}
