package drill

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/client"
	"github.com/cyan-cloud/cyan/watch/incident"
	"github.com/cyan-cloud/cyan/watch/signal"
	"github.com/cyan-cloud/cyan/watch/status"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// Config says whom a room asks and tells.
type Config struct {
	// API is the URL of the cloud, Token one with the scope signals:read.
	API, Token string
	Page       string // URL of the status page
	// Told is called with each change of the incident of a drill, Show with how
	// it stands when that has changed: when it returns, the page shows it. Neither
	// may call the room.
	Told func(incident.Change)
	Show func(status.Drill)

	Logger *slog.Logger // nil: nothing is logged
}

const (
	askEvery = 3 * time.Second
	askMost  = 5 * time.Second // how long the cloud may take to answer
	// late is how long after its end a drill that nobody noticed is waited for.
	late = 2 * time.Minute
)

// Room follows drills. It is an outlet of the tower; its methods are safe for
// concurrent use.
type Room struct {
	// Set at New.
	cfg Config
	api *client.Client

	mu     sync.Mutex // guards what follows
	book   *incident.Book
	now    exercise
	before []judged        // of a drill that has not been heard of yet
	known  map[string]bool // drills that are over, by id
}

// exercise is the drill that goes on; its id is empty when none does.
type exercise struct {
	status.Drill
	until    time.Time       // when the fault ends by itself, by this clock
	ended    time.Time       // when it was heard that it has; zero: it has not
	incident string          // empty: not noticed
	ways     map[string]bool // that were hit, and whether their canaries answer
	counted  time.Time       // when the last of them did
}

// judged is a judgement that waits.
type judged struct {
	at      time.Time
	verdict signal.Judgement
}

// New makes a room in which nothing goes on.
func New(cfg Config) *Room {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Room{
		cfg: cfg, api: client.New(client.Config{URL: cfg.API, Token: cfg.Token, UserAgent: "cyan-watch", HTTP: &http.Client{}}),
		book: incident.NewBook(), known: map[string]bool{},
	}
}

// Run asks the cloud which drill goes on, until ctx is done.
func (r *Room) Run(ctx context.Context) {
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for {
		asking, cancel := context.WithTimeout(ctx, askMost)
		list, err := r.api.Drills(asking)
		cancel()
		if err == nil {
			r.Heard(time.Now(), list.Drills)
		} else if ctx.Err() == nil {
			r.cfg.Logger.Debug("the cloud does not say whether there is a drill", "err", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// Heard takes what the cloud says of drills, newest first. Its clock may be
// another than this one: what counts is how long ago it began.
func (r *Room) Heard(now time.Time, list []rest.Drill) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range list {
		d := &list[i]
		switch {
		case d.ID == r.now.ID && r.now.ID != "":
			if !d.Ended.IsZero() && r.now.ended.IsZero() {
				r.now.ended = now
			}
		case d.Ended.IsZero() && !r.known[d.ID] && r.now.ID == "":
			r.begin(now, d)
		}
	}
}

// begin begins to follow a drill. The caller holds mu.
func (r *Room) begin(now time.Time, d *rest.Drill) {
	began := now.Add(-time.Duration(d.Ago * float64(time.Second)))
	r.now = exercise{
		Drill: status.Drill{ID: d.ID, Kind: d.Kind, By: string(d.Author), At: began.UTC(), Going: true},
		until: began.Add(d.Until.Sub(d.Began.Time)), ways: map[string]bool{},
	}
	r.known[d.ID] = true
	r.cfg.Logger.Info("a drill goes on", "drill", d.ID, "kind", d.Kind, "author", r.now.By)
	r.cfg.Show(r.now.Drill)
	for _, j := range r.before {
		if j.at.After(began) {
			r.apply(j.at, []signal.Judgement{j.verdict})
		}
	}
	r.before = nil
}

// Noted is a run of a canary at the ingress.
func (r *Room) Noted(x *signal.Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.now.ID == "" || x.Started.Before(r.now.At) || x.Blind {
		return
	}
	way := x.Vantage + " " + x.Ingress
	if _, hit := r.now.ways[way]; hit || !x.OK {
		r.now.ways[way] = x.OK
	}
	if x.OK {
		r.now.counted = x.Ended
	}
}

// Judged is called every second, with what has changed of the judgement.
func (r *Room) Judged(now time.Time, changed []signal.Judgement) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.now.ID == "" {
		for _, v := range changed { // the cloud may say in a moment that it is a drill
			r.before = append(r.before, judged{now, v})
		}
		r.before = r.before[max(0, len(r.before)-64):]
		return
	}
	r.apply(now, changed)
	if r.unnoticed(now) {
		r.over()
	}
}

// apply gives judgements to the book, and tells what came of it. The caller
// holds mu.
func (r *Room) apply(now time.Time, changed []signal.Judgement) {
	e := &r.now
	before := e.Drill
	var told []incident.Change
	for _, c := range r.book.Apply(now, changed, e.recovery()) {
		if c.Incident.ID == "" {
			continue // that a vantage is blind is the page's matter
		}
		c.Incident.Drill = e.ID
		after := seconds(c.At.Sub(e.At))
		switch c.Kind {
		case incident.Opened:
			e.incident, e.Detected = c.Incident.ID, after
		case incident.Closed:
			e.Resolved, e.Going = after, false
		}
		told = append(told, c)
	}
	if e.Drill != before {
		r.cfg.Show(e.Drill)
		if e.Published == 0 && e.Detected > 0 {
			e.Published = seconds(time.Since(e.At))
			if c, err := r.book.Published(time.Now(), e.incident, r.cfg.Page); err == nil {
				c.Incident.Drill = e.ID
				told = append(told, c)
			}
			r.cfg.Show(e.Drill)
		}
	}
	for _, c := range told {
		r.cfg.Told(c)
	}
	if !e.Going {
		r.over()
	}
}

// Accepted takes note that an outlet took the page of a drill's incident.
func (r *Room) Accepted(id, outlet string, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if id != r.now.incident || r.now.Paged > 0 || r.now.ID == "" {
		return
	}
	r.now.Paged = seconds(at.Sub(r.now.At))
	_, _ = r.book.PageAccepted(at, id, outlet) // it knows the incident
	r.cfg.Show(r.now.Drill)
}

// unnoticed tells that the fault ended long ago, and nobody has noticed it.
func (r *Room) unnoticed(now time.Time) bool {
	e := &r.now
	end := e.ended
	if end.IsZero() {
		end = e.until
	}
	return e.ID != "" && e.Detected == 0 && now.Sub(end) > late
}

// over ends the exercise. The caller holds mu.
func (r *Room) over() {
	if r.now.Going {
		r.now.Going = false
		r.cfg.Show(r.now.Drill)
	}
	r.cfg.Logger.Info("a drill is over", "drill", r.now.ID, "detected_s", r.now.Detected, "paged_s", r.now.Paged,
		"published_s", r.now.Published, "resolved_s", r.now.Resolved)
	r.now = exercise{}
	r.book = incident.NewBook()
}

// recovery counts the ways in that were hit, and those whose canaries answer
// again: they make the whole journey.
func (e *exercise) recovery() (n incident.Recovery) {
	if e.counted.IsZero() || len(e.ways) == 0 {
		return n
	}
	n = incident.Recovery{At: e.counted, Affected: len(e.ways)}
	for _, answers := range e.ways {
		if answers {
			n.Connected++
			n.Answering++
		} else {
			n.Missing++
		}
	}
	return n
}

// seconds are to the millisecond, and never none.
func seconds(d time.Duration) float64 {
	return max(d, time.Millisecond).Round(time.Millisecond).Seconds()
}
