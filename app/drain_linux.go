package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/cyan-cloud/cyan/cloud/gateway"
	"github.com/cyan-cloud/cyan/cloud/gateway/handover"
	"github.com/cyan-cloud/cyan/cloud/store"
)

// drainRate is how many devices a second are sent away unless the order says
// otherwise: a TCP handshake elsewhere costs what ten on UDP do.
const drainRate = 20

var (
	errLeaving    = errors.New("this cloud is being drained: cyan drain --cancel takes that back")
	errNotLeaving = errors.New("nothing is to be taken back: this cloud is not being drained")
)

// leaving is a drain, from its order until it is taken back.
type leaving struct {
	cancel context.CancelFunc
	ended  chan struct{} // closed when nobody is sent away any more, and that is on record
}

// toll tells what a drain would do now.
func (a *App) toll() Report {
	ctx, cancel := context.WithTimeout(context.Background(), flushTime)
	defer cancel()
	return a.tally(0, a.gateway.Toll(ctx))
}

// tally is how far a drain is.
func (a *App) tally(ended int, left gateway.Toll) Report {
	return Report{
		From: hello().Program, PID: os.Getpid(), Sessions: left.Stays, Disconnects: ended,
		Owners: left.Owners, Left: left.Ends, Busy: left.Busy,
	}
}

// drain empties the cloud of what cannot outlive it. Whoever ordered it takes it
// back by leaving before it is done.
func (a *App) drain(o Order, s *handover.Socket) Report {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	l := &leaving{cancel: cancel, ended: make(chan struct{})}
	defer close(l.ended)
	p := &a.plan
	p.mu.Lock()
	if err := p.free(a); err != nil {
		p.mu.Unlock()
		return Report{Error: err.Error()}
	}
	p.leaving = l
	p.mu.Unlock()
	go func() { // until the link is closed, which attend does
		_, _ = s.Receive() // nothing comes but the end
		cancel()
	}()
	if o.Rate <= 0 {
		o.Rate = drainRate
	}
	first := a.toll()
	a.opts.Logger.Warn("the cloud is being drained", "devices", first.Left, "owners", first.Owners, "stay", first.Sessions, "rate", o.Rate, "by", o.Who)
	var last Report
	ended, err := a.gateway.Drain(ctx, o.Rate, func(ended int, left gateway.Toll) {
		last = a.tally(ended, left)
		body, _ := json.Marshal(last)         // it cannot fail: text and numbers
		_ = s.Send(handover.KindReport, body) // who has left is noticed elsewhere, who stands still holds it up
	})
	last.Disconnects, last.Owners = ended, first.Owners
	switch {
	case err == nil:
	case a.letInAgain(l):
		last.Error = fmt.Sprintf("the drain was taken back after %d of %d devices: they are let in again", ended, first.Left)
	default:
		last.Error = fmt.Sprintf("the cloud was stopped after %d of %d devices had been sent away", ended, first.Left)
	}
	a.drained(o.Who, first, last)
	return last
}

// undrain lets devices in again, whether the drain is done or not.
func (a *App) undrain(o Order) Report {
	a.plan.mu.Lock()
	l := a.plan.leaving
	a.plan.mu.Unlock()
	if l == nil {
		return Report{Error: errNotLeaving.Error()}
	}
	select {
	case <-l.ended:
		now := a.toll() // before anybody comes
		a.note(store.Annotation{
			Kind: store.KindDrain, Author: o.Who, Sessions: now.Sessions + now.Left,
			Detail: "the drain was taken back: devices are let in again",
		})
		a.letInAgain(l)
		return now
	default:
		l.cancel()
		<-l.ended
		return a.toll()
	}
}

// letInAgain lets devices in again, unless the cloud stops or that was done.
func (a *App) letInAgain(l *leaving) bool {
	p := &a.plan
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.leaving != l {
		return false
	}
	a.gateway.Reopen()
	p.leaving = nil
	return true
}

// stopLeaving ends a drain because the cloud stops.
func (a *App) stopLeaving() {
	p := &a.plan
	p.mu.Lock()
	l := p.leaving
	p.leaving = nil
	p.mu.Unlock()
	if l != nil {
		l.cancel()
		<-l.ended
	}
}

// drained keeps on record what a drain cost, and whom.
func (a *App) drained(who string, first, last Report) {
	detail := fmt.Sprintf("%d devices of %d owners were told to connect elsewhere, because this node is to stop; sessions on UDP go on",
		first.Left, first.Owners)
	if last.Error != "" {
		detail = last.Error
	}
	a.note(store.Annotation{
		Kind: store.KindDrain, Author: who, Sessions: last.Sessions + last.Left, Ended: last.Disconnects, Detail: detail,
	})
	a.opts.Logger.Warn("the drain has ended", "devices", last.Disconnects, "left", last.Left, "by", who)
}
