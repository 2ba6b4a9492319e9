package gateway

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/gateway/admit"
	"github.com/cyan-cloud/cyan/cloud/gateway/identify"
	"github.com/cyan-cloud/cyan/cloud/gateway/socket"
)

const (
	doorLook = 500 * time.Millisecond // how often it is asked whether the doors are to be open
	soundIn  = time.Second            // within which a sound store answers
)

// doors are the TCP ports that devices come in by. They are listened on as
// long as somebody can be let in: see admit.Door. Those who are in stay when they
// close.
type doors struct {
	mu    sync.Mutex
	list  []*doorway // set before the first goroutine; what is in it is guarded by mu
	rule  admit.Door // guarded by mu, as the next
	since time.Time  // when they closed; zero: they are open
	still bool       // a hand-over is under way: none opens or closes
	left  time.Time  // when a drain closed them; zero: none did
	over  bool       // for good

	news chan struct{} // has room for one: an attempt has failed through us
}

// doorway is one of them.
type doorway struct {
	address  string         // as it was configured, with the port that the system gave
	at       netip.AddrPort // not changed
	listener net.Listener   // nil: nobody listens
}

// openDoors listens where devices come to on TCP. A door that the process before
// did not hand over was closed there, or is new: that it can be opened is tried,
// and it opens at the first look when the store is sound.
func (g *Gateway) openDoors(ctx context.Context) error {
	g.doors.news = make(chan struct{}, 1)
	for _, a := range g.cfg.TCP {
		label := "tcp " + a
		handed := g.cfg.Inherit == nil || g.cfg.Inherit.Sockets[label] != nil
		l, err := g.cfg.Inherit.Listen(ctx, label, a)
		if err != nil {
			return fmt.Errorf("listening for devices on tcp %s: %w", a, err)
		}
		w := &doorway{at: l.Addr().(*net.TCPAddr).AddrPort(), listener: l}
		host, _, err := net.SplitHostPort(a)
		if err == nil && !handed {
			w.listener, g.doors.rule, g.doors.since = nil, admit.Shut(), g.now()
			err = l.Close()
		}
		g.doors.list = append(g.doors.list, w)
		if err != nil {
			return err
		}
		w.address = net.JoinHostPort(host, strconv.Itoa(int(w.at.Port())))
	}
	return nil
}

// admitAll lets devices in by every door that is open.
func (g *Gateway) admitAll() {
	g.doors.mu.Lock()
	defer g.doors.mu.Unlock()
	g.doors.still = false
	for _, w := range g.doors.list {
		if w.listener != nil {
			setDeadline(w.listener, time.Time{})
			g.letIn(w.listener)
		}
	}
}

// letIn accepts devices until the listener is closed.
func (g *Gateway) letIn(l net.Listener) { g.running.Go(func() { g.accept(l) }) }

// ended tells the doors of an attempt that ended.
func (d *doors) ended(now time.Time, try *device.Attempt) {
	well, counts := admit.Verdict(try)
	if !counts {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.rule.Attempt(now, well)
	if !well {
		select {
		case d.news <- struct{}{}:
		default: // it is looked already
		}
	}
}

// mindDoors opens and closes the doors until ctx ends.
func (g *Gateway) mindDoors(ctx context.Context) {
	if len(g.doors.list) == 0 {
		return
	}
	tick := time.NewTicker(doorLook)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-g.doors.news:
		}
		d := &g.doors
		d.mu.Lock()
		troubled := d.rule.Troubled(g.now())
		d.mu.Unlock()
		g.turnDoors(ctx, !troubled || g.sound(ctx))
	}
}

// sound asks the bus, and the store what it is asked for every device on TCP.
func (g *Gateway) sound(ctx context.Context) bool {
	if g.routed() != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, soundIn)
	defer cancel()
	return identify.Sound(ctx, g.cfg.Keys)
}

// turnDoors has every door be as the rule wants it.
func (g *Gateway) turnDoors(ctx context.Context, sound bool) {
	d := &g.doors
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.still || d.over || !d.left.IsZero() {
		return
	}
	now := g.now()
	open := d.rule.Open(now, sound)
	for _, w := range d.list {
		switch {
		case !open && w.listener != nil:
			_ = w.listener.Close()
			w.listener = nil
		case open && w.listener == nil:
			l, err := socket.ListenTCP(ctx, w.address)
			if err != nil {
				g.log.Error("the port for devices on tcp cannot be opened again", "address", w.at, "err", err)
				continue
			}
			w.listener = l
			g.letIn(l) //nolint:contextcheck // what a lane wants done belongs to nobody who brought it something
		}
	}
	switch {
	case !open && d.since.IsZero():
		d.since = now
		g.log.Error("closed the port for devices on tcp: every attempt fails through us, and devices that cannot connect "+
			"show that the cloud is not reachable, not that their keys are wrong", "store_and_bus_answer", sound)
	case open && !d.since.IsZero() && d.listening():
		g.log.Warn("opened the port for devices on tcp again", "closed_for", now.Sub(d.since))
		d.since = time.Time{}
	}
}

// listening tells whether all are open; mu is held.
func (d *doors) listening() bool {
	for _, w := range d.list {
		if w.listener == nil {
			return false
		}
	}
	return true
}

// hush has nobody come in any more until admitAll.
func (d *doors) hush() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.still = true
	for _, w := range d.list {
		if w.listener != nil {
			setDeadline(w.listener, past())
		}
	}
}

// close closes them for good.
func (d *doors) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.over = true
	for _, w := range d.list {
		if w.listener != nil {
			_ = w.listener.Close()
		}
	}
}

// open gives those that are open, by their place in the configuration.
func (d *doors) open() map[int]*net.TCPListener {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := map[int]*net.TCPListener{}
	for i, w := range d.list {
		if l, ok := w.listener.(*net.TCPListener); ok {
			out[i] = l
		}
	}
	return out
}

// ClosedSince tells when the port for devices on TCP was closed because nobody
// could be let in; zero: it is open.
func (g *Gateway) ClosedSince() time.Time {
	g.doors.mu.Lock()
	defer g.doors.mu.Unlock()
	return g.doors.since
}

// Ready fails while the port for devices on TCP is closed.
func (g *Gateway) Ready(context.Context) error {
	if err := g.doors.drained(); err != nil {
		return err
	}
	if since := g.ClosedSince(); !since.IsZero() {
		return fault.Errorf(fault.Unavailable, "nobody can be let in; closed since %s", since.UTC().Format(time.RFC3339))
	}
	return nil
}
