package desk

import (
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/watch/hours"
	"github.com/cyan-cloud/cyan/watch/incident"
	"github.com/cyan-cloud/cyan/watch/journal"
	"github.com/cyan-cloud/cyan/watch/maintenance"
	"github.com/cyan-cloud/cyan/watch/signal"
	"github.com/cyan-cloud/cyan/watch/status"
)

// Config says what a desk goes by.
type Config struct {
	// Data is the watchtower's folder: the journal is in "desk", the key in
	// "desk.key", the days in "days.json", the hours in "hours.json".
	Data string
	// Page is whose page it is.
	Page status.Page
	// Told is called with each change of an incident, after it was written down.
	// It must not wait. nil: nobody is told.
	Told func(incident.Change)
	// Planned is called with each change of a window of maintenance, likewise.
	Planned func(maintenance.Change)
	// Recovery gives, at once, the newest count of the devices that were hit by
	// what began then and was fixed then; zero: it is not. nil: nobody counts.
	Recovery func(began, fixed time.Time) incident.Recovery
	// Restarts gives how often the cloud's processes have started. nil: unknown.
	Restarts func() status.Restarts
	// Notes gives what a reader of the page should know of the watchtower
	// itself, such as that it runs on the cloud's own machine. nil: nothing.
	Notes func() []string
	// Export is a folder that the page is written to as files, for a second host,
	// whenever it changes and every minute. Empty: it is not.
	Export string

	Logger *slog.Logger // nil: nothing is logged
}

// Record is a line of the journal; one of its fields is there.
type Record struct {
	Incident *incident.Change    `json:"incident,omitempty"`
	Window   *maintenance.Change `json:"window,omitempty"`
	Drill    *status.Drill       `json:"drill,omitempty"`
	Drawn    *Drawn              `json:"drawn,omitempty"`
}

// Desk keeps incidents and maintenance. Its methods are safe for concurrent
// use.
type Desk struct {
	// Set at Open.
	cfg     Config
	key     string
	journal *journal.Journal[Record]
	site    *status.Site
	routes  http.Handler

	mu     sync.Mutex // guards the rest
	book   *incident.Book
	plans  *maintenance.Calendar
	seen   memory
	days   status.History
	drill  *status.Drill
	diary  hours.Diary
	charts charts
	heirs  map[signal.Capability]int // failing when the desk was opened, and how many runs went well since
	shown  time.Time
	saved  time.Time
	judged time.Time // last
}

// keepFor and keepBytes bound the journal: two years of incidents.
const (
	keepFor   = 2 * 365 * 24 * time.Hour
	keepBytes = 256 << 20
)

// Open brings back what the journal kept. Close writes down what is left.
func Open(cfg Config) (*Desk, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	key, err := Key(cfg.Data)
	if err != nil {
		return nil, err
	}
	j, err := journal.Open[Record](filepath.Join(cfg.Data, "desk"), journal.Config{MaxAge: keepFor, MaxBytes: keepBytes})
	if err != nil {
		return nil, err
	}
	d := &Desk{
		cfg: cfg, key: key, journal: j, site: status.NewSite(), book: incident.NewBook(), plans: maintenance.New(),
		heirs: make(map[signal.Capability]int), seen: newMemory(),
	}
	d.routes = d.paths()
	if d.cfg.Page.Started.IsZero() {
		d.cfg.Page.Started = keyAge(cfg.Data)
	}
	if d.charts, err = openCharts(cfg.Data); err == nil {
		err = j.Replay(d.replay)
	}
	if err != nil {
		_ = j.Close()
		return nil, err
	}
	if d.drill != nil {
		d.drill.Going = false // nobody has followed it to its end
	}
	for c, s := range d.book.Severities() {
		if s > signal.Operational {
			d.heirs[c] = 0
		}
	}
	if d.days, err = readFile[status.History](d.daysFile()); err != nil {
		cfg.Logger.Warn("the days of the page begin anew", "err", err)
	}
	if d.diary, err = readFile[hours.Diary](d.diaryFile()); err != nil {
		cfg.Logger.Warn("what is done in each hour is counted anew", "err", err)
	}
	return d, nil
}

// Started is when this watchtower began to measure.
func (d *Desk) Started() time.Time { return d.cfg.Page.Started }

func (d *Desk) replay(r Record) error {
	switch {
	case r.Incident != nil:
		d.book.Replay(*r.Incident)
	case r.Window != nil:
		d.plans.Replay(*r.Window)
	case r.Drill != nil:
		d.drill = r.Drill
	case r.Drawn != nil:
		d.charts.done[r.Drawn.ID] = r.Drawn.Chart
	}
	return nil
}

// Close writes down what is left.
func (d *Desk) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.keepDiary()
	return errors.Join(replaceFile(d.daysFile(), &d.days), d.charts.minutes.Close(), d.journal.Close())
}

