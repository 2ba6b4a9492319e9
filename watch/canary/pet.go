package canary

import (
	"context"
	"errors"
	"hash/crc32"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/sim/live"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// What a canary device offers and says. The names begin with its own, so that
// makers see at once whose they are.
const (
	function = "canary" // gives checksum of its argument
	variable = "canary" // is what was put there when the run began
)

func eventOut(id string) string { return "canary/" + id + "/out" }
func eventIn(id string) string  { return "canary/" + id + "/in" }

// checksum is what the function gives: that the right device has heard all of
// the argument.
func checksum(argument string) int32 {
	return int32(crc32.ChecksumIEEE([]byte(argument)) >> 1)
}

// pet is a virtual device that runs.
type pet struct {
	*live.Process
	id     string
	cancel context.CancelFunc
	done   chan struct{}
	heard  chan string // data of events
	want   int         // the port that it shall come from; zero: any

	mu       sync.Mutex // guards what follows
	phase    sim.Phase
	furthest sim.Phase
	shook    bool     // hands, and has not only resumed
	broken   *failure // a try has failed
	warning  string   // the last that the device noted
	local    int      // the port that it came from first
	changed  chan struct{}
}

// switchOn makes a device and gives it power. memory is the file of what it
// keeps, or empty.
func (c *Config) switchOn(ctx context.Context, address, word, memory string) (*pet, error) {
	p := &pet{
		id: c.Device.ID.String(), want: c.Port, done: make(chan struct{}), heard: make(chan string, 16), changed: make(chan struct{}),
	}
	cfg := live.Config{
		Server: address, MemoryFile: memory, Dial: p.dial, OnNote: p.noted, OnPhase: p.moved,
		Device: sim.Config{
			ID: c.Device.ID, Transport: c.Way.Transport, Key: c.Device.Private, ServerKey: c.Way.ServerKey,
			Application: p.application(word),
		},
	}
	process, err := live.New(cfg)
	if err != nil {
		return nil, &failure{ReasonCanary, err.Error()}
	}
	p.Process = process
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	p.cancel = cancel
	go func() { // ends with cut
		defer close(p.done)
		if err := process.Run(running); err != nil {
			p.fail(&failure{ReasonCanary, err.Error()})
		}
	}()
	return p, nil
}

func (p *pet) application(word string) sim.Application {
	return sim.Application{
		Functions: []sim.Function{{Name: function, Call: func(_ *sim.App, argument string) int32 { return checksum(argument) }}},
		Variables: []sim.Variable{{Name: variable, Value: spark.Value{Type: spark.TypeString, Text: word}}},
		Subscriptions: []sim.Subscription{{Prefix: eventIn(p.id), Handle: func(_ *sim.App, _ string, data []byte) {
			select {
			case p.heard <- string(data):
			default: // so many that nobody waits for them any more
			}
		}}},
	}
}

// dial opens the device's socket, and listens to what the system says of it: a
// device does not hear that a port is closed, a canary had better.
func (p *pet) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := p.dialFrom(ctx, network, address)
	if err != nil {
		reason, text := explain("", err, 0)
		p.fail(&failure{reason, text})
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.local == 0 {
		p.local = portOf(conn.LocalAddr())
	}
	return &ear{conn, p}, nil
}

// dialFrom opens a socket with the port that was asked for, if it is free.
func (p *pet) dialFrom(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	if p.want > 0 {
		d.LocalAddr = &net.UDPAddr{Port: p.want}
		if strings.HasPrefix(network, "tcp") {
			d.LocalAddr = &net.TCPAddr{Port: p.want}
		}
		if conn, err := d.DialContext(ctx, network, address); !errors.Is(err, syscall.EADDRINUSE) && !errors.Is(err, syscall.EADDRNOTAVAIL) {
			return conn, err
		}
		d.LocalAddr = nil
	}
	return d.DialContext(ctx, network, address)
}

func portOf(a net.Addr) int {
	at, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return 0
	}
	return int(at.Port())
}

// port is the port that the device came from; zero: it did not come so far.
func (p *pet) port() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.local
}

// ear is a socket that tells when nobody is at the other end.
type ear struct {
	net.Conn
	pet *pet
}

// Close leaves the port free for the next run that is to come from it, where
// nothing has come of this one.
func (e *ear) Close() error {
	if c, ok := e.Conn.(*net.TCPConn); ok && !e.pet.arrived() {
		_ = c.SetLinger(0)
	}
	return e.Conn.Close()
}

func (e *ear) Read(b []byte) (int, error) {
	n, err := e.Conn.Read(b)
	if err != nil && errors.Is(err, syscall.ECONNREFUSED) {
		e.pet.fail(&failure{ReasonRefused, err.Error()})
	}
	return n, err
}

func (p *pet) moved(_ time.Time, phase sim.Phase) {
	p.mu.Lock()
	defer p.mu.Unlock()
	was := p.phase
	p.phase, p.furthest = phase, max(p.furthest, phase)
	p.shook = p.shook || phase == sim.Handshaking || phase == sim.Greeting
	if phase == sim.Waiting && p.broken == nil {
		p.broken = &failure{reasonAt(was), p.warning}
	}
	p.wake()
}

// reasonAt names why a try ends that came so far.
func reasonAt(was sim.Phase) string {
	if was == sim.Opening {
		return ReasonUnreachable
	}
	return ReasonHandshake
}

func (p *pet) noted(_ time.Time, level sim.Level, text string) {
	if level < sim.Warn {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.warning = text
}

func (p *pet) fail(f *failure) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.broken == nil {
		p.broken = f
	}
	p.wake()
}

// wake tells those who await something. The caller holds mu.
func (p *pet) wake() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// await waits until the device has come so far. It fails as soon as a try
// does: the device itself would try again, as its users see.
func (p *pet) await(ctx context.Context, phase sim.Phase) error {
	for {
		p.mu.Lock()
		furthest, broken, changed := p.furthest, p.broken, p.changed
		p.mu.Unlock()
		switch {
		case furthest >= phase:
			return nil
		case broken != nil:
			return broken
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// leave says goodbye, if there is somebody to say it to, and cuts the power.
func (p *pet) leave(ctx context.Context) {
	p.mu.Lock()
	connected := p.phase == sim.Connected
	p.mu.Unlock()
	if connected {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), allowance)
		defer cancel()
		p.Tell(sim.Disconnect{Graceful: true})
		_ = p.until(ctx, sim.Away)
	}
	p.cut()
}

// until waits until the device is in a phase.
func (p *pet) until(ctx context.Context, phase sim.Phase) error {
	for {
		p.mu.Lock()
		now, changed := p.phase, p.changed
		p.mu.Unlock()
		if now == phase {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// cut takes the power away, without a word to anybody.
func (p *pet) cut() {
	p.cancel()
	<-p.done
}

// arrived tells that the device has been connected.
func (p *pet) arrived() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.furthest >= sim.Connected
}

// shookHands tells that the device made a new session.
func (p *pet) shookHands() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.shook
}

// temporary makes a file's path in a folder that goes with the run.
func (t *trial) temporary(name string) (string, error) {
	dir, err := os.MkdirTemp("", "cyan-canary-")
	if err != nil {
		return "", &failure{ReasonCanary, err.Error()}
	}
	t.after = append(t.after, func() { _ = os.RemoveAll(dir) })
	return dir + string(os.PathSeparator) + name, nil
}
