package fleet

import (
	"context"
	"crypto/rsa"
	"encoding/binary"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/sim/live"
	"github.com/cyan-cloud/cyan/sim/load"
)

// Config says who the devices are, and where they connect.
type Config struct {
	Server    string // host:port of the cloud
	ServerKey []byte // of the cloud, SubjectPublicKeyInfo in DER, RSA-2048
	Count     int
	KeepAlive time.Duration // between two pings of a device; 0: as Device OS does
	Function  string        // that each of them has: it returns the length of its argument
	// Whole is how many of them, from the first, send every frame in one piece. The
	// others send the first byte of each, and the rest a moment later: so at any time
	// the cloud has read some frames by halves.
	Whole int
}

// Fleet is devices that run from Start to Wait.
type Fleet struct {
	// Set at New.
	cfg  Config
	keys pool
	runs sync.WaitGroup // load.Run
	err  error          // of load.Run; to be read after runs

	calls  atomic.Int64
	totals atomic.Pointer[load.Totals]
}

// Counts is what has happened to the devices.
type Counts struct {
	Connected int // now
	Lost      int // connections that ended
	Calls     int // of the function
}

// New makes devices that are off.
func New(cfg Config) (*Fleet, error) {
	keys, err := newPool(cfg.Count)
	if err != nil {
		return nil, err
	}
	f := &Fleet{cfg: cfg, keys: keys}
	f.totals.Store(new(load.Totals))
	return f, nil
}

// ID is the id of device i. No device of a crowd has it.
func (f *Fleet) ID(i int) (id sim.ID) {
	copy(id[:], "\xe0\x0ftc")
	binary.BigEndian.PutUint64(id[4:], uint64(i))
	return id
}

// Key is the public key of device i.
func (f *Fleet) Key(i int) (*rsa.PublicKey, error) {
	_, public, err := f.keys.key(i)
	return public, err
}

// The devices are switched on at this pace, so that they are not a storm, and
// are counted so often.
const (
	switchOnEach = 5 * time.Millisecond
	countEach    = 50 * time.Millisecond
)

// Start switches the devices on, one after the other. They run until ctx ends;
// Wait waits for that.
func (f *Fleet) Start(ctx context.Context) {
	f.runs.Go(func() {
		_, f.err = load.Run(ctx, load.Config{
			Count: f.cfg.Count, Device: f.device, Ramp: time.Duration(f.cfg.Count) * switchOnEach,
			Report: func(t load.Totals) { f.totals.Store(&t) }, Every: countEach,
		})
	})
}

// Wait waits until all are off, and gives what went wrong.
func (f *Fleet) Wait() error {
	f.runs.Wait()
	return f.err
}

// Counts gives what has happened so far: as it was a moment ago.
func (f *Fleet) Counts() Counts {
	t := f.totals.Load()
	return Counts{Connected: t.Connected, Lost: t.Connects - t.Connected, Calls: int(f.calls.Load())}
}

// Bring waits until all are connected. report is called now and then.
func (f *Fleet) Bring(ctx context.Context, limit time.Duration, report func(connected int)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("fleet: not all of %d devices could connect within %v", f.cfg.Count, limit))
	defer cancel()
	tick := time.NewTicker(countEach)
	defer tick.Stop()
	for said := time.Now(); ; {
		n := f.Counts().Connected
		if n >= f.cfg.Count {
			return nil
		}
		if time.Since(said) > 2*time.Second {
			said = time.Now()
			report(n)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// generations are those of the devices that are on TCP: each its share.
var generations = []string{"os-2.3", "os-1.4"}

// device describes device i.
func (f *Fleet) device(i int) (live.Config, error) {
	private, _, err := f.keys.key(i)
	if err != nil {
		return live.Config{}, err
	}
	profile, err := sim.FindProfile(generations[i%len(generations)])
	if err != nil {
		return live.Config{}, err
	}
	echo := sim.Function{Name: f.cfg.Function, Call: func(_ *sim.App, argument string) int32 {
		f.calls.Add(1)
		return int32(len(argument))
	}}
	cfg := live.Config{Server: f.cfg.Server, Device: sim.Config{
		ID: f.ID(i), Transport: sim.TCP, Profile: profile, Key: private, ServerKey: f.cfg.ServerKey, KeepAlive: f.cfg.KeepAlive,
		Application: sim.Application{Functions: []sim.Function{echo}, Subscriptions: []sim.Subscription{{Prefix: "bench/orders"}}},
	}}
	if i >= f.cfg.Whole {
		cfg.Dial = dialHalting
	}
	return cfg, nil
}

// halt is how long the rest of a frame is behind its first byte.
const halt = 50 * time.Millisecond

// halting is a connection on which everything that is written comes in two
// pieces.
type halting struct{ net.Conn }

func dialHalting(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: 20 * time.Second}
	conn, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return halting{conn}, nil
}

// Write writes the first byte, and then the others.
func (h halting) Write(b []byte) (int, error) {
	if len(b) < 2 {
		return h.Conn.Write(b)
	}
	n, err := h.Conn.Write(b[:1])
	if err != nil {
		return n, err
	}
	<-time.After(halt)
	rest, err := h.Conn.Write(b[1:])
	return n + rest, err
}
