package gateway_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/bus"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/gateway"
	"github.com/cyan-cloud/cyan/cloud/gateway/identify"
	"github.com/cyan-cloud/cyan/cloud/store"
	"github.com/cyan-cloud/cyan/internal/port"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/sim/live"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	ada account.ID = "ada"
	bob account.ID = "bob"
)

// patience is how long anything may take; what takes longer has failed.
const patience = time.Minute

// cloud is a gateway on real sockets, a store in a file and a bus.
type cloud struct {
	t        *testing.T
	cfg      gateway.Config
	path     string // of the store
	store    *store.Store
	bus      *bus.Bus
	gateway  *gateway.Gateway
	registry *prometheus.Registry
	wrap     func(identify.Keys) identify.Keys     // nil: as they are
	keeps    func(gateway.Records) gateway.Records // nil: as they are

	mu     sync.Mutex
	events []event.Event // guarded by mu
}

// start opens a cloud on loopback; change may be nil.
func start(t *testing.T, change func(cfg *gateway.Config)) *cloud {
	t.Helper()
	c := &cloud{t: t, path: filepath.Join(t.TempDir(), "cyan.db")}
	c.cfg = gateway.Config{
		Node: "here", UDP: []string{port.Free(t)}, TCP: []string{port.Free(t)}, Lanes: 4,
		ServerEC: serverEC(t), ServerRSA: serverRSA(t),
	}
	if change != nil {
		change(&c.cfg)
	}
	c.open()
	t.Cleanup(c.close)
	for _, id := range []account.ID{ada, bob} {
		must(t, c.store.CreateUser(t.Context(), account.User{ID: id, Username: string(id) + "@example.com"}))
	}
	return c
}

// open starts what there is, at the same addresses as before.
func (c *cloud) open() {
	c.t.Helper()
	var err error
	ctx := c.t.Context()
	c.registry = prometheus.NewRegistry()
	c.store, err = store.Open(ctx, store.Config{Path: c.path})
	must(c.t, err)
	c.bus, err = bus.Open(ctx, bus.Config{Node: "here"})
	must(c.t, err)
	_, err = c.bus.Subscribe(func(e *event.Event) {
		c.mu.Lock()
		defer c.mu.Unlock()
		kept := *e
		kept.Data = append([]byte(nil), e.Data...)
		c.events = append(c.events, kept)
	})
	must(c.t, err)
	c.cfg.Keys, c.cfg.Records, c.cfg.Bus, c.cfg.Registerer = c.store, c.store, c.bus, c.registry
	if c.keeps != nil {
		c.cfg.Records = c.keeps(c.cfg.Records)
	}
	if c.wrap != nil {
		c.cfg.Keys = c.wrap(c.cfg.Keys)
	}
	c.gateway, err = gateway.Start(ctx, c.cfg)
	must(c.t, err)
	udp, tcp := c.gateway.Addrs()
	for i, a := range udp {
		c.cfg.UDP[i] = sameHost(c.cfg.UDP[i], a)
	}
	for i, a := range tcp {
		c.cfg.TCP[i] = sameHost(c.cfg.TCP[i], a)
	}
}

// sameHost is the configured address with the port that it was given.
func sameHost(configured string, got netip.AddrPort) string {
	return configured[:strings.LastIndexByte(configured, ':')+1] + fmt.Sprint(got.Port())
}

func (c *cloud) close() {
	c.gateway.Stop()
	if err := c.bus.Close(); err != nil {
		c.t.Error(err)
	}
	if err := c.store.Close(); err != nil {
		c.t.Error(err)
	}
}

// server gives the address for a transport.
func (c *cloud) server(t sim.Transport) string {
	if t == sim.TCP {
		return c.cfg.TCP[0]
	}
	return c.cfg.UDP[0]
}

func algorithmOf(t sim.Transport) device.Algorithm {
	if t == sim.TCP {
		return device.RSA
	}
	return device.ECC
}

// thing is a virtual device on real sockets.
type thing struct {
	*live.Process
	t      *testing.T
	id     device.ID
	public []byte
	cfg    live.Config
	stop   context.CancelFunc
	done   chan error

	mu    sync.Mutex
	phase sim.Phase // guarded by mu
	notes []string  // guarded by mu
}

var things atomic.Uint32 // how many there were

// device makes a device of ada's that is on file.
func (c *cloud) device(transport sim.Transport, server string, change func(cfg *sim.Config)) *thing {
	c.t.Helper()
	d := c.stranger(transport, server, change)
	must(c.t, c.store.Provision(c.t.Context(), d.id, device.Key{Algorithm: algorithmOf(transport), SPKI: d.public}, ada))
	return d
}

