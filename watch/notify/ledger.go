package notify

import (
	"errors"
	"slices"
	"time"

	"github.com/cyan-cloud/cyan/watch/rota"
)

// The rules of delivery.
const (
	patience   = 10 * time.Second // until the next stage hears of a page that nobody has taken
	escalate   = 5 * time.Minute  // until the next stage is called because nobody says that they have it
	tryFor     = time.Hour        // how long an outlet is asked, at trySteady
	trySteady  = 30 * time.Second // between tries, after the first ones
	trySlowly  = 5 * time.Minute  // between tries of a page that nobody has taken, after tryFor
	updateGap  = 30 * time.Second // least time between updates of an alert to an outlet
	paceWindow = 65 * time.Second // a minute, as the provider's clock may see it
	maxBusy    = 8                // tries of an outlet at once: one that hangs does not hold up the others
	maxProof   = 64               // receipts kept in memory for an alert; the journal has all
	testLasts  = 5 * time.Minute  // then a test is over by itself
	keepClosed = 7 * 24 * time.Hour
)

// tryGaps are the times between the first tries: at 0, 1, 3 and 9 s.
var tryGaps = []time.Duration{time.Second, 2 * time.Second, 6 * time.Second}

// Errors of notices that nothing can be done with.
var (
	ErrKnown   = errors.New("notify: this notice is known")
	ErrNoAlert = errors.New("notify: no such open alert")
	ErrNotice  = errors.New("notify: a notice needs an id, a key of 1 to 255 bytes, a kind, and a summary unless it only acknowledges or resolves")
)

// ledger knows what has to be sent where and when. It has no clock: every
// method is told the time. Lists keep their order, so that the same records
// always make the same ledger.
type ledger struct {
	stages   [][]string // names of outlets, and of lines of the rota
	inform   []string   // told of everything, and count for nothing
	low      []string   // told of what wakes nobody; empty: the first stage is
	rota     *rota.Rota // nil: there is none
	patience time.Duration
	escalate time.Duration // below 0: never
	quiet    Quiet
	outlets  map[string]*outletState

	alerts []*alert // oldest first
	byKey  map[string]*alert
	seen   map[string]bool // ids of notices

	fallbacks, escalations int  // since the journal begins
	paged                  Took // from an alert's opening to the first outlet that took a page of it
}

// outletState is what became of an outlet lately.
type outletState struct {
	takes  func(Kind) bool
	pace   int
	recent []time.Time // tries of the last minute
	busy   int
	paused time.Time // it asked not to be asked before
	gone   bool      // it said that it takes nothing any more

	accepted, refused int
	retried, lost     int
	took              Took      // from being asked first to having taken a page
	last              time.Time // it took something
	lastWords         string
	failing           string // what its last try ended with; empty: it went well
	failed            time.Time
}

// alert is everything under one key.
type alert struct {
	key      string
	ids      []string // of its notices
	trigger  Notice   // with the newest content
	opened   time.Time
	held     time.Time // not before: quiet hours
	acked    *Ack
	resolved time.Time
	change   bool // not an alert at all

	stage    int      // the last one begun; -1: none
	called   []string // its outlets
	stageAt  time.Time
	calling  bool      // since the last call nobody has taken a page
	calls    int       // stages called because nobody said that they have it
	accepted time.Time // by an outlet that pages; zero: nobody knows yet
	legs     []*leg
	proof    []Proof
	lost     []Loss
}

// leg is an alert's way to one outlet, on which notices keep their order.
type leg struct {
	outlet string
	pages  bool        // counts as having told somebody
	queue  []*delivery // the first is being tried
	told   bool        // the outlet may know of the alert: it was asked at least once
	taken  bool        // the outlet knows of the alert
	sent   time.Time   // last try, for the gap between updates
}

// delivery is a notice on its way.
type delivery struct {
	notice    Notice
	asked     time.Time // when it was put on its way
	begun     time.Time
	next      time.Time
	held      time.Time // not before: quiet hours
	tries     int
	attempted bool // ever: its content is fixed
	busy      bool
	words     string // why it was refused
}

// job is a delivery to try now.
type job struct {
	outlet string
	pages  bool
	notice Notice
}

// admit tells whether a notice can be taken.
func (l *ledger) admit(n *Notice) error {
	a := l.byKey[n.Key]
	switch {
	case l.seen[n.ID]:
		return ErrKnown
	case n.ID == "" || n.Key == "" || len(n.Key) > maxKey:
		return ErrNotice
	case n.Kind == Acknowledge || n.Kind == Resolve || n.Kind == Update:
		if a == nil || !a.resolved.IsZero() || a.change {
			return ErrNoAlert
		}
		if n.Kind == Update && n.Summary == "" {
			return ErrNotice
		}
	case (n.Kind != Trigger && n.Kind != Change) || n.Summary == "":
		return ErrNotice
	}
	return nil
}

