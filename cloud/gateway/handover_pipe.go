package gateway

import (
	"errors"
	"os"
	"slices"
	"sync"
	"time"
)

// past is a deadline that has passed: it ends whatever waits for a connection.
func past() time.Time { return time.Unix(1, 0) }

// halt stops the reading of pipes, and lets it go on.
type halt struct {
	mu   sync.Mutex
	want chan struct{}      // guarded by mu; nil or open: pipes are read
	on   bool               // guarded by mu
	who  map[*pipe]struct{} // guarded by mu; pipes that are being read
	idle chan struct{}      // guarded by mu; closed when none is, once on
}

// wanted gives a channel that is closed when reading is to stop.
func (p *halt) wanted() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.want == nil {
		p.want = make(chan struct{})
	}
	return p.want
}

func (p *halt) is() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.on
}

// read tells whether somebody reads the pipe.
func (p *halt) read(by *pipe) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, ok := p.who[by]
	return ok
}

// caused tells whether an error of reading is only that reading is to stop.
func (p *halt) caused(err error) bool { return p.is() && errors.Is(err, os.ErrDeadlineExceeded) }

// reads notes that a pipe is read, until done is called.
func (p *halt) reads(by *pipe) (done func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.who == nil {
		p.who = map[*pipe]struct{}{}
	}
	p.who[by] = struct{}{}
	if p.on {
		_ = by.conn.SetReadDeadline(past())
	}
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.who, by)
		if p.on && len(p.who) == 0 && p.idle != nil {
			close(p.idle)
			p.idle = nil
		}
	}
}

// begin has the reading of all pipes end at the border of what was read. It
// gives a channel that is closed when it has.
func (p *halt) begin() <-chan struct{} {
	_ = p.wanted() // there is something to close
	p.mu.Lock()
	defer p.mu.Unlock()
	idle := make(chan struct{})
	p.on = true
	close(p.want)
	for by := range p.who {
		_ = by.conn.SetReadDeadline(past())
	}
	if len(p.who) == 0 {
		close(idle)
	} else {
		p.idle = idle
	}
	return idle
}

func (p *halt) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.on, p.want, p.idle = false, nil, nil
}

// readOn has all pipes read again.
func (ps *pipes) readOn(g *Gateway) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for p := range ps.open {
		_ = p.conn.SetReadDeadline(time.Time{})
		if ps.halt.read(p) {
			continue // its reader did not stop
		}
		ps.busy.Go(func() { g.readPipe(g.lanes[p.id&0xff], p) }) // ends when the connection does
	}
}

// silence has the pipe's writing end where it is, be it in the middle of a
// frame because the device takes no more, and gives what is left to write.
func (p *pipe) silence() (unsent []byte) {
	p.mu.Lock()
	p.still = make(chan struct{})
	still, busy := p.still, p.writing
	if busy {
		_ = p.conn.SetWriteDeadline(past())
	}
	p.mu.Unlock()
	if busy {
		<-still
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.unsent
}

// speak lets the pipe be written again.
func (p *pipe) speak() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.still == nil {
		return
	}
	p.still = nil
	_ = p.conn.SetWriteDeadline(time.Time{})
	if len(p.unsent) > 0 && !p.writing && !p.closed {
		p.writing = true
		p.pipes.busy.Go(p.drain) // as in write
	}
}

// hush ends the writer when nothing is to be written. Caller holds mu.
func (p *pipe) hush() bool {
	if p.still == nil || p.last {
		return false
	}
	p.writing = false
	close(p.still)
	return true
}

// putBack keeps what a writer was made to leave unwritten; false: it was not
// made to, the connection is broken.
func (p *pipe) putBack(rest []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.still == nil || p.last || p.closed {
		return false
	}
	p.unsent = append(slices.Clip(rest), p.unsent...)
	return true
}
