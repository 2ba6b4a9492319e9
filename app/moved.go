package app

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// movable is a connection of the HTTP API that can go to another process
// between two requests, where nothing of it is in this process's memory.
type movable struct {
	net.Conn
	all *movables

	mu      sync.Mutex
	idle    bool // between two requests
	touched bool // something was read since the latest answer was written
	leaving bool // it is to go as soon as it is idle
	forced  bool // its reading was ended for that
	gone    bool
}

// movables are those that are open.
type movables struct {
	mu      sync.Mutex
	open    map[*movable]struct{} // guarded by mu
	leaving bool                  // guarded by mu
	empty   chan struct{}         // guarded by mu; closed when, leaving, none is left
	send    func(fd int) error    // guarded by mu
}

// listener makes connections that can be moved.
func (m *movables) listener(l net.Listener) net.Listener { return &movableListener{l, m} }

type movableListener struct {
	net.Listener
	all *movables
}

func (l *movableListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.all.add(c), nil
}

func (m *movables) add(c net.Conn) *movable {
	m.mu.Lock()
	defer m.mu.Unlock()
	v := &movable{Conn: c, all: m, idle: true, leaving: m.leaving, forced: m.leaving}
	if m.open == nil {
		m.open = map[*movable]struct{}{}
	}
	m.open[v] = struct{}{}
	if m.leaving {
		_ = c.SetReadDeadline(time.Unix(1, 0))
	}
	return v
}

func (m *movables) remove(v *movable) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.open, v)
	if m.leaving && len(m.open) == 0 && m.empty != nil {
		close(m.empty)
		m.empty = nil
	}
}

// hook follows a server's connections. See http.Server.ConnState.
func (m *movables) hook(c net.Conn, state http.ConnState) {
	v, ok := c.(*movable)
	if !ok {
		return
	}
	switch state {
	case http.StateHijacked:
		m.remove(v)
	case http.StateIdle:
		v.rest(true)
	case http.StateActive:
		v.rest(false)
	}
}

func (v *movable) rest(idle bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.idle = idle
	v.goIfIdle()
}

// goIfIdle has the server close a connection that is to go, unless something of
// the next request is here already: that one is still served. Caller holds mu.
func (v *movable) goIfIdle() {
	if v.leaving && v.idle && !v.touched {
		v.forced = true
		_ = v.Conn.SetReadDeadline(time.Unix(1, 0))
	}
}

// leave sends every connection away as soon as it is idle, and waits until none
// is left, or for ctx.
func (m *movables) leave(ctx context.Context, send func(fd int) error) {
	m.mu.Lock()
	m.leaving, m.send = true, send
	empty := make(chan struct{})
	m.empty = empty
	var list []*movable
	for v := range m.open {
		list = append(list, v)
	}
	if len(list) == 0 {
		close(empty)
		m.empty = nil
	}
	m.mu.Unlock()
	for _, v := range list {
		v.mu.Lock()
		v.leaving = true
		v.goIfIdle()
		v.mu.Unlock()
	}
	select {
	case <-empty:
	case <-ctx.Done():
	}
}

// Read reads, and notes that the connection is not as it was.
func (v *movable) Read(b []byte) (int, error) {
	n, err := v.Conn.Read(b)
	if n > 0 {
		v.mu.Lock()
		v.touched = true
		if v.forced { // it came at the last moment: the server reads on
			v.forced = false
			_ = v.Conn.SetReadDeadline(time.Time{})
		}
		v.mu.Unlock()
	}
	return n, err
}

// Write writes an answer: what is read after it belongs to the next request,
// even before the server looks for one.
func (v *movable) Write(b []byte) (int, error) {
	v.mu.Lock()
	v.touched = false
	v.mu.Unlock()
	return v.Conn.Write(b)
}

// SetReadDeadline leaves that of a connection that is to go.
func (v *movable) SetReadDeadline(t time.Time) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.forced {
		t = time.Unix(1, 0)
	}
	return v.Conn.SetReadDeadline(t)
}

// NetConn gives the connection that came.
func (v *movable) NetConn() net.Conn { return v.Conn }

// Close closes the connection here. One that is to go and in which nothing of
// a request was read goes to the other process.
func (v *movable) Close() error {
	v.mu.Lock()
	goes := v.leaving && v.idle && !v.touched && !v.gone
	v.gone = true
	v.mu.Unlock()
	if goes {
		v.move()
	}
	err := v.Conn.Close()
	v.all.remove(v)
	return err
}

func (v *movable) move() {
	f, err := fileOf(v.Conn)
	if err != nil {
		return // it is closed, and its client connects again
	}
	defer f.Close()
	v.all.mu.Lock()
	send := v.all.send
	v.all.mu.Unlock()
	for _, fd := range descriptors([]*os.File{f}) {
		_ = send(fd) // likewise
	}
}

// fileOf gives a copy of what is at the bottom of a connection.
func fileOf(c net.Conn) (*os.File, error) {
	for {
		inner, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			break
		}
		c = inner.NetConn()
	}
	filer, ok := c.(interface{ File() (*os.File, error) })
	if !ok {
		return nil, fmt.Errorf("a connection of kind %T cannot be passed on", c)
	}
	return filer.File()
}

// arrivals is a listener of connections that come from another process.
type arrivals struct {
	at    net.Addr
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newArrivals(at net.Addr) *arrivals {
	return &arrivals{at: at, conns: make(chan net.Conn), done: make(chan struct{})}
}

func (a *arrivals) put(c net.Conn) {
	select {
	case a.conns <- c:
	case <-a.done:
		_ = c.Close() // the server stops
	}
}

// Accept is net.Listener's, as the rest.
func (a *arrivals) Accept() (net.Conn, error) {
	select {
	case c := <-a.conns:
		return c, nil
	case <-a.done:
		return nil, net.ErrClosed
	}
}

// Close is net.Listener's.
func (a *arrivals) Close() error {
	a.once.Do(func() { close(a.done) })
	return nil
}

// Addr is net.Listener's.
func (a *arrivals) Addr() net.Addr { return a.at }