// stranger makes a device that is on no file.
func (c *cloud) stranger(transport sim.Transport, server string, change func(cfg *sim.Config)) *thing {
	c.t.Helper()
	d := &thing{t: c.t, id: device.ID{0xe0, 0x0f, 11: byte(things.Add(1))}}
	private, public, err := sim.GenerateKey(transport, rand.Reader)
	must(c.t, err)
	cfg := sim.Config{ID: sim.ID(d.id), Transport: transport, Key: private, Application: sim.Oven(time.Hour), Profile: sim.Newest()}
	if cfg.ServerKey = vector(c.t, "server-ec.pub.der"); transport == sim.TCP {
		cfg.ServerKey = vector(c.t, "server-rsa.pub.der")
		cfg.Profile, err = sim.FindProfile("os-2.3")
		must(c.t, err)
	}
	if change != nil {
		change(&cfg)
	}
	d.public = public
	d.cfg = live.Config{
		Device: cfg, Server: server, MemoryFile: filepath.Join(c.t.TempDir(), "memory"),
		OnPhase: func(_ time.Time, p sim.Phase) { d.mu.Lock(); d.phase = p; d.mu.Unlock() },
		OnNote: func(_ time.Time, _ sim.Level, text string) {
			d.mu.Lock()
			d.notes = append(d.notes, text)
			d.mu.Unlock()
		},
	}
	c.t.Cleanup(d.off)
	return d
}

// on switches the device on.
func (d *thing) on() *thing {
	d.t.Helper()
	var err error
	d.Process, err = live.New(d.cfg)
	must(d.t, err)
	ctx, cancel := context.WithCancel(d.t.Context())
	d.stop, d.done = cancel, make(chan error, 1)
	go func() { d.done <- d.Run(ctx) }()
	return d
}

// off cuts its power.
func (d *thing) off() {
	if d.stop == nil {
		return
	}
	d.stop()
	d.stop = nil
	if err := <-d.done; err != nil {
		d.t.Error(err)
	}
}

func (d *thing) noted(text string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Count(strings.Join(d.notes, "\n"), text)
}

func (d *thing) connected() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.phase == sim.Connected
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !so() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("after %v still not: %s", patience, what)
		}
	}
}

// call calls a device by way of the bus.
func (c *cloud) call(d *thing, kind bus.CallKind, name, argument string) (bus.Result, error) {
	return c.bus.Call(c.t.Context(), bus.Call{Device: d.id, Kind: kind, Name: name, Argument: argument, Timeout: patience / 2})
}

// works connects a device and has it do everything.
func (c *cloud) works(d *thing) {
	c.t.Helper()
	eventually(c.t, "the device is connected", d.connected)
	eventually(c.t, "the device is online", func() bool { return c.state(d).Word == device.Online })
	c.answers(d)
	d.Tell(sim.Publish{Event: sim.Event{Name: "lid", Data: []byte("open")}})
	eventually(c.t, "its event is published", func() bool { return c.published("lid", d) > 0 })
	must(c.t, c.bus.Publish(&event.Event{
		ID: "1", Name: "oven/lamp", Data: []byte("on"), HasData: true, Owner: ada, Source: event.FromAPI, TTL: time.Minute, Published: time.Now(),
	}))
	eventually(c.t, "an event reaches it", func() bool { return d.noted("oven/lamp") > 0 })
}

// answers calls a function, reads a variable, and pings.
func (c *cloud) answers(d *thing) {
	c.t.Helper()
	if r, err := c.call(d, bus.Function, "setpitf", "205"); err != nil || r.Return != 205 || r.Stage != bus.Answered {
		c.t.Errorf("setpitf gives %+v, %v", r, err)
	}
	if r, err := c.call(d, bus.Variable, "pitf", ""); err != nil || r.Value != bus.Int32Value(205) {
		c.t.Errorf("pitf gives %+v, %v", r, err)
	}
	if r, err := c.call(d, bus.Ping, "", ""); err != nil || !r.Online {
		c.t.Errorf("a ping gives %+v, %v", r, err)
	}
}

func (c *cloud) state(d *thing) device.State {
	into := map[device.ID]device.State{}
	c.gateway.States([]device.ID{d.id}, into)
	return into[d.id]
}

// published counts the events of the device with the name.
func (c *cloud) published(name string, d *thing) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.events {
		if e.Name == name && e.Device == d.id && e.Owner == ada {
			n++
		}
	}
	return n
}

// metric sums the series of a metric that have the label value.
func (c *cloud) metric(name, label string) (sum float64) {
	c.t.Helper()
	families, err := c.registry.Gather()
	must(c.t, err)
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetValue() == label {
					sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
				}
			}
		}
	}
	return sum
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func serverEC(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := x509.ParseECPrivateKey(vector(t, "server-ec.priv.der"))
	must(t, err)
	return key
}

func serverRSA(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := x509.ParsePKCS1PrivateKey(vector(t, "server-rsa.priv.der"))
	must(t, err)
	return key
}

func vector(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("../../wire/testdata/device/keys/" + name)
	must(t, err)
	return b
}
