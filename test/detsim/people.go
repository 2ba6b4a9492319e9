package detsim

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
	"github.com/cyan-cloud/cyan/cloud/session"
	"github.com/cyan-cloud/cyan/test/detsim/schedule"
)

// people call devices and publish news, each with a patience of their own.
type people struct {
	w     *World
	last  uint64
	open  map[uint64]*inquiry
	news  int
	busy  time.Duration // between two calls of anybody
	quiet bool          // nobody calls any more
}

// inquiry is one person's call.
type inquiry struct {
	id             uint64
	to             *thing
	kind           session.CallKind
	name, argument string
	until          time.Time
	via            *node
	answer         func(*lane.Answer) // nil: nobody asks
}

func newPeople(w *World) *people { return &people{w: w, open: map[uint64]*inquiry{}} }

// live begins the traffic of an ordinary day.
func (p *people) live() {
	p.w.after(p.w.between(p.busy/2, p.busy*3/2), func() {
		if p.quiet {
			return
		}
		t := p.w.things[p.w.chance.IntN(len(p.w.things))]
		patience := p.w.between(3*time.Second, 30*time.Second)
		switch p.w.chance.IntN(10) {
		case 0:
			p.call(t, session.Ping, "", patience, nil)
		case 1:
			p.call(t, session.Function, "slow", patience, nil)
		case 2:
			p.publish()
		default:
			p.call(t, session.Function, "do", patience, nil)
		}
		p.live()
	})
}

// publish spreads news.
func (p *people) publish() {
	p.news++
	p.w.bus.spread(&event.Event{
		ID: fmt.Sprintf("news-%d", p.news), Name: "news/all", Data: strconv.AppendInt(nil, int64(p.news), 10), HasData: true,
		TTL: event.DefaultTTL, Source: event.FromAPI, Owner: p.w.store.owners[p.w.things[0].id], Published: p.w.now,
	})
}

// call asks a device for something.
func (p *people) call(to *thing, kind session.CallKind, name string, patience time.Duration, answer func(*lane.Answer)) {
	p.last++
	c := &inquiry{id: p.last, to: to, kind: kind, name: name, until: p.w.now.Add(patience), answer: answer}
	if kind == session.Function {
		c.argument = strconv.FormatUint(c.id, 10)
	}
	p.open[c.id] = c
	p.w.stats.Calls++
	p.w.bus.call(c)
	p.w.after(patience+time.Second, func() {
		if p.open[c.id] == c {
			p.w.bus.cancel(c)
			p.settle(c, nil)
		}
	})
}

// settle ends a call: with an answer, or without one.
func (p *people) settle(c *inquiry, a *lane.Answer) {
	if p.open[c.id] != c {
		return
	}
	delete(p.open, c.id)
	if a != nil {
		p.w.checks.answered(p.w, c, a)
		if a.Err == nil {
			p.w.stats.Answered++
		}
	}
	if c.answer != nil {
		c.answer(a)
	}
}

// lose is the end of a process, with every call that it had.
func (p *people) lose(n *node) {
	var lost []uint64
	for id, c := range p.open {
		if c.via == n {
			lost = append(lost, id)
		}
	}
	slices.Sort(lost)
	for _, id := range lost {
		switch p.w.plan.Without {
		case schedule.Once:
			p.w.after(5*time.Second, func() {
				if c := p.open[id]; c != nil {
					p.w.bus.call(c)
				}
			})
		case schedule.Honesty:
			p.settle(p.open[id], &lane.Answer{Reply: session.Reply{ID: id, Err: lane.ErrGone}})
		default:
			p.settle(p.open[id], nil)
		}
	}
}
