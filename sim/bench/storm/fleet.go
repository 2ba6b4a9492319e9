package storm

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"net"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/sim/bench"
	"github.com/cyan-cloud/cyan/sim/live"
)

// keepAlive is how often devices on UDP ping: more often than real ones, so that
// it is known soon whether their sessions live.
const keepAlive = 5 * time.Second

// longOut is how many tries have failed in an outage of two hours: the next is
// 128 s after the one that fails.
const longOut = 60

// keys are the devices' private keys; every second device is on TCP.
type keys [][]byte

func transportOf(i int) sim.Transport {
	if i%2 == 0 {
		return sim.TCP
	}
	return sim.UDP
}

// makeKeys makes keys of n devices, on every processor.
func makeKeys(n int) (keys, error) {
	list, errs := make(keys, n), make([]error, n)
	next := make(chan int)
	var all sync.WaitGroup
	for range runtime.NumCPU() {
		all.Go(func() { // ends with next
			for i := range next {
				list[i], _, errs[i] = sim.GenerateKey(transportOf(i), rand.Reader)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	all.Wait()
	return list, errors.Join(errs...)
}

// fleet is devices that run against one cloud, and what became of them.
type fleet struct {
	cloud *bench.Server
	keys  keys
	ctx   context.Context //nolint:containedctx // of the devices' lives
	stop  context.CancelFunc
	runs  sync.WaitGroup

	mu      sync.Mutex
	members []member  // guarded by mu, as the rest
	began   time.Time // the storm; zero: the first to knock begins it, if armed
	armed   bool
	tries   map[int]int // begun, by the second of the storm
	errs    []error
}

// member is one device.
type member struct {
	on      bool
	healthy bool      // it was connected when the storm began, and is to stay so
	back    time.Time // when it was connected first since the storm began
	drops   int       // connections that it lost since
}

func newFleet(ctx context.Context, cloud *bench.Server, k keys) *fleet {
	f := &fleet{cloud: cloud, keys: k, members: make([]member, len(k)), tries: map[int]int{}}
	f.ctx, f.stop = context.WithCancel(ctx)
	return f
}

// end switches the devices off.
func (f *fleet) end() error {
	f.stop()
	f.runs.Wait()
	return errors.Join(f.errs...)
}

// switchOn switches devices on that have failed so many times already.
func (f *fleet) switchOn(failed int, devices []int) error {
	for _, i := range devices {
		cfg := live.Config{
			Device: sim.Config{Transport: transportOf(i), Key: f.keys[i], Failed: failed},
			Dial:   from(i), OnPhase: func(now time.Time, p sim.Phase) { f.moved(i, now, p) },
		}
		binary.BigEndian.PutUint32(cfg.Device.ID[8:], uint32(i)+1)
		if cfg.Device.Transport == sim.TCP {
			cfg.Server, cfg.Device.ServerKey = f.cloud.TCP.String(), f.cloud.KeyTCP
		} else {
			cfg.Server, cfg.Device.ServerKey, cfg.Device.KeepAlive = f.cloud.UDP.String(), f.cloud.KeyUDP, keepAlive
		}
		p, err := live.New(cfg)
		if err != nil {
			return err
		}
		f.runs.Go(func() { // ends with the fleet
			if err := p.Run(f.ctx); err != nil {
				f.mu.Lock()
				defer f.mu.Unlock()
				f.errs = append(f.errs, err)
			}
		})
	}
	return nil
}

// from dials from an address that no other device has: where they come from is
// bounded.
func from(i int) func(ctx context.Context, network, address string) (net.Conn, error) {
	ip := net.IPv4(127, 1, byte(i>>8), byte(i))
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		d := net.Dialer{Timeout: 20 * time.Second, LocalAddr: &net.TCPAddr{IP: ip}}
		if network == "udp" {
			d.LocalAddr = &net.UDPAddr{IP: ip}
		}
		return d.DialContext(ctx, network, address)
	}
}

// moved notes a device's step.
func (f *fleet) moved(i int, now time.Time, p sim.Phase) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := &f.members[i]
	if m.on && p != sim.Connected {
		m.on = false
		if f.armed && f.ctx.Err() == nil {
			m.drops++
		}
	}
	switch {
	case p == sim.Connected:
		m.on = true
		if f.armed && m.back.IsZero() {
			m.back = now
		}
	case p == sim.Opening && f.armed:
		if f.began.IsZero() {
			f.began = now
		}
		f.tries[int(now.Sub(f.began)/time.Second)]++
	}
}

// arm says that what happens from now on is the storm. Those who are connected
// on the transports are healthy. It begins now, or with the first who knocks.
func (f *fleet) arm(began time.Time, healthy ...sim.Transport) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.armed, f.began = true, began
	for i := range f.members {
		f.members[i].healthy = f.members[i].on && slices.Contains(healthy, transportOf(i))
	}
}

// wait waits until so many devices are connected, in the storm those who are not
// healthy, and tells how many are not in time.
func (f *fleet) wait(devices []int, limit time.Duration) (missing int) {
	late := time.After(limit)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		missing = 0
		f.mu.Lock()
		for _, i := range devices {
			m := &f.members[i]
			if !m.on || f.armed && !m.healthy && m.back.IsZero() {
				missing++
			}
		}
		f.mu.Unlock()
		if missing == 0 {
			return 0
		}
		select {
		case <-tick.C:
		case <-late:
			return missing
		case <-f.ctx.Done():
			return missing
		}
	}
}
