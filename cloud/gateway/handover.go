package gateway

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/gateway/handover"
	"github.com/cyan-cloud/cyan/cloud/gateway/onward"
	"github.com/cyan-cloud/cyan/internal/ferry"
)

// settleTime is how long handshakes have to come to their end before a
// hand-over, while all devices are served.
const settleTime = 2 * time.Second

// readTime bounds the wait for what was read to be taken by the lanes.
const readTime = 5 * time.Second

// handing is the gateway's part of a hand-over to another process: until it is
// decided, calls and events wait; then they are served here as before, or go on
// to the successor.
type handing struct {
	entered sync.RWMutex // held to read while a call is given to a lane

	mu        sync.Mutex
	decided   chan struct{}     // guarded by mu, as the rest; nil: nothing is to be decided
	successor *onward.Successor // not nil: it has the devices
	border    string            // id of the event behind which events are held
	reached   chan struct{}     // closed when that came
	diverting bool              // it did
	diverted  []*event.Event    // behind it
	lost      int               // of those, for want of room
	undone    []func()          // what else waits for the decision
	paused    chan struct{}     // closed to let the lanes go on
}

// maxDiverted bounds the events that wait for the decision.
const maxDiverted = 1 << 16

// Settle sends most of what there is while it is served still, and then lets
// handshakes come to their end and begins none. Devices that knock meanwhile are
// answered by nobody, and knock again.
func (g *Gateway) Settle(ctx context.Context, send sender) error {
	for range aheadRounds {
		if err := g.sendAhead(ctx, send); err != nil {
			return err
		}
	}
	g.doors.hush()
	late := time.After(settleTime)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		shaking := 0
		var mu sync.Mutex
		g.eachLane(ctx, func(r *runner) {
			r.lane.Settle(true)
			mu.Lock()
			defer mu.Unlock()
			shaking += r.lane.Shaking()
		})
		if shaking == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-late:
			g.log.Info("handshakes that have not ended are lost to the hand-over", "handshakes", shaking)
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// The first time everything is sent ahead, and takes a while in which devices
// speak; the second time what has changed since. So many places of a lane are
// looked at at once, for a fraction of a millisecond in which it does nothing
// else.
const (
	aheadRounds = 2
	aheadPlaces = 128
)

// sendAhead sends what the other process does not have yet, lane by lane, in
// between what those have to do. What is looked at at once is of one moment, so
// that the last word on a device is always the one that comes last.
func (g *Gateway) sendAhead(ctx context.Context, send sender) error {
	for _, r := range g.lanes {
		for at, more := 0, true; more; more = at > 0 {
			looked := make(chan glance, 1)
			r.mail.put(input{job: func() { looked <- r.glance(at) }})
			var now glance
			select {
			case now = <-looked:
			case <-g.stopped:
				return errStopping
			case <-ctx.Done():
				return ctx.Err()
			}
			for _, body := range now.bodies {
				if now.err == nil {
					now.err = send(handover.KindAhead, body)
				}
			}
			if now.err != nil {
				return now.err
			}
			at = now.next
		}
	}
	return nil
}

var errStopping = errors.New("the cloud is being stopped")

// glance is what was to be sent ahead of some places of a lane, at one moment.
type glance struct {
	bodies [][]byte // of messages
	next   int      // the place to go on from; 0: that was the last
	err    error
}

// glance looks at the lane's connections from a place on. Only its goroutine
// does.
func (r *runner) glance(at int) (now glance) {
	var b bundle
	now.next, now.err = r.lane.Ahead(at, aheadPlaces, func(conn uint64, body []byte) error {
		if err := b.gather(conn, body, nil); err != nil || len(b.body) < bundleBytes {
			return err
		}
		now.bodies, b.body = append(now.bodies, b.body), nil
		return nil
	})
	if len(b.body) > 0 {
		now.bodies = append(now.bodies, b.body)
	}
	return now
}

// eachLane has every lane's goroutine do fn, and waits for it.
func (g *Gateway) eachLane(ctx context.Context, fn func(r *runner)) {
	var all sync.WaitGroup
	for _, r := range g.lanes {
		all.Add(1)
		r.mail.put(input{job: func() {
			defer all.Done()
			fn(r)
		}})
	}
	done := make(chan struct{})
	go func() { // ends with the lanes' jobs, which no lane leaves undone
		all.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// Freeze stops all that reads from devices or writes to them, at a border
// between what was done and what was not. From the event with the id border on,
// which the caller publishes with publish, events are held back. Resume lets it
// all go on.
func (g *Gateway) Freeze(ctx context.Context, border string, publish func() error) error {
	h := &g.passing
	h.entered.Lock() // every call that has begun is with its lane now
	h.mu.Lock()
	h.decided, h.border, h.reached, h.paused = make(chan struct{}), border, make(chan struct{}), make(chan struct{})
	reached := h.reached
	h.mu.Unlock()
	h.entered.Unlock()
	if err := g.hush(ctx); err != nil {
		return err
	}
	if err := publish(); err != nil {
		return err
	}
	select {
	case <-reached:
	case <-ctx.Done():
		return ctx.Err()
	}
	return g.halt(ctx)
}

// hush ends the reading of sockets.
func (g *Gateway) hush(ctx context.Context) error {
	for _, s := range g.sockets {
		if err := s.UDP().SetReadDeadline(past()); err != nil {
			return err
		}
	}
	idle := g.pipes.halt.begin()
	read := make(chan struct{})
	go func() { // ends with the readers, which the deadlines end
		g.reading.Wait()
		<-idle
		close(read)
	}()
	select {
	case <-read:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(readTime):
		return errors.New("what devices sent is not taken by the lanes")
	}
}

// halt has every lane come to the end of what waits for it, and stand still.
func (g *Gateway) halt(ctx context.Context) error {
	g.passing.mu.Lock()
	paused := g.passing.paused
	g.passing.mu.Unlock()
	still := make(chan struct{}, len(g.lanes))
	for _, r := range g.lanes {
		r.mail.put(input{job: func() {
			still <- struct{}{}
			<-paused
		}})
	}
	for range g.lanes {
		select {
		case <-still:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for _, r := range g.lanes {
		for _, p := range r.pipes {
			p.silence()
		}
	}
	return nil
}

// Resume undoes Settle and Freeze.
func (g *Gateway) Resume() {
	for _, r := range g.lanes {
		for _, p := range r.pipes {
			p.speak()
		}
	}
	h := &g.passing
	h.mu.Lock()
	held, undone, decided, paused := h.diverted, h.undone, h.decided, h.paused
	h.border, h.diverting, h.diverted, h.undone, h.decided, h.paused = "", false, nil, nil, nil, nil
	h.mu.Unlock()
	if paused != nil {
		close(paused)
		g.pipes.halt.end()
		for _, s := range g.sockets {
			_ = s.UDP().SetReadDeadline(time.Time{})
		}
		g.readSockets()
		g.pipes.readOn(g)
	}
	g.eachLane(context.Background(), func(r *runner) { r.lane.Settle(false) })
	g.admitAll()
	for _, e := range held {
		g.tellAll(e)
	}
	for _, do := range undone {
		do()
	}
	if decided != nil {
		close(decided)
	}
}

func setDeadline(l net.Listener, t time.Time) {
	if d, ok := l.(interface{ SetDeadline(t time.Time) error }); ok {
		_ = d.SetDeadline(t)
	}
}

// divert holds an event back or passes it on, and tells whether it did.
func (h *handing) divert(e *event.Event) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.border != "" && e.ID == h.border && !h.diverting:
		h.diverting = true
		close(h.reached)
	case !h.diverting:
		return false
	case h.successor != nil:
		h.successor.Event(e)
	case len(h.diverted) < maxDiverted:
		h.diverted = append(h.diverted, e)
	default:
		h.lost++
	}
	return true
}

// enter lets fn give something to the lanes, unless another process has the
// devices now: that is what it gives. It waits while that is being decided.
func (h *handing) enter(ctx context.Context, fn func()) (*onward.Successor, error) {
	for {
		h.entered.RLock()
		h.mu.Lock()
		decided, successor := h.decided, h.successor
		h.mu.Unlock()
		if decided == nil || successor != nil {
			if successor == nil {
				fn()
			}
			h.entered.RUnlock()
			return successor, nil
		}
		h.entered.RUnlock()
		select {
		case <-decided:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// later keeps fn for when it is decided who has the devices, and tells whether
// that is so.
func (h *handing) later(fn func()) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.decided == nil || h.successor != nil {
		return false
	}
	h.undone = append(h.undone, fn)
	return true
}

// next gives the process that has the devices now; nil: it is this one.
func (h *handing) next() *onward.Successor {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.successor
}

func (h *handing) over() bool { return h.next() != nil }

// Sockets gives what is listened on, as copies that are the caller's.
func (g *Gateway) Sockets() (labels []string, files []*os.File, err error) {
	add := func(label string, from interface{ File() (*os.File, error) }) {
		f, e := from.File()
		err = errors.Join(err, e)
		labels, files = append(labels, label), append(files, f)
	}
	for i, s := range g.sockets {
		add("udp "+g.cfg.UDP[i], s.UDP())
	}
	for i, l := range g.doors.open() {
		add("tcp "+g.cfg.TCP[i], l)
	}
	return labels, files, err
}

// Export sends every connection and state that the other process does not have
// yet, between Freeze and what follows.
func (g *Gateway) Export(send sender) (handover.End, error) {
	var all sync.WaitGroup
	sessions, errs := make([]int, len(g.lanes)), make([]error, len(g.lanes))
	for i, r := range g.lanes {
		all.Go(func() { sessions[i], errs[i] = r.export(send) }) // ends when all of it is sent
	}
	all.Wait()
	end := handover.End{LastCall: g.lastCall.Load()}
	for _, n := range sessions {
		end.Sessions += n
	}
	if err := errors.Join(errs...); err != nil {
		return end, err
	}
	return end, errors.Join(g.exportMemory(send), g.exportStates(send))
}

// export sends the lane's connections, which stands still, and gives how many
// they are with those that were sent ahead.
func (r *runner) export(send sender) (sessions int, err error) {
	gone := bundle{send: send, kind: handover.KindGone}
	err = r.lane.Gone(func(conn uint64) error { return gone.grow(binary.AppendUvarint(gone.body, conn)) })
	if err == nil {
		err = gone.flush()
	}
	if err != nil {
		return 0, err
	}
	b := bundle{send: send, kind: handover.KindSession}
	kept, err := r.lane.Export(func(conn uint64, udp bool, body []byte) error {
		var p *pipe
		if !udp {
			if p = r.pipes[conn]; p == nil {
				return nil // its end is on the way to the lane
			}
		}
		sessions++
		return b.add(conn, body, p)
	})
	if err == nil {
		err = b.flush()
	}
	return kept + sessions, err
}

// sender sends a message to the other process. Several may send at once.
type sender = func(kind handover.Kind, body []byte, files ...int) error

// bundle gathers what is sent into messages.
type bundle struct {
	send  sender
	kind  handover.Kind
	body  []byte
	files []*os.File
}

// The bounds of a bundle: with the largest connection it fits into a message.
const (
	bundleBytes = 32 << 10
	bundleFiles = 200
)

// add adds a connection, and sends what there is when that is enough.
func (b *bundle) add(conn uint64, body []byte, p *pipe) error {
	if err := b.gather(conn, body, p); err != nil {
		return err
	}
	return b.grow(b.body)
}

// gather adds a connection.
func (b *bundle) gather(conn uint64, body []byte, p *pipe) error {
	f := ferry.Ferry{Bytes: b.body}
	tcp := p != nil
	f.Flags(&tcp)
	ferry.Number(&f, &conn)
	if tcp {
		c, ok := p.conn.(*net.TCPConn)
		if !ok {
			return fmt.Errorf("a connection of kind %T cannot be handed over", p.conn)
		}
		file, err := c.File()
		if err != nil {
			return err
		}
		b.files = append(b.files, file)
		p.mu.Lock()
		unsent := p.unsent
		p.mu.Unlock()
		ferry.Words(&f, &unsent)
	}
	ferry.Words(&f, &body)
	b.body = f.Bytes
	return nil
}

// grow makes body what the message has, and sends it when that is enough.
func (b *bundle) grow(body []byte) error {
	b.body = body
	if len(b.body) >= bundleBytes || len(b.files) >= bundleFiles {
		return b.flush()
	}
	return nil
}

func (b *bundle) flush() error {
	defer func() { b.body, b.files = b.body[:0], closed(b.files) }()
	if len(b.body) == 0 {
		return nil
	}
	return b.send(b.kind, b.body, numbers(b.files)...)
}

// closed closes copies and gives an empty list.
func closed(files []*os.File) []*os.File {
	for _, f := range files {
		_ = f.Close() // a copy
	}
	return files[:0]
}

// numbers gives the files' descriptors without changing how they wait.
func numbers(files []*os.File) []int {
	var fds []int
	for _, f := range files {
		if raw, err := f.SyscallConn(); err == nil {
			_ = raw.Control(func(fd uintptr) { fds = append(fds, int(fd)) })
		}
	}
	return fds
}
