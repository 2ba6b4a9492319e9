package crowd

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"errors"
	"fmt"
	randv2 "math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cyan-cloud/cyan/wire/dtls"
)

// Config says who the devices are, and where they connect.
type Config struct {
	Server    netip.AddrPort
	ServerKey []byte // of the cloud, SubjectPublicKeyInfo in DER, P-256
	Who       Identities
	Count     int           // devices
	KeepAlive time.Duration // between two pings of a device; 0: it does not ping
}

// Crowd is many devices on one socket, each with an address of its own. One
// goroutine runs them; the methods that are not said to be its own are safe for
// others.
type Crowd struct {
	// Set at New.
	cfg       Config
	serverKey *ecdsa.PublicKey

	// Owned by run.
	sock    *socket
	devices []device
	shakes  map[int]*dtls.ClientHandshake
	trip    *trip
	chance  *randv2.ChaCha8
	now     time.Time
	plain   []byte
	sealed  []byte
	turn    int       // the device that pings next
	pinged  time.Time // until when the pings are said

	publish func(now time.Time) // nil: nothing
	quiet   bool                // nobody pings

	jobs   chan func() // performed by run
	counts counts
	runs   sync.WaitGroup // run
	broken atomic.Pointer[error]
	lost   atomic.Pointer[error] // why the first one was given up
}

// counts is Counts while devices run.
type counts struct {
	calls, repeated, pingsSent, pingsAnswered, unheard atomic.Int64
}

// Counts is what has happened to the devices.
type Counts struct {
	Calls         int // of functions, performed
	Repeated      int // calls that came again, and were only answered again
	PingsSent     int
	PingsAnswered int
	Unheard       int // requests that these devices do not understand
}

// Counts gives what has happened so far.
func (c *Crowd) Counts() Counts {
	return Counts{
		Calls: int(c.counts.calls.Load()), Repeated: int(c.counts.repeated.Load()), PingsSent: int(c.counts.pingsSent.Load()),
		PingsAnswered: int(c.counts.pingsAnswered.Load()), Unheard: int(c.counts.unheard.Load()),
	}
}

// New makes a crowd of devices that are off. Start lets it run, Wait closes it.
func New(cfg Config) (*Crowd, error) {
	if cfg.Count < 1 || cfg.Count > mostDevices {
		return nil, fmt.Errorf("crowd: %d devices are not between 1 and %d", cfg.Count, mostDevices)
	}
	key, err := dtls.ParsePublicKey(cfg.ServerKey)
	if err != nil {
		return nil, err
	}
	c := &Crowd{
		cfg: cfg, serverKey: key, devices: make([]device, cfg.Count),
		shakes: make(map[int]*dtls.ClientHandshake), jobs: make(chan func(), 1),
		plain: make([]byte, 0, maxDatagram), sealed: make([]byte, 0, maxDatagram),
	}
	var seed [32]byte
	rand.Read(seed[:])
	c.chance = randv2.NewChaCha8(seed)
	c.sock, err = openSocket(cfg.Server)
	return c, err
}

// Start runs the devices until ctx ends; Wait waits for that.
func (c *Crowd) Start(ctx context.Context) {
	c.runs.Go(func() {
		if err := c.run(ctx); err != nil {
			c.broken.Store(&err)
		}
	})
}

// Wait waits until the devices have stopped, and gives what stopped them before
// their context did.
func (c *Crowd) Wait() error {
	c.runs.Wait()
	err := c.sock.close()
	if broken := c.broken.Load(); broken != nil {
		err = errors.Join(*broken, err)
	}
	return err
}

// The loop looks around this often, with and without something to publish.
const (
	lazy = 5 * time.Millisecond
	busy = 200 * time.Microsecond
)

func (c *Crowd) run(ctx context.Context) error {
	c.now = time.Now()
	c.pinged = c.now
	for ctx.Err() == nil {
		c.now = time.Now()
		select {
		case job := <-c.jobs:
			job()
		default:
		}
		wait := lazy
		if c.publish != nil {
			c.publish(c.now)
			wait = busy
		}
		c.travel()
		c.ping()
		c.sock.flush()
		if err := c.sock.read(c.now.Add(wait), c.received); err != nil {
			return err
		}
		c.sock.flush()
	}
	return nil
}

// Publish has fn asked again and again what the devices publish: it calls Event
// for each. Nil: nothing any more.
func (c *Crowd) Publish(ctx context.Context, fn func(now time.Time)) error {
	return c.do(ctx, func() { c.publish = fn })
}

// CeasePings ends the devices' pinging.
func (c *Crowd) CeasePings(ctx context.Context) error {
	return c.do(ctx, func() { c.quiet = true })
}

// ID is the id of device i, as text.
func (c *Crowd) ID(i int) string { return c.cfg.Who.ID(i).String() }

// Size is how many devices there are.
func (c *Crowd) Size() int { return len(c.devices) }

// do has run perform a job, and waits for it.
func (c *Crowd) do(ctx context.Context, job func()) error {
	finished := make(chan struct{})
	select {
	case c.jobs <- func() { job(); close(finished) }:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case <-finished:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
