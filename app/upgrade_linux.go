package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cyan-cloud/cyan/cloud/gateway/handover"
	"github.com/cyan-cloud/cyan/cloud/gateway/onward"
)

// successionPlan is the App's part in upgrades.
type successionPlan struct {
	listener *handover.Listener
	taking   sync.WaitGroup // the listener's goroutines
	orders   sync.WaitGroup // those that carry out an order and say what became of it

	mu      sync.Mutex
	busy    bool                  // guarded by mu; one hand-over at a time
	expects int                   // guarded by mu; the process that may take over
	arrived chan *handover.Socket // guarded by mu; where it goes
	passed  chan struct{}         // closed when another process serves
	over    atomic.Bool           // another process serves
	leaving *leaving              // guarded by mu; a drain that was not taken back
}

func monotonic() int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		return 0
	}
	return t.Nano()
}

// clockAhead is how far the other process's clock is ahead of the system's. It
// goes on from where it was, whatever was done to the system's since.
func clockAhead(o handover.Offer) (time.Duration, error) {
	now, mono := time.Now().UnixNano(), monotonic()
	if o.Monotonic == 0 || mono < o.Monotonic {
		return 0, handover.ErrMessage
	}
	return time.Duration(o.Clock + (mono - o.Monotonic) - now), nil
}

// takeOver starts a cloud in the place of the process that started this one.
func takeOver(ctx context.Context, a *App) error {
	link, _, err := handover.Dial(ctx, a.opts.Data)
	if err != nil {
		return fmt.Errorf("reaching the process to take over from: %w", err)
	}
	h := &heir{ctx: ctx, a: a, link: link}
	err = handover.Take(link, hello(), func(lead []*os.File) (handover.Gate, error) {
		if len(lead) != 2 {
			return nil, handover.ErrMessage
		}
		return handover.OpenMemory(lead[0])
	}, h)
	if err != nil {
		return errors.Join(err, link.Close())
	}
	h.begin() //nolint:contextcheck // it serves from now on
	return nil
}

// watch opens the socket of the data folder, by which a person's orders and a
// successor come.
func (a *App) watch() error {
	l, err := handover.Listen(a.opts.Data)
	if err != nil {
		return fmt.Errorf("opening the control socket: %w", err)
	}
	p := &a.plan
	p.listener, p.passed = l, make(chan struct{})
	p.taking.Go(func() { // until the listener is closed
		for {
			s, who, err := l.Accept()
			if err != nil {
				return
			}
			p.taking.Go(func() { a.attend(s, who) }) // until the order is carried out, or the link is the hand-over's
		}
	})
	a.push("control socket", func(context.Context) error {
		err := l.Close()
		a.stopLeaving()
		if !a.Passed() {
			err = errors.Join(err, l.Remove())
		}
		return err
	})
	return nil
}

// attend takes one connection of the control socket.
func (a *App) attend(s *handover.Socket, who unix.Ucred) {
	p := &a.plan
	p.mu.Lock()
	if p.expects != 0 && int(who.Pid) == p.expects && p.arrived != nil {
		p.arrived <- s
		p.arrived = nil
		p.mu.Unlock()
		return
	}
	p.mu.Unlock()
	defer s.Close()
	_ = s.SetDeadline(time.Now().Add(5 * time.Second))
	m, err := s.Receive()
	var o Order
	if err != nil || m.Kind != handover.KindOrder || json.Unmarshal(m.Body, &o) != nil {
		return
	}
	_ = s.SetDeadline(time.Time{})
	p.orders.Add(1)
	defer p.orders.Done()
	o.Who = orderer(o.Who, who)
	report := a.carryOut(o, s)
	report.Final = true
	body, _ := json.Marshal(report) // it cannot fail: text and numbers
	_ = s.SetDeadline(time.Now().Add(5 * time.Second))
	_ = s.Send(handover.KindReport, body) // whoever asked may have gone
}

// orderer is who gave an order, for the record: what they say, and what the
// system says of them.
func orderer(said string, who unix.Ucred) string {
	if said == "" {
		return fmt.Sprintf("user %d", who.Uid)
	}
	return fmt.Sprintf("%.100s (user %d)", said, who.Uid)
}