// apply takes a record in. Live and replayed records go the same way.
func (l *ledger) apply(r Record) {
	switch r.Did {
	case Noted:
		if r.Notice != nil && l.admit(r.Notice) == nil {
			l.note(*r.Notice, r.At)
		}
	case Tried:
		if g, d := l.find(r); d != nil {
			d.tries, d.attempted, d.busy, g.told, g.sent = d.tries+1, true, true, true, r.At
			o := l.outlets[g.outlet]
			if d.tries > 1 {
				o.retried++
			}
			o.busy++
			o.recent = append(o.recent, r.At)
		}
	case Accepted:
		l.accept(r)
	case Refused:
		l.refuse(r)
	case Escalated:
		l.escalated(r)
	}
}

// find gives the leg and the delivery that a record is about. A record from
// before a restart may be about a stage that this ledger has yet to begin.
func (l *ledger) find(r Record) (*leg, *delivery) {
	a := l.byKey[r.Key]
	if a == nil || l.outlets[r.Outlet] == nil {
		return nil, nil
	}
	for !a.change && a.stage < len(l.stages)-1 && a.ahead(r) && l.toCome(a, r) {
		l.begin(a, r.At)
	}
	g := a.leg(r.Outlet)
	if g == nil || len(g.queue) == 0 || g.queue[0].notice.ID != r.ID {
		return nil, nil
	}
	return g, g.queue[0]
}

func (a *alert) leg(outlet string) *leg {
	for _, g := range a.legs {
		if g.outlet == outlet {
			return g
		}
	}
	return nil
}

// ahead tells whether a record is about a page that has yet to be put on its
// way.
func (a *alert) ahead(r Record) bool {
	g := a.leg(r.Outlet)
	return g == nil || a.calls > 0 && r.ID == a.reminder() && !slices.ContainsFunc(g.queue, func(d *delivery) bool { return d.notice.ID == r.ID })
}

func (l *ledger) accept(r Record) {
	o := l.outlets[r.Outlet]
	if o == nil || r.Receipt == nil {
		return
	}
	o.accepted, o.last, o.lastWords, o.failing, o.gone = o.accepted+1, r.At, r.Receipt.Words, "", false
	g, d := l.find(r)
	if d == nil {
		return
	}
	if d.busy {
		o.busy--
	}
	a := l.byKey[r.Key]
	a.proof = append(a.proof, Proof{Outlet: r.Outlet, Kind: d.notice.Kind, ID: r.ID, Receipt: *r.Receipt})
	a.proof = a.proof[max(0, len(a.proof)-maxProof):]
	if d.notice.Kind.pages() && g.pages {
		o.took.add(r.At.Sub(d.asked))
		if a.calling = false; a.accepted.IsZero() {
			a.accepted = r.At
			if !a.trigger.Test {
				l.paged.add(r.At.Sub(a.opened))
			}
		}
	}
	g.taken = g.taken || d.notice.Kind == Trigger
	g.pop(r.At)
	a.settle(r.At)
}

// pop ends the first delivery, and lets the next one begin.
func (g *leg) pop(now time.Time) {
	g.queue = g.queue[1:]
	if len(g.queue) > 0 {
		d := g.queue[0]
		d.begun, d.next = now, now
		if d.notice.Kind == Update {
			d.next = later(now, g.sent.Add(updateGap))
		}
	}
}

func (l *ledger) refuse(r Record) {
	o := l.outlets[r.Outlet]
	if o == nil {
		return
	}
	o.refused, o.failing, o.failed = o.refused+1, r.Words, r.At
	o.gone = o.gone || r.Gone
	if r.Wait > 0 {
		o.paused = later(o.paused, r.At.Add(min(r.Wait, maxRetryAfter)))
	}
	g, d := l.find(r)
	if d == nil {
		return
	}
	if d.busy {
		o.busy--
	}
	d.busy, d.words = false, r.Words
	a := l.byKey[r.Key]
	unheard := a.accepted.IsZero() && a.acked == nil && d.notice.Kind.pages() && g.pages
	switch expired := r.At.Sub(d.begun) >= tryFor; {
	case r.Final || r.Gone || expired && !unheard:
		l.lose(a, g, d, r.At)
	case expired:
		d.next = r.At.Add(trySlowly)
	case d.tries <= len(tryGaps):
		d.next = r.At.Add(tryGaps[max(0, d.tries-1)])
	default:
		d.next = r.At.Add(trySteady)
	}
	a.settle(r.At)
}

// lose gives a delivery up, and remembers that.
func (l *ledger) lose(a *alert, g *leg, d *delivery, now time.Time) {
	l.regret(a, Loss{Outlet: g.outlet, Kind: d.notice.Kind, ID: d.notice.ID, At: now, Words: d.words})
	g.pop(now)
}

func (l *ledger) regret(a *alert, what Loss) {
	l.outlets[what.Outlet].lost++
	a.lost = append(a.lost, what)
	a.lost = a.lost[max(0, len(a.lost)-maxProof):]
}

// revive lets everything that was under way when the process ended be tried
// again at once, with its full time.
func (l *ledger) revive(now time.Time) {
	for _, o := range l.outlets {
		o.busy = 0
	}
	for _, a := range l.alerts {
		for _, g := range a.legs {
			for _, d := range g.queue {
				d.busy, d.tries, d.begun = false, 0, now
				if d.next.After(now) || d.notice.Kind != Update {
					d.next = later(now, d.held)
				}
			}
		}
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
