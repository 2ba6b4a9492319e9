package live

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/sim"
)

// Config says what to run, and where.
type Config struct {
	// Device is the device. Its Server is set to Server, its Memory to what is
	// in MemoryFile, and a zero Seed to a random one.
	Device sim.Config
	// Server is the cloud's host:port for the device's transport.
	Server string
	// MemoryFile keeps what a device keeps over a restart, so that the next
	// run resumes the session. It holds keys: mode 0600. Empty: nothing is kept.
	MemoryFile string
	// Dial opens sockets; nil: a net.Dialer with a timeout of 20 s.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// The functions below are called by Run's goroutine, one at a time; nil:
	// nobody wants to know.

	OnLED   func(now time.Time, led sim.LED)
	OnNote  func(now time.Time, level sim.Level, text string)
	OnPhase func(now time.Time, phase sim.Phase)
}

const (
	dialTimeout = 20 * time.Second
	readBuffer  = 2048
	// inboxSize bounds the inputs that wait for a busy Process; Tell waits
	// when it is full.
	inboxSize = 64
)

// Process is a device that runs, or can be run.
type Process struct {
	// Set at New.
	cfg    Config
	device *sim.Device

	// Owned by Run.
	phase sim.Phase
	buf   [readBuffer]byte
	next  []sim.Input // what the last outputs led to

	inbox chan sim.Input // from Tell; never closed

	// Guarded by mu.
	mu   sync.Mutex
	conn net.Conn // nil: no socket
}

// New prepares a device that is off.
func New(cfg Config) (*Process, error) {
	cfg.Device.Server = cfg.Server
	if cfg.Device.Seed == ([32]byte{}) {
		rand.Read(cfg.Device.Seed[:])
	}
	if cfg.MemoryFile != "" {
		memory, err := os.ReadFile(cfg.MemoryFile)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
		cfg.Device.Memory = memory
	}
	if cfg.Dial == nil {
		cfg.Dial = (&net.Dialer{Timeout: dialTimeout}).DialContext
	}
	device, err := sim.New(cfg.Device)
	if err != nil {
		return nil, err
	}
	return &Process{cfg: cfg, device: device, inbox: make(chan sim.Input, inboxSize)}, nil
}

// Tell gives the device an input, as if it happened now. It may be called by
// any goroutine, and waits while the device has too many to look at.
func (p *Process) Tell(in sim.Input) {
	p.inbox <- in
	p.interrupt()
}

// Run switches the device on and returns when ctx is done and the power is
// off: at once, without a word to the server. To leave with a Goodbye, Tell it
// sim.Disconnect first. The error is one of the memory file.
func (p *Process) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, p.interrupt)
	defer stop()
	defer p.hangUp()
	err := p.step(ctx, sim.PowerOn{})
	for err == nil && ctx.Err() == nil {
		err = p.step(ctx, p.await(ctx))
	}
	if last := p.step(ctx, sim.PowerOff{}); err == nil {
		err = last
	}
	return err
}

// step tells the device one thing and performs what it does about it.
func (p *Process) step(ctx context.Context, in sim.Input) error {
	now := time.Now()
	var err error
	for _, out := range p.device.Step(now, in) {
		switch out := out.(type) {
		case sim.Open:
			p.open(ctx, out.Transport)
		case sim.Close:
			p.hangUp()
		case sim.Send:
			p.send(out.Data)
		case sim.Show:
			if p.cfg.OnLED != nil {
				p.cfg.OnLED(now, out.LED)
			}
		case sim.Note:
			if p.cfg.OnNote != nil {
				p.cfg.OnNote(now, out.Level, out.Text)
			}
		case sim.Keep:
			err = p.keep()
		}
	}
	if phase := p.device.Phase(); phase != p.phase {
		p.phase = phase
		if p.cfg.OnPhase != nil {
			p.cfg.OnPhase(now, phase)
		}
	}
	return err
}

// await returns the next input: what the last outputs led to, what somebody
// told, what the socket gave, or that the deadline has come.
func (p *Process) await(ctx context.Context) sim.Input {
	if len(p.next) > 0 {
		in := p.next[0]
		p.next = p.next[1:]
		return in
	}
	deadline := p.device.Deadline()
	p.mu.Lock()
	conn := p.conn
	waiting := len(p.inbox) > 0 || ctx.Err() != nil
	if conn != nil && !waiting {
		_ = conn.SetReadDeadline(deadline)
	}
	p.mu.Unlock()
	if conn == nil || waiting {
		return p.idle(ctx, deadline)
	}
	n, err := conn.Read(p.buf[:])
	switch {
	case n > 0:
		return sim.Received{Data: p.buf[:n]}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return p.told()
	case p.cfg.Device.Transport == sim.TCP:
		p.hangUp()
		return sim.Closed{}
	}
	// A datagram without bytes, or an ICMP error, which devices don't see.
	return sim.Tick{}
}

// idle waits without a socket.
func (p *Process) idle(ctx context.Context, deadline time.Time) sim.Input {
	var due <-chan time.Time
	if !deadline.IsZero() {
		timer := time.NewTimer(time.Until(deadline))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case in := <-p.inbox:
		return in
	case <-due:
	case <-ctx.Done():
	}
	return sim.Tick{}
}

func (p *Process) told() sim.Input {
	select {
	case in := <-p.inbox:
		return in
	default:
		return sim.Tick{}
	}
}

// interrupt ends a Read, so that await looks around.
func (p *Process) interrupt() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conn != nil {
		_ = p.conn.SetReadDeadline(time.Unix(1, 0))
	}
}

func (p *Process) open(ctx context.Context, t sim.Transport) {
	p.hangUp()
	conn, err := p.cfg.Dial(ctx, t.String(), p.cfg.Server)
	if err != nil {
		p.next = append(p.next, sim.OpenFailed{Internet: reachable(err)})
		return
	}
	p.mu.Lock()
	p.conn = conn
	p.mu.Unlock()
	p.next = append(p.next, sim.Opened{})
}

// reachable tells what a device's test of the internet would say, from why
// the socket could not be had: an answer, if only a refusal, comes from there.
func reachable(err error) bool {
	var dns *net.DNSError
	return !errors.As(err, &dns) && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, os.ErrDeadlineExceeded)
}

// send writes a datagram or to the stream. A stream that doesn't take it
// within 20 s is broken; a datagram that isn't taken is lost.
func (p *Process) send(data []byte) {
	if p.conn == nil {
		return
	}
	_ = p.conn.SetWriteDeadline(time.Now().Add(dialTimeout))
	if _, err := p.conn.Write(data); err != nil && p.cfg.Device.Transport == sim.TCP {
		p.hangUp()
		p.next = append(p.next, sim.Closed{})
	}
}

func (p *Process) hangUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conn != nil {
		_ = p.conn.Close()
		p.conn = nil
	}
}

// keep writes the memory to its file, whole or not at all.
func (p *Process) keep() error {
	if p.cfg.MemoryFile == "" {
		return nil
	}
	memory := p.device.Memory()
	if memory == nil {
		if err := os.Remove(p.cfg.MemoryFile); !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return nil
	}
	f, err := os.CreateTemp(filepath.Dir(p.cfg.MemoryFile), ".memory-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(memory)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), p.cfg.MemoryFile)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}