// Noted is a run of a canary.
func (d *Desk) Noted(r *signal.Result) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seen.note(r)
	d.plans.Saw(r)
	d.charts.memory.Saw(r)
	for _, reading := range r.Readings() {
		if n, heir := d.heirs[reading.Capability]; heir && reading.OK {
			d.heirs[reading.Capability] = n + 1
		} else if heir {
			d.heirs[reading.Capability] = 0
		}
	}
}

// Judged is called every second, with what has changed of the judgement.
func (d *Desk) Judged(now time.Time, changed []signal.Judgement) {
	d.mu.Lock()
	for _, j := range changed {
		delete(d.heirs, j.Capability)
	}
	changed = append(changed, d.freed(now)...)
	pass, windows := d.plans.Apply(now, changed)
	d.book.Measure(d.seen.looked(now))
	told := d.book.Apply(now, pass, d.recovery())
	d.judged = now
	d.write(told, windows)
	d.show(now, len(told)+len(windows) > 0)
	d.mu.Unlock()
	d.tell(told, windows)
}

// proven is how many runs in a row have to go well until what failed before a
// restart works: the judge, who began anew, has nothing to say of it.
const proven = 6

// freed gives the judgement of what failed before a restart and works since.
func (d *Desk) freed(now time.Time) []signal.Judgement {
	var list []signal.Judgement
	for _, c := range signal.Capabilities() {
		if n, heir := d.heirs[c]; heir && n >= proven {
			delete(d.heirs, c)
			list = append(list, signal.Judgement{At: now, Capability: c, By: signal.ByCanary, Tried: n})
		}
	}
	return list
}

func (d *Desk) recovery() incident.Recovery {
	if d.cfg.Recovery == nil {
		return incident.Recovery{}
	}
	return d.cfg.Recovery(d.book.Hit())
}

// Sight is when the judge was heard last, and since when nobody can tell how the
// cloud is; zero: somebody can.
func (d *Desk) Sight() (judged, blind time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.judged, d.book.Blind()
}

// Person does what a person asks for, with the book and the calendar, and sees
// to what it changed.
func (d *Desk) Person(do func(now time.Time, b *incident.Book, c *maintenance.Calendar) (Record, error)) (Record, error) {
	d.mu.Lock()
	now := time.Now().UTC()
	r, err := do(now, d.book, d.plans)
	var told []incident.Change
	var windows []maintenance.Change
	if err == nil {
		if r.Incident != nil {
			told = append(told, *r.Incident)
		}
		if r.Window != nil {
			windows = append(windows, *r.Window)
		}
		d.write(told, windows)
		d.show(now, true)
	}
	d.mu.Unlock()
	d.tell(told, windows)
	return r, err
}

// Accepted writes down that an outlet took a page for an incident.
func (d *Desk) Accepted(id, outlet string) error {
	_, err := d.Person(func(now time.Time, b *incident.Book, _ *maintenance.Calendar) (Record, error) {
		c, err := b.PageAccepted(now, id, outlet)
		return Record{Incident: &c}, err
	})
	return err
}

// Escalated writes down that somebody else is called because nobody has
// acknowledged an incident.
func (d *Desk) Escalated(id, text string) error {
	_, err := d.Person(func(now time.Time, b *incident.Book, _ *maintenance.Calendar) (Record, error) {
		c, err := b.Escalated(now, id, text)
		return Record{Incident: &c}, err
	})
	return err
}

// Acknowledge writes down that a person has taken an incident on.
func (d *Desk) Acknowledge(id, who string) error {
	_, err := d.Person(func(now time.Time, b *incident.Book, _ *maintenance.Calendar) (Record, error) {
		c, err := b.Acknowledge(now, id, who)
		return Record{Incident: &c}, err
	})
	return err
}

// Drilled writes down what came of an exercise.
func (d *Desk) Drilled(drill status.Drill) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.drill = &drill
	d.append(Record{Drill: &drill})
	d.show(time.Now(), true)
}

// write puts changes into the journal, and waits for the disk.
func (d *Desk) write(told []incident.Change, windows []maintenance.Change) {
	for i := range told {
		d.append(Record{Incident: &told[i]})
	}
	for i := range windows {
		d.append(Record{Window: &windows[i]})
	}
	if len(told)+len(windows) == 0 {
		return
	}
	if err := d.journal.Sync(); err != nil {
		d.cfg.Logger.Error("the journal of incidents is not on the disk", "err", err)
	}
}

// append fails open: a disk that is full keeps nobody from being told.
func (d *Desk) append(r Record) {
	if err := d.journal.Append(r); err != nil {
		d.cfg.Logger.Error("an incident's change is not written down", "err", err)
	}
}

func (d *Desk) tell(changes []incident.Change, windows []maintenance.Change) {
	if d.cfg.Told != nil {
		for _, c := range changes {
			d.cfg.Told(c)
		}
	}
	if d.cfg.Planned != nil {
		for _, c := range windows {
			d.cfg.Planned(c)
		}
	}
}
