// Package turnstile lets so many connections through a listener at a time, in
// all and from one source. What is beyond is closed at once, before anything is
// read of it.
package turnstile

import (
	"net"
	"net/netip"
	"sync"
)

// Why a connection was refused.
const (
	TooMany    = "too_many"    // in all
	FromSource = "from_source" // from one source
)

// Config says how many may pass. Its zero value lets everybody through.
type Config struct {
	Most    int                 // open at once; 0: no bound
	Source  int                 // open at once from one IPv4 address, or one /64 of IPv6; 0: no bound
	Refused func(reason string) // told of each that was refused; nil: nobody is
}

// Turnstile counts connections. Several listeners may share one.
type Turnstile struct {
	cfg Config

	mu   sync.Mutex
	open int                // guarded by mu
	from map[netip.Addr]int // guarded by mu; no more entries than connections
}

// New makes a turnstile through which nobody has gone.
func New(cfg Config) *Turnstile {
	return &Turnstile{cfg: cfg, from: map[netip.Addr]int{}}
}

// Before stands before l.
func (t *Turnstile) Before(l net.Listener) net.Listener { return &listener{l, t} }

type listener struct {
	net.Listener
	t *Turnstile
}

// Accept gives the next connection that there is a place for.
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := sourceOf(c.RemoteAddr())
		why := l.t.enter(from)
		if why == "" {
			return &conn{Conn: c, t: l.t, from: from}, nil
		}
		_ = c.Close()
		if l.t.cfg.Refused != nil {
			l.t.cfg.Refused(why)
		}
	}
}

// enter takes a place, or tells why there is none.
func (t *Turnstile) enter(from netip.Addr) (why string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.cfg.Most > 0 && t.open >= t.cfg.Most:
		return TooMany
	case t.cfg.Source > 0 && t.from[from] >= t.cfg.Source:
		return FromSource
	}
	t.open++
	t.from[from]++
	return ""
}

func (t *Turnstile) leave(from netip.Addr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open--
	if t.from[from]--; t.from[from] <= 0 {
		delete(t.from, from)
	}
}

// conn gives its place back when it is closed.
type conn struct {
	net.Conn
	t    *Turnstile
	from netip.Addr
	once sync.Once
}

// NetConn gives the connection that came.
func (c *conn) NetConn() net.Conn { return c.Conn }

// Close closes the connection.
func (c *conn) Close() error {
	c.once.Do(func() { c.t.leave(c.from) })
	return c.Conn.Close()
}

// sourceOf is the zero address for what is no address of IP.
func sourceOf(a net.Addr) netip.Addr {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	from := t.AddrPort().Addr().Unmap().WithZone("")
	if from.Is4() {
		return from
	}
	return netip.PrefixFrom(from, 64).Masked().Addr()
}