func (a *App) carryOut(o Order, s *handover.Socket) Report {
	switch o.Do {
	case handover.DoUpgrade:
		r, err := a.Upgrade(context.Background(), o)
		if err != nil {
			r.Error = err.Error()
			return r
		}
		a.awaitWatch(r.PID)
		return r
	case handover.DoAsk:
		return a.toll()
	case handover.DoDrain:
		return a.drain(o, s)
	case handover.DoUndrain:
		return a.undrain(o)
	default:
		return Report{Error: fmt.Sprintf("this process does not know how to %.20q", o.Do)}
	}
}

// awaitWatch waits until orders come to the process that serves now.
func (a *App) awaitWatch(pid int) {
	ctx, cancel := context.WithTimeout(context.Background(), flushTime)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		s, who, err := handover.Dial(ctx, a.opts.Data)
		if err == nil {
			_ = s.Close() // it was only to look
			if int(who.Pid) == pid {
				return
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// errBusy is what a second upgrade gets.
var errBusy = errors.New("an upgrade is under way already")

// free tells why nothing can begin now that changes who serves. Caller holds mu.
func (p *successionPlan) free(a *App) error {
	switch {
	case p.leaving != nil:
		return errLeaving
	case p.busy || a.Passed():
		return errBusy
	}
	return nil
}

// Upgrade hands everything over to a new process, which it starts. After an
// error this one goes on as before, and no device has noticed.
func (a *App) Upgrade(ctx context.Context, o Order) (Report, error) {
	p := &a.plan
	p.mu.Lock()
	if err := p.free(a); err != nil {
		p.mu.Unlock()
		return Report{}, err
	}
	p.busy = true
	p.mu.Unlock()
	notifyReloading()
	report, err := a.handOver(ctx, o)
	if err != nil {
		a.opts.Logger.Error("the upgrade came to nothing; this process goes on", "err", err)
		notifyReady()
	}
	p.mu.Lock()
	p.busy = false
	p.mu.Unlock()
	return report, err
}

func (a *App) handOver(ctx context.Context, o Order) (Report, error) {
	report := Report{From: hello().Program, PID: os.Getpid()}
	gate, err := handover.NewMemory()
	if err != nil {
		return report, err
	}
	defer gate.File().Close()
	child, link, ended, err := a.startHeir(ctx, o.Binary)
	if err != nil {
		return report, err
	}
	offer := handover.Offer{Hello: hello(), Clock: a.gateway.Clock().UnixNano(), Monotonic: monotonic()}
	if a.opts.NATS != "" {
		offer.Bus = a.bus.Address()
	}
	lead := descriptors([]*os.File{gate.File(), a.lock})
	before, _ := a.gateway.Count()
	given, err := handover.Give(ctx, link, gate, offer, lead, giver{a})
	report.To = given.To.Program
	if err != nil {
		_ = link.Close()
		_ = child.Process.Kill() // it may be about to end by itself
		<-ended                  //nolint:errcheck // killed, most likely
		if errors.Is(err, handover.ErrGone) {
			a.fail(err) // nobody serves: let whoever watches us start anew
		}
		return report, err
	}
	report.PID, report.Sessions = given.To.PID, given.Serving.Sessions
	report.FreezeMS = float64(given.Freeze.Microseconds()) / 1000
	report.Disconnects = max(0, before-given.Serving.Sessions)
	a.opts.Logger.Info("handed over to another process", "to", report.To, "pid", report.PID, "sessions", report.Sessions,
		"freeze", given.Freeze, "stop", given.Stop, "send", given.Send, "by", o.Who)
	a.passedOn(context.WithoutCancel(ctx), o.Who, report)
	notifyPassed(report.PID)
	a.letGo(link, given.Serving.Bus) //nolint:contextcheck // what is under way ends in its own time
	return report, nil
}

// startHeir starts the program again as one that is to take over, and waits for
// it to come to the control socket.
func (a *App) startHeir(ctx context.Context, binary string) (*exec.Cmd, *handover.Socket, <-chan error, error) {
	if binary == "" {
		var err error
		if binary, err = os.Executable(); err != nil {
			return nil, nil, nil, err
		}
	}
	cmd := exec.Command(binary, os.Args[1:]...) //nolint:noctx // it outlives this process
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = environment(), os.Stdin, os.Stdout, os.Stderr
	arrived := make(chan *handover.Socket, 1)
	p := &a.plan
	p.mu.Lock()
	defer func() {
		p.mu.Lock()
		p.expects, p.arrived = 0, nil
		p.mu.Unlock()
	}()
	if err := cmd.Start(); err != nil {
		p.mu.Unlock()
		return nil, nil, nil, fmt.Errorf("starting the new program: %w", err)
	}
	p.expects, p.arrived = cmd.Process.Pid, arrived
	p.mu.Unlock()
	ended := make(chan error, 1)
	go func() { // until the child ends, or this process does
		ended <- cmd.Wait()
		close(ended)
	}()
	why := errors.New("the new program did not come to take over")
	select {
	case link := <-arrived:
		return cmd, link, ended, nil
	case err := <-ended:
		if err == nil {
			err = errors.New("without an error")
		}
		return nil, nil, nil, fmt.Errorf("the new program ended before it could take over: %w", err)
	case <-ctx.Done():
		why = ctx.Err()
	case <-time.After(handover.StartTime):
	}
	_ = cmd.Process.Kill() // it is reported anyway
	<-ended                //nolint:errcheck // killed
	return nil, nil, nil, why
}

// drainTime is how long what people have asked of this process may take after
// another one serves.
const drainTime = 45 * time.Second

// letGo gives everything up. What is under way here comes to its end. heir is the
// new process's address on a bus that both are on.
func (a *App) letGo(link *handover.Socket, heir string) {
	p := &a.plan
	next := onward.NewSuccessor(link, a.gateway.Inherited)
	p.over.Store(true)
	answers := make(chan struct{})
	go func() { // until the link ends: below, at the latest
		defer close(answers)
		next.Run()
	}()
	a.gateway.LetGo(next)
	a.watcher.stop() // the next one waits for that
	if err := a.muster.Stop(); err != nil {
		a.opts.Logger.Warn("the roll of devices could not be closed", "err", err)
	}
	a.closeAPI()
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	go func() { // ends when nobody is served here, after drainTime at the latest
		defer cancel()
		defer close(p.passed)
		var retiring sync.WaitGroup
		if heir != "" {
			retiring.Go(func() { // until ctx ends, at the latest
				if err := a.bus.Retire(ctx, heir); err != nil {
					a.opts.Logger.Warn("left the cluster before everything was done", "err", err)
				}
			})
		}
		a.movables.leave(ctx, func(fd int) error { return link.Send(handover.KindConnection, nil, fd) })
		retiring.Wait()
		next.Bye()
		p.orders.Wait() // each of them ends by itself, soon
	}()
	a.push("link to the new process", func(context.Context) error {
		err := link.Close()
		<-answers
		return err
	})
}

// Passed tells whether another process serves in the place of this one.
func (a *App) Passed() bool { return a.plan.over.Load() }

// Done is closed when another process serves and nothing is left to do here.
func (a *App) Done() <-chan struct{} { return a.plan.passed }

// Ask gives an order to the cloud that has the data folder, and waits for what
// becomes of it. told, if it is not nil, hears how far it is. Who leaves before
// the end of a drain takes it back.
func Ask(ctx context.Context, dir string, o Order, told func(Report)) (Report, error) {
	s, _, err := handover.Dial(ctx, dir)
	if err != nil {
		return Report{}, fmt.Errorf("no cloud of this user is running on %s: %w", dir, err)
	}
	defer s.Close()
	stop := context.AfterFunc(ctx, func() { _ = s.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	body, err := json.Marshal(o)
	if err != nil {
		return Report{}, err
	}
	if err := s.Send(handover.KindOrder, body); err != nil {
		return Report{}, err
	}
	var r Report
	for {
		m, err := s.Receive()
		latest := Report{}
		if err == nil {
			err = json.Unmarshal(m.Body, &latest)
		}
		if err != nil {
			return r, fmt.Errorf("the cloud did not say what became of it: %w", err)
		}
		r = latest
		switch {
		case r.Error != "":
			return r, errors.New(r.Error)
		case r.Final:
			return r, nil
		case told != nil:
			told(r)
		}
	}
}
