package notify

import (
	"slices"
	"time"

	"github.com/cyan-cloud/cyan/watch/rota"
)

// note plans the deliveries of a new notice.
func (l *ledger) note(n Notice, now time.Time) {
	l.forget(now)
	a := l.byKey[n.Key]
	defer func() {
		l.seen[n.ID] = true
		a.ids = append(a.ids, n.ID)
	}()
	switch n.Kind {
	case Change:
		a = l.open(n, now)
		a.change, a.stage = true, len(l.stages)
		for _, name := range l.people(append(slices.Concat(l.stages...), l.inform...), now) {
			l.join(a, name, false, n, now)
		}
	case Trigger:
		if a != nil && a.resolved.IsZero() {
			n.Kind = Update
			l.update(a, n, now)
			return
		}
		a = l.open(n, now)
		l.announce(a, n, now)
	case Update:
		l.update(a, n, now)
	case Acknowledge:
		a.acked = &Ack{Key: a.key, By: n.By, At: n.At}
		l.close(a, n, now)
	case Resolve:
		a.resolved = now
		l.close(a, n, now)
	}
}

// announce puts a new alert on its way: a test to everybody, what wakes nobody
// to those who hear such things, and the rest to the first stage.
func (l *ledger) announce(a *alert, n Notice, now time.Time) {
	a.held = l.quiet.until(n, now)
	informed := l.people(l.inform, now)
	for _, name := range informed {
		l.join(a, name, false, n, now)
	}
	switch {
	case n.Test:
		for range l.stages {
			l.begin(a, now)
		}
		for _, name := range l.everybody() { // those too who are not on call just now
			if a.leg(name) == nil {
				l.summon(a, name, now)
			}
		}
	case len(l.low) > 0 && !n.Severity.urgent():
		a.calling = false // nobody has to be found
		for _, name := range l.people(l.low, now) {
			if slices.Contains(informed, name) {
				continue
			}
			l.join(a, name, false, n, now)
			if g := a.leg(name); g != nil && len(g.queue) > 0 {
				d := g.queue[len(g.queue)-1]
				d.held, d.next = a.held, later(now, a.held)
			}
		}
		a.held = time.Time{}
	case a.held.IsZero():
		l.begin(a, now)
	}
}

// open makes the alert of a key, or opens it again; what is still on its way
// from before keeps its place.
func (l *ledger) open(n Notice, now time.Time) *alert {
	a := &alert{key: n.Key, trigger: n, opened: now, stage: -1, calling: true}
	if old := l.byKey[n.Key]; old != nil {
		a.ids, a.legs, a.proof, a.lost = old.ids, old.legs, old.proof, old.lost
		for _, g := range a.legs {
			g.taken = false
		}
		l.alerts = slices.DeleteFunc(l.alerts, func(x *alert) bool { return x == old })
	}
	l.byKey[n.Key] = a
	l.alerts = append(l.alerts, a)
	return a
}

