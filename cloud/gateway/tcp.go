package gateway

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
	"github.com/cyan-cloud/cyan/cloud/gateway/socket"
)

// maxUnsent bounds what waits to be written to a device on TCP; one that does
// not take it is cut off.
const maxUnsent = 64 << 10

// lastWords is how long a device has to take what is still to be written when
// its connection ends.
const lastWords = 5 * time.Second

// pipe is a TCP connection: a goroutine reads it, another writes while there
// is something to write.
type pipe struct {
	id    uint64
	conn  net.Conn
	pipes *pipes
	// taken is signalled when the lane has taken the last piece: there is
	// never more than one on its way.
	taken chan struct{}
	gone  chan struct{} // closed with the connection

	held atomic.Int64 // nanoseconds for which no more is to be read

	mu      sync.Mutex
	unsent  []byte // guarded by mu, as the next
	writing bool
	last    bool // nothing more will be written: close when all is
	closed  bool
	still   chan struct{} // not nil: nothing is to be written; closed when nobody does
}

// pipes are the connections that are open, so that the end of the gateway is
// the end of them all.
type pipes struct {
	mu     sync.Mutex
	open   map[*pipe]struct{} // guarded by mu
	closed bool               // guarded by mu: no more are taken in
	halt   halt
	most   int            // set before the first comes
	busy   sync.WaitGroup // goroutines that read or write one
}

// add takes in a connection and the goroutine that reads it; false: it is too
// late, or there are too many. The lanes have a closer eye on that: what comes in
// here beyond is what they have not looked at yet.
func (ps *pipes) add(p *pipe, read func()) bool {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if ps.closed || len(ps.open) >= ps.most {
		return false
	}
	ps.open[p] = struct{}{}
	ps.busy.Go(read)
	return true
}

func (ps *pipes) remove(p *pipe) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	delete(ps.open, p)
}

// close ends every connection, and waits until nobody reads or writes one.
func (ps *pipes) close() {
	ps.mu.Lock()
	ps.closed = true
	var list []*pipe
	for p := range ps.open {
		list = append(list, p)
	}
	ps.mu.Unlock()
	for _, p := range list {
		p.close()
	}
	ps.busy.Wait()
}

// accept takes devices in until the listener is closed.
func (g *Gateway) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded) {
			return // for ever, or until a hand-over came to nothing
		}
		if err != nil {
			// Out of file descriptors, most likely: wait for some to come back.
			g.m.Dropped(dropAccept)
			g.log.Error("accepting a device on tcp", "err", err)
			select {
			case <-g.stopped:
				return
			case <-time.After(50 * time.Millisecond):
			}
			continue
		}
		g.open(c)
	}
}

// open gives a new connection to the lane that its address hashes to.
func (g *Gateway) open(c net.Conn) {
	from, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		c.Close()
		return
	}
	at := g.guide.LaneOf(from)
	p := g.newPipe(c, at)
	r := g.lanes[at]
	read := func() { // ends when the connection does
		r.mail.put(input{In: lane.In{Kind: lane.StreamOpened, Conn: p.id, From: netip.AddrPortFrom(from.Addr().Unmap(), from.Port())}, pipe: p})
		g.readPipe(r, p)
	}
	if g.pipes.halt.is() {
		c.Close() // it came at the last moment, and comes again
		return
	}
	if !g.pipes.add(p, read) {
		g.m.Dropped(lane.DropStreams)
		c.Close()
	}
}

// newPipe makes the pipe of a connection.
func (g *Gateway) newPipe(c net.Conn, lane int) *pipe {
	if t, ok := c.(*net.TCPConn); ok {
		// A half-open connection is noticed by our own clock; this only frees
		// the socket of one that takes no data.
		_ = t.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 10 * time.Second, Count: 3})
	}
	return &pipe{
		id: streamBit | g.lastStream.Add(1)<<8 | uint64(lane), conn: c, pipes: &g.pipes, taken: make(chan struct{}, 1), gone: make(chan struct{}),
	}
}

// streamBit tells the connection ids of streams from the lanes' own.
const streamBit = 1 << 63

// readPipe passes on what the device sends, a piece at a time.
func (g *Gateway) readPipe(r *runner, p *pipe) {
	defer g.pipes.halt.reads(p)()
	for {
		buf := packets.Get().(*socket.Packet)
		n, err := p.conn.Read(buf.Data[:])
		if n > 0 {
			r.mail.leave(input{In: lane.In{Kind: lane.StreamData, Conn: p.id, Data: buf.Data[:n]}, buffer: buf, pipe: p})
			r.drive()
			select {
			case <-p.taken:
			case <-g.stopped:
				return
			}
			p.rest()
		} else {
			packets.Put(buf)
		}
		if err != nil && g.pipes.halt.caused(err) {
			return
		}
		if err != nil {
			r.tell(lane.In{Kind: lane.StreamClosed, Conn: p.id, Err: err})
			return
		}
	}
}

// hold has no more read for a while. What was read already is not affected.
func (p *pipe) hold(d time.Duration) { p.held.Store(int64(d)) }

// rest waits for as long as nothing is to be read, or for the end.
func (p *pipe) rest() {
	d := time.Duration(p.held.Swap(0))
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.pipes.halt.wanted():
	case <-p.gone:
	}
}

// write sends b without waiting for it; false: the device does not take what
// was sent before, and is cut off.
func (p *pipe) write(b []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return true
	}
	if len(p.unsent)+len(b) > maxUnsent {
		return false
	}
	p.unsent = append(p.unsent, b...)
	if !p.writing && p.still == nil {
		p.writing = true
		p.pipes.busy.Go(p.drain) // ends when nothing is left to write, or with the connection
	}
	return true
}

func (p *pipe) drain() {
	var mine []byte
	for {
		p.mu.Lock()
		if p.hush() {
			p.mu.Unlock()
			return
		}
		mine, p.unsent = p.unsent, nil
		if len(mine) == 0 || p.closed {
			p.writing = false
			last := p.last
			p.mu.Unlock()
			if last {
				p.close()
			}
			return
		}
		p.mu.Unlock()
		if n, err := p.conn.Write(mine); err != nil && !p.putBack(mine[n:]) {
			p.close()
		}
	}
}

// finish closes the connection when all that is to be written is, or when the
// device does not take it.
func (p *pipe) finish() {
	p.mu.Lock()
	p.last = true
	now := !p.writing
	p.mu.Unlock()
	if now {
		p.close()
		return
	}
	_ = p.conn.SetWriteDeadline(time.Now().Add(lastWords))
}

func (p *pipe) close() {
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		close(p.gone)
	}
	p.mu.Unlock()
	p.conn.Close()
	p.pipes.remove(p)
}
