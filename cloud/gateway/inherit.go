package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/cyan-cloud/cyan/cloud/gateway/handover"
	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
	"github.com/cyan-cloud/cyan/cloud/gateway/onward"
	"github.com/cyan-cloud/cyan/cloud/gateway/roster"
	"github.com/cyan-cloud/cyan/cloud/gateway/socket"
	"github.com/cyan-cloud/cyan/internal/ferry"
)

// Inherit is what a gateway begins with that takes the place of another
// process's: Start opens it and reads from nobody, Adopt takes up what the
// other had, and Open begins.
type Inherit struct {
	// Sockets are those of the other, by label: "udp " or "tcp " and the address
	// as it was configured. Those that this one wants are taken.
	Sockets map[string]*os.File
	// Clock is how far the other's clock is ahead of the system's.
	Clock time.Duration
}

// take gives the socket with the label, which is the caller's then.
func (in *Inherit) take(label string) *os.File {
	if in == nil {
		return nil
	}
	f := in.Sockets[label]
	delete(in.Sockets, label)
	return f
}

// udp gives the socket at an address: the other's, or a new one.
func (in *Inherit) udp(address string) (socket.Socket, error) {
	f := in.take("udp " + address)
	if f == nil {
		return socket.Listen(address)
	}
	defer f.Close()
	c, err := net.FilePacketConn(f)
	if err != nil {
		return nil, err
	}
	u, ok := c.(*net.UDPConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("what was handed over is a %T", c), c.Close())
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return socket.Of(u, host == "")
}

// Listen gives the listener with the label, or a new one at the address.
func (in *Inherit) Listen(ctx context.Context, label, address string) (net.Listener, error) {
	f := in.take(label)
	if f == nil {
		return socket.ListenTCP(ctx, address)
	}
	defer f.Close()
	return net.FileListener(f)
}

// Adopt takes up a message of the other process's. Nothing of it is acted on
// before Open.
func (g *Gateway) Adopt(m handover.Message) error {
	f := ferry.Ferry{Bytes: m.Body, Landing: true}
	files := m.Files
	defer func() { closed(files) }()
	now := g.now()
	for len(f.Bytes) > 0 && !f.Bad {
		switch m.Kind {
		case handover.KindState:
			g.adoptState(&f)
			continue
		case handover.KindMemory:
			g.adoptMemory(&f)
			continue
		case handover.KindGone:
			g.adoptEnd(&f)
			continue
		}
		var tcp bool
		var conn uint64
		var unsent, body []byte
		f.Flags(&tcp)
		if ferry.Number(&f, &conn); tcp {
			ferry.Words(&f, &unsent)
		}
		if ferry.Words(&f, &body); f.Bad || tcp && len(files) == 0 {
			return handover.ErrMessage
		}
		var err error
		switch {
		case tcp:
			err = g.adoptStream(now, files[0], unsent, body)
			files = files[1:]
		case m.Kind == handover.KindAhead:
			// One after the other, as it was: what comes later is the truth.
			err = g.lanes[g.laneFor(body)].adopt(now, conn, body)
		default:
			at := g.laneFor(body)
			g.adopting.Do(at, len(g.lanes), func() error { return g.lanes[at].adopt(now, conn, body) })
		}
		if err != nil {
			return err
		}
	}
	if f.Bad {
		return handover.ErrMessage
	}
	return nil
}

// laneFor finds the lane of a connection on UDP that comes from elsewhere.
func (g *Gateway) laneFor(body []byte) int {
	id, cid, ok := lane.Peek(body)
	if !ok {
		return 0 // which will not be able to read it either
	}
	return roster.LaneOf(id, cid, len(g.lanes))
}

// adoptStream takes up a connection on TCP, without reading or writing it.
func (g *Gateway) adoptStream(now time.Time, file *os.File, unsent, body []byte) error {
	c, err := net.FileConn(file)
	_ = file.Close() // there is a copy now
	if err != nil {
		return err
	}
	from, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		_ = c.Close()
		return err
	}
	at := g.guide.LaneOf(from)
	p := g.newPipe(c, at)
	p.unsent, p.still = unsent, make(chan struct{})
	g.inherited = append(g.inherited, p)
	g.adopting.Do(at, len(g.lanes), func() error { return g.lanes[at].adoptStream(now, p, body) })
	return nil
}

