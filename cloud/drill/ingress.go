package drill

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

// Config says where an ingress is.
type Config struct {
	UDP, TCP string // addresses to listen on; empty: not there
	// ToUDP and ToTCP are the devices' own ports on this machine.
	ToUDP, ToTCP netip.AddrPort
	// Patient waits for a port that is in use: the process before has it still.
	Patient bool
	Logger  *slog.Logger // nil: nothing is logged
}

// Bounds of an ingress: canaries are few.
const (
	maxClients = 256 // of each transport
	idle       = 3 * time.Minute
	retryEvery = 500 * time.Millisecond
	dialMost   = 5 * time.Second
)

// Ingress is the ports that only canaries use.
type Ingress struct {
	// Set at Open.
	cfg  Config
	book *Book

	ctx     context.Context //nolint:containedctx // the life of the ingress itself
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu       sync.Mutex // guards what follows
	udp, tcp netip.AddrPort
	closers  map[interface{ Close() error }]struct{}
	closed   bool
}

// Open opens the ports. It fails when one cannot be opened, unless it is to be
// patient.
func Open(ctx context.Context, cfg Config, book *Book) (*Ingress, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	in := &Ingress{cfg: cfg, book: book, closers: map[interface{ Close() error }]struct{}{}}
	in.ctx, in.cancel = context.WithCancel(context.WithoutCancel(ctx))
	for name, open := range map[string]func() error{"udp": in.openUDP, "tcp": in.openTCP} {
		err := open()
		if errors.Is(err, syscall.EADDRINUSE) && cfg.Patient {
			in.running.Go(func() { in.insist(name, open) }) // until it is open, or Close
			continue
		}
		if err != nil {
			in.Close()
			return nil, fmt.Errorf("listening for drills on %s: %w", name, err)
		}
	}
	return in, nil
}

// insist opens a port as soon as the process before lets go of it.
func (in *Ingress) insist(name string, open func() error) {
	tick := time.NewTicker(retryEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-in.ctx.Done():
			return
		}
		err := open()
		if err == nil {
			return
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			in.cfg.Logger.Error("the ingress for drills cannot be opened", "transport", name, "err", err)
			return
		}
	}
}

// Addrs are the ports; one that is not there is not valid.
func (in *Ingress) Addrs() (udp, tcp netip.AddrPort) {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.udp, in.tcp
}

// Close closes the ports and every connection through them.
func (in *Ingress) Close() {
	in.cancel()
	in.mu.Lock()
	in.closed = true
	for c := range in.closers {
		_ = c.Close()
	}
	in.mu.Unlock()
	in.running.Wait()
}

// keep has something closed with the ingress; false: it is closed already, and
// so is that.
func (in *Ingress) keep(c interface{ Close() error }) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		_ = c.Close()
		return false
	}
	in.closers[c] = struct{}{}
	return true
}

// end closes something before its time.
func (in *Ingress) end(c interface{ Close() error }) {
	_ = c.Close()
	in.mu.Lock()
	defer in.mu.Unlock()
	delete(in.closers, c)
}

// reachable gives the address by which this machine reaches a port of its own.
func reachable(a netip.AddrPort) string {
	if !a.Addr().IsUnspecified() {
		return a.String()
	}
	if a.Addr().Is4() {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), a.Port()).String()
	}
	return net.JoinHostPort("localhost", fmt.Sprint(a.Port()))
}