// everybody lists all outlets once, those that page first; of the rota those
// too of who is not on call just now.
func (l *ledger) everybody() []string {
	var list []string
	for _, name := range slices.Concat(slices.Concat(l.stages...), []string{"rota/" + rota.Everybody}, l.inform, l.low) {
		if line := lineOf(name); line != "" {
			list = append(list, l.rota.All()...)
		} else {
			list = append(list, name)
		}
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(list, func(name string) bool { known := seen[name]; seen[name] = true; return known })
}

// begin tells the next stage.
func (l *ledger) begin(a *alert, now time.Time) {
	a.stage++
	a.stageAt = now
	if a.stage > 0 && !a.trigger.Test {
		l.fallbacks++
	}
	if a.stage < len(l.stages) {
		a.called = l.people(l.stages[a.stage], now)
		for _, name := range a.called {
			l.summon(a, name, now)
		}
	}
}

// join puts a notice on the way to an outlet.
func (l *ledger) join(a *alert, name string, pages bool, n Notice, now time.Time) {
	o := l.outlets[name]
	if o == nil || !o.takes(n.Kind) {
		return
	}
	g := a.leg(name)
	if g == nil {
		g = &leg{outlet: name}
		a.legs = append(a.legs, g)
	}
	g.pages = g.pages || pages
	if o.gone {
		l.regret(a, Loss{Outlet: name, Kind: n.Kind, ID: n.ID, At: now, Words: "it said earlier that it takes nothing any more"})
		return
	}
	d := &delivery{notice: n, asked: now, begun: now, next: now}
	if n.Kind == Update {
		// Only the latest news counts; what was tried already keeps its words.
		g.queue = slices.DeleteFunc(g.queue, func(d *delivery) bool { return d.notice.Kind == Update && !d.attempted })
		d.next = later(now, g.sent.Add(updateGap))
	}
	g.queue = append(g.queue, d)
}

// update tells news to all who know of the alert. Who has yet to be told of it
// is told the news right away.
func (l *ledger) update(a *alert, n Notice, now time.Time) {
	id, kind, test := a.trigger.ID, a.trigger.Kind, a.trigger.Test
	a.trigger = n
	a.trigger.ID, a.trigger.Kind, a.trigger.Test = id, kind, test
	for _, g := range a.legs {
		if len(g.queue) > 0 && g.queue[0].notice.Kind == Trigger && !g.queue[0].attempted {
			g.queue[0].notice = a.trigger
			continue
		}
		l.join(a, g.outlet, g.pages, n, now)
	}
	if a.stage < 0 && n.Severity.urgent() {
		a.held, a.calling = time.Time{}, true
		l.begin(a, now)
	}
}

// close tells those who know of the alert that somebody has it, or that it is
// over. A page that nobody took yet is not taken back for being over: it comes
// late, and in its order.
func (l *ledger) close(a *alert, n Notice, now time.Time) {
	heard := !a.accepted.IsZero() || a.acked != nil
	for _, g := range a.legs {
		g.queue = slices.DeleteFunc(g.queue, func(d *delivery) bool {
			switch d.notice.Kind {
			case Update, Acknowledge, Remind:
				return !d.busy
			case Trigger:
				return !d.busy && heard && g.pages
			default:
				return false
			}
		})
		if len(g.queue) > 0 || g.told {
			l.join(a, g.outlet, g.pages, n, now)
		}
	}
	a.settle(now)
}

// over tells whether nobody has to be found any more.
func (a *alert) over() bool { return !a.calling || a.acked != nil || !a.resolved.IsZero() }

// settle takes back pages that nobody need hear any more: a person has the
// alert, or knew of it and it is over. Who was never asked is told nothing.
func (a *alert) settle(now time.Time) {
	if a.acked == nil && (a.resolved.IsZero() || a.accepted.IsZero()) {
		return
	}
	for _, g := range a.legs {
		switch {
		case len(g.queue) == 0 || !g.pages || !g.queue[0].notice.Kind.pages() || g.queue[0].busy:
		case g.told:
			g.pop(now)
		default:
			g.queue = nil
		}
	}
}

// due lists what is to be tried now, and begins stages whose time has come.
// The caller notes each job as tried before it asks for more.
func (l *ledger) due(now time.Time) []job {
	var jobs []job
	asked := map[string]int{}
	for _, a := range l.alerts {
		for l.fallsBack(a, now) {
			l.begin(a, now)
		}
		for _, g := range a.legs {
			if len(g.queue) == 0 || g.queue[0].busy {
				continue
			}
			d, o := g.queue[0], l.outlets[g.outlet]
			if l.when(o, d).After(now) || o.busy+asked[g.outlet] >= maxBusy || !o.room(d.notice.Kind, asked[g.outlet], now) {
				continue
			}
			asked[g.outlet]++
			jobs = append(jobs, job{outlet: g.outlet, pages: g.pages, notice: d.notice})
		}
	}
	return jobs
}

func (l *ledger) when(o *outletState, d *delivery) time.Time { return later(d.next, o.paused) }

// room tells whether the outlet's pace allows another notice. News leaves half
// of the minute to pages.
func (o *outletState) room(k Kind, asked int, now time.Time) bool {
	o.recent = slices.DeleteFunc(o.recent, func(t time.Time) bool { return now.Sub(t) > paceWindow })
	most := o.pace
	if k == Update || k == Change {
		most /= 2
	}
	return len(o.recent)+asked < max(1, most)
}

// fallsBack tells whether the next stage has to hear of the alert: nobody has
// taken it in time, or nobody can.
func (l *ledger) fallsBack(a *alert, now time.Time) bool {
	if a.over() || a.change || a.stage >= len(l.stages)-1 || now.Before(a.held) {
		return false
	}
	if a.stage < 0 {
		return true
	}
	deadline := a.stageAt.Add(l.patience)
	return !now.Before(deadline) || !l.hope(a, deadline)
}

// hope tells whether an outlet of the alert's stage can still take it in time.
func (l *ledger) hope(a *alert, deadline time.Time) bool {
	for _, name := range a.called {
		g := a.leg(name)
		if g == nil || len(g.queue) == 0 || !g.queue[0].notice.Kind.pages() {
			continue
		}
		if d := g.queue[0]; d.busy || l.when(l.outlets[name], d).Before(deadline) {
			return true
		}
	}
	return false
}

// next is the earliest time at which there may be something to do; zero:
// nothing is under way. It is never before now.
func (l *ledger) next(now time.Time) time.Time {
	var at time.Time
	sooner := func(t time.Time) {
		if t = later(t, now.Add(time.Millisecond)); at.IsZero() || t.Before(at) {
			at = t
		}
	}
	for _, a := range l.alerts {
		if !a.over() && !a.change && a.stage < len(l.stages)-1 {
			if a.stage < 0 {
				sooner(a.held)
			} else {
				sooner(a.stageAt.Add(l.patience))
			}
		}
		if t := l.callAt(a); !t.IsZero() {
			sooner(t)
		}
		if a.trigger.Test && a.resolved.IsZero() {
			sooner(a.opened.Add(testLasts))
		}
		for _, g := range a.legs {
			if len(g.queue) == 0 || g.queue[0].busy {
				continue
			}
			t := l.when(l.outlets[g.outlet], g.queue[0])
			if !t.After(now) { // it waits for its turn
				t = now.Add(time.Second)
			}
			sooner(t)
		}
	}
	return at
}

// tests lists tests that have lasted long enough.
func (l *ledger) tests(now time.Time) []string {
	var keys []string
	for _, a := range l.alerts {
		if a.trigger.Test && a.resolved.IsZero() && now.Sub(a.opened) >= testLasts {
			keys = append(keys, a.key)
		}
	}
	return keys
}

// forget drops alerts that have been over for long, with the ids of their
// notices.
func (l *ledger) forget(now time.Time) {
	l.alerts = slices.DeleteFunc(l.alerts, func(a *alert) bool {
		closed := a.resolved
		if a.change {
			closed = a.opened
		}
		if closed.IsZero() || now.Sub(closed) < keepClosed || a.waiting() > 0 {
			return false
		}
		delete(l.byKey, a.key)
		for _, id := range a.ids {
			delete(l.seen, id)
		}
		return true
	})
}

// waiting counts deliveries on their way.
func (a *alert) waiting() int {
	n := 0
	for _, g := range a.legs {
		n += len(g.queue)
	}
	return n
}
