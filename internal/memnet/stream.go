package memnet

import (
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"
)

const (
	backlog = 128       // streams that wait to be accepted; more are refused
	buffer  = 64 * 1024 // bytes in flight in one direction; a writer waits for room
)

// Listener waits for streams. It is a net.Listener.
type Listener struct {
	network *Network
	at      netip.AddrPort

	mu      sync.Mutex
	changed sync.Cond
	waiting []*Conn // guarded by mu; at most backlog
	closed  bool    // guarded by mu
}

// offer queues the far end of a new stream, unless nobody will take it.
func (l *Listener) offer(c *Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.waiting) == backlog {
		return false
	}
	l.waiting = append(l.waiting, c)
	l.changed.Broadcast()
	return true
}

// Accept waits for the next stream.
func (l *Listener) Accept() (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.waiting) == 0 && !l.closed {
		l.changed.Wait()
	}
	if l.closed {
		return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: l.Addr(), Err: net.ErrClosed}
	}
	c := l.waiting[0]
	l.waiting = l.waiting[1:]
	return c, nil
}

// Close stops listening and resets the streams nobody accepted.
func (l *Listener) Close() error {
	l.network.mu.Lock()
	if l.network.listeners[l.at] == l {
		delete(l.network.listeners, l.at)
	}
	l.network.mu.Unlock()

	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for _, c := range l.waiting {
		c.Reset()
	}
	l.waiting = nil
	l.changed.Broadcast()
	return nil
}

// Addr is where it listens.
func (l *Listener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.at) }

// Conn is one end of a stream. It is a net.Conn.
type Conn struct {
	in, out       *flow
	local, remote netip.AddrPort
}

// pair makes both ends of a stream.
func pair(a, b netip.AddrPort) (atA, atB *Conn) {
	ab, ba := newFlow(), newFlow()
	return &Conn{in: ba, out: ab, local: a, remote: b}, &Conn{in: ab, out: ba, local: b, remote: a}
}

// Read takes what has arrived, io.EOF after the other end closed.
func (c *Conn) Read(p []byte) (int, error) { return c.in.read(p) }

// Write sends, waiting for room as long as the write deadline allows.
func (c *Conn) Write(p []byte) (int, error) { return c.out.write(p) }

// Close ends the stream: the other end reads what was sent before, then EOF.
func (c *Conn) Close() error {
	c.out.update(func(f *flow) { f.sealed = true })
	c.in.update(func(f *flow) { f.deaf, f.held = true, nil })
	return nil
}

// CloseWrite ends only what this end sends.
func (c *Conn) CloseWrite() error {
	c.out.update(func(f *flow) { f.sealed = true })
	return nil
}

// Reset breaks the stream at once: both ends fail with ECONNRESET and what
// was under way is lost.
func (c *Conn) Reset() {
	for _, f := range [...]*flow{c.in, c.out} {
		f.update(func(f *flow) { f.broken, f.held = true, nil })
	}
}

// LocalAddr is this end's address.
func (c *Conn) LocalAddr() net.Addr { return net.TCPAddrFromAddrPort(c.local) }

// RemoteAddr is the other end's address.
func (c *Conn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.remote) }

// SetDeadline sets both deadlines; the zero time is none.
func (c *Conn) SetDeadline(t time.Time) error {
	c.in.update(func(f *flow) { f.readBy.set(t, &f.changed) })
	c.out.update(func(f *flow) { f.writeBy.set(t, &f.changed) })
	return nil
}

// SetReadDeadline sets when reading gives up.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.in.update(func(f *flow) { f.readBy.set(t, &f.changed) })
	return nil
}

// SetWriteDeadline sets when writing gives up.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	c.out.update(func(f *flow) { f.writeBy.set(t, &f.changed) })
	return nil
}

// flow is one direction of a stream. Everything is guarded by mu.
type flow struct {
	mu              sync.Mutex
	changed         sync.Cond
	held            []byte // sent and not yet read; at most buffer
	sealed          bool   // the writer has closed
	deaf            bool   // the reader has closed
	broken          bool   // reset
	readBy, writeBy alarm
}

func newFlow() *flow {
	f := &flow{}
	f.changed.L = &f.mu
	return f
}

func (f *flow) update(change func(*flow)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
	f.changed.Broadcast()
}

func (f *flow) read(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for {
		switch {
		case f.deaf:
			return 0, net.ErrClosed
		case f.broken:
			return 0, syscall.ECONNRESET
		case f.readBy.passed:
			return 0, os.ErrDeadlineExceeded
		case len(f.held) > 0:
			n := copy(p, f.held)
			f.held = f.held[n:]
			f.changed.Broadcast()
			return n, nil
		case f.sealed:
			return 0, io.EOF
		}
		f.changed.Wait()
	}
}

func (f *flow) write(p []byte) (n int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for {
		switch {
		case f.sealed:
			return n, net.ErrClosed
		case f.broken:
			return n, syscall.ECONNRESET
		case f.deaf:
			return n, syscall.EPIPE
		case f.writeBy.passed:
			return n, os.ErrDeadlineExceeded
		}
		room := min(buffer-len(f.held), len(p)-n)
		f.held = append(f.held, p[n:n+room]...)
		n += room
		f.changed.Broadcast()
		if n == len(p) {
			return n, nil
		}
		f.changed.Wait()
	}
}