// adoptStream takes up a connection on TCP.
func (r *runner) adoptStream(now time.Time, p *pipe, body []byte) error {
	r.pipes[p.id] = p
	_, err := r.lane.Adopt(now, p.id, body, &r.outs)
	r.perform(now)
	return err
}

// adopt takes up a connection on UDP, which was another's with the id, or what
// has become of it since it came ahead.
func (r *runner) adopt(now time.Time, was uint64, body []byte) error {
	r.dismiss(was)
	id, err := r.lane.Adopt(now, 0, body, &r.outs)
	r.perform(now)
	if r.came == nil {
		r.came = map[uint64]uint64{}
	}
	r.came[was] = id
	return err
}

// dismiss forgets a connection that came ahead, if it did.
func (r *runner) dismiss(was uint64) {
	if id, ok := r.came[was]; ok {
		r.lane.Dismiss(id, &r.outs)
		r.perform(r.g.now())
		delete(r.came, was)
	}
}

// adoptEnd forgets a connection that came ahead and has ended since. Which lane
// has it is not said.
func (g *Gateway) adoptEnd(f *ferry.Ferry) {
	var was uint64
	if ferry.Number(f, &was); f.Bad {
		return
	}
	for at, r := range g.lanes {
		g.adopting.Do(at, len(g.lanes), func() error {
			r.dismiss(was)
			return nil
		})
	}
}

// Adopted waits until every connection was taken up and gives how many they
// are, or why one could not be.
func (g *Gateway) Adopted() (n int, err error) {
	err = g.adopting.End()
	for _, r := range g.lanes {
		n += r.lane.Stats().Conns
	}
	return n, err
}

// Restored gives how many sessions were taken up from the store at the start.
func (g *Gateway) Restored() int { return g.restored }

// Transports gives how many devices are connected by UDP, and by TCP.
func (g *Gateway) Transports() (udp, tcp int) {
	connected, _ := g.Count()
	g.pipes.mu.Lock()
	defer g.pipes.mu.Unlock()
	tcp = min(len(g.pipes.open), connected)
	return connected - tcp, tcp
}

// Open begins to serve: nobody else does. Answers to calls that the other
// process made, whose ids go up to last, go to answer.
func (g *Gateway) Open(last uint64, answer func(body []byte)) {
	g.lastCall.Store(last)
	g.ancestors.Store(&ancestors{last: last, answer: answer})
	for _, r := range g.lanes {
		r.came = nil
	}
	g.serve(g.life, g.table.Unheard())
	for _, p := range g.inherited {
		r := g.lanes[p.id&0xff]
		g.pipes.add(p, func() { g.readPipe(r, p) })
		p.speak()
	}
	g.inherited = nil
}

// ancestors are the calls of the process before.
type ancestors struct {
	last   uint64
	answer func(body []byte)
}

// answerWords is the answer to a call on its way to the process that made it.
type answerWords struct {
	Answer lane.Answer
	Fault  *onward.Fault
}

// passed gives an answer to the process that made the call, if it was another.
func (g *Gateway) passed(a *lane.Answer) bool {
	before := g.ancestors.Load()
	if before == nil || a.ID > before.last {
		return false
	}
	w := answerWords{Answer: *a, Fault: onward.FaultOf(a.Err)}
	w.Answer.Err = nil
	before.answer(onward.Encode(&w))
	return true
}

// Inherited takes the answer to a call that was made here and answered there.
func (g *Gateway) Inherited(body []byte) {
	var w answerWords
	if onward.Decode(body, &w) != nil {
		return
	}
	w.Answer.Err = w.Fault.Err()
	g.answered(&w.Answer)
}

// LetGo gives the devices up: another process has them. What comes here still
// goes on to it. Their sockets are closed here, and open there.
func (g *Gateway) LetGo(to *onward.Successor) {
	h := &g.passing
	h.mu.Lock()
	h.successor = to
	for _, e := range h.diverted {
		to.Event(e)
	}
	if h.lost > 0 {
		g.log.Error("events were lost to a hand-over that took too long", "events", h.lost)
	}
	undone, decided, paused := h.undone, h.decided, h.paused
	h.diverted, h.undone = nil, nil
	h.mu.Unlock()
	g.cancel()
	close(paused) // the lanes end
	g.closeDoors()
	g.pipes.close()
	g.running.Wait()
	for _, do := range undone {
		do()
	}
	close(decided)
}
