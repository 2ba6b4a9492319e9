package bus_test

import (
	"context"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/cyan-cloud/cyan/cloud/bus"
	"github.com/cyan-cloud/cyan/cloud/bus/bustest"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// cluster starts a NATS server on a loopback port and gives its URL.
func cluster(t *testing.T) (url string, shutdown func()) {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server did not start")
	}
	shutdown = func() {
		s.Shutdown()
		s.WaitForShutdown()
	}
	t.Cleanup(shutdown)
	return s.ClientURL(), shutdown
}

func open(t *testing.T, cfg bus.Config) *bus.Bus {
	t.Helper()
	b, err := bus.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func TestConformance(t *testing.T) {
	bustest.Run(t, func(t *testing.T, n int) []*bus.Bus {
		if n == 1 {
			return []*bus.Bus{open(t, bus.Config{})}
		}
		url, _ := cluster(t)
		nodes := make([]*bus.Bus, n)
		for i := range nodes {
			// One that a loaded machine lets wait for five of these is forgotten.
			nodes[i] = open(t, bus.Config{URL: url, Node: "gw", Heartbeat: 200 * time.Millisecond})
		}
		return nodes
	})
}

func TestCloseEndsEverything(t *testing.T) {
	before := runtime.NumGoroutine()
	b, err := bus.Open(t.Context(), bus.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Serve(new(bustest.Gateway)); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Errorf("the second time: %v", err)
	}
	if err := b.Publish(&event.Event{Name: "n"}); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("publish after close: %v", err)
	}
	if _, err := b.Subscribe(func(*event.Event) {}); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("subscribe after close: %v", err)
	}
	limit := time.Now().Add(10 * time.Second)
	for runtime.NumGoroutine() > before {
		if time.Now().After(limit) {
			buf := make([]byte, 1<<16)
			t.Fatalf("%d goroutines more than before:\n%s", runtime.NumGoroutine()-before, buf[:runtime.Stack(buf, true)])
		}
		runtime.Gosched()
	}
}

func TestLostBusIsUnavailable(t *testing.T) {
	url, shutdown := cluster(t)
	b := open(t, bus.Config{URL: url})
	if err := b.Check(); err != nil {
		t.Fatal(err)
	}
	shutdown()
	for limit := time.Now().Add(10 * time.Second); b.Check() == nil; runtime.Gosched() {
		if time.Now().After(limit) {
			t.Fatal("the bus never noticed")
		}
	}
	id := []device.ID{{1}}
	_, callErr := b.Call(t.Context(), bus.Call{Device: id[0], Kind: bus.Ping})
	_, statesErr := b.States(t.Context(), id)
	for what, err := range map[string]error{
		"publish": b.Publish(&event.Event{Name: "n"}), "call": callErr, "states": statesErr,
	} {
		if fault.KindOf(err) != fault.Unavailable || fault.CodeOf(err) != rest.CodeBusUnavailable {
			t.Errorf("%s: error %v, code %s", what, err, fault.CodeOf(err))
		}
	}
}

func TestOpenRefusesWhatItCannotUse(t *testing.T) {
	if _, err := bus.Open(t.Context(), bus.Config{Node: "a.b"}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a node's name with a dot: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := bus.Open(ctx, bus.Config{URL: "nats://127.0.0.1:1"}); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("nobody listens: %v", err)
	}
}

func TestPublishIsBounded(t *testing.T) {
	reg := prometheus.NewRegistry()
	b := open(t, bus.Config{OutboxBytes: 4096, Registerer: reg})
	// One event alone is longer than the outbox; another is longer than a message.
	if err := b.Publish(&event.Event{HasData: true, Data: make([]byte, 5000)}); fault.KindOf(err) != fault.Busy {
		t.Errorf("longer than the outbox: %v", err)
	}
	if err := b.Publish(&event.Event{HasData: true, Data: make([]byte, 1<<20)}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("longer than a message: %v", err)
	}
	if err := b.Publish(&event.Event{Name: "fits"}); err != nil {
		t.Errorf("one that fits: %v", err)
	}
	for reason, want := range map[string]float64{"outbox_full": 1, "too_long": 1} {
		if got := counter(t, reg, "cyan_bus_dropped_total", reason); got != want {
			t.Errorf("%s counted %v times, want %v", reason, got, want)
		}
	}
	if got := counter(t, reg, "cyan_bus_events_published_total", ""); got != 1 {
		t.Errorf("published %v, want 1", got)
	}
}

func TestServeIsBounded(t *testing.T) {
	reg := prometheus.NewRegistry()
	b := open(t, bus.Config{MaxCalls: 1, Registerer: reg})
	g := new(bustest.Gateway)
	entered := make(chan struct{})
	g.Answer(func(ctx context.Context, c bus.Call) (bus.Result, error) {
		close(entered)
		<-ctx.Done()
		return bus.Result{}, ctx.Err()
	})
	if _, err := b.Serve(g); err != nil {
		t.Fatal(err)
	}
	b.Holding(device.ID{1})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.Call(ctx, bus.Call{Device: device.ID{1}, Kind: bus.Ping})
	}()
	<-entered
	_, err := b.Call(t.Context(), bus.Call{Device: device.ID{1}, Kind: bus.Ping})
	if fault.KindOf(err) != fault.Unavailable || fault.CodeOf(err) != rest.CodeOverloaded {
		t.Errorf("the second call: %v, code %s", err, fault.CodeOf(err))
	}
	cancel()
	<-done
	if got := counter(t, reg, "cyan_bus_calls_refused_total", ""); got != 1 {
		t.Errorf("refused %v, want 1", got)
	}
}

// counter reads one counter; label is the value of its only label, if any.
func counter(t *testing.T, reg *prometheus.Registry, name, label string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && (label == "" || m.GetLabel()[0].GetValue() == label) {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}

func BenchmarkCall(b *testing.B) {
	nodes, err := bus.Open(b.Context(), bus.Config{})
	if err != nil {
		b.Fatal(err)
	}
	defer nodes.Close()
	g := new(bustest.Gateway)
	g.Answer(func(context.Context, bus.Call) (bus.Result, error) { return bus.Result{Return: 1}, nil })
	if _, err := nodes.Serve(g); err != nil {
		b.Fatal(err)
	}
	nodes.Holding(device.ID{1})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := nodes.Call(b.Context(), bus.Call{Device: device.ID{1}, Kind: bus.Function, Name: "led"}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEvents(b *testing.B) {
	node, err := bus.Open(b.Context(), bus.Config{})
	if err != nil {
		b.Fatal(err)
	}
	defer node.Close()
	heard := make(chan struct{}, 1<<16)
	cancel, err := node.Subscribe(func(*event.Event) { heard <- struct{}{} })
	if err != nil {
		b.Fatal(err)
	}
	defer cancel()
	e := event.Event{ID: "0123456789abcdef", Name: "temp", Data: make([]byte, 100), HasData: true, Owner: "5f0000000000000000000001"}
	b.ReportAllocs()
	inFlight := 0
	for b.Loop() {
		if err := node.Publish(&e); err != nil {
			b.Fatal(err)
		}
		for inFlight++; inFlight > 1<<14; inFlight-- {
			<-heard
		}
	}
	for ; inFlight > 0; inFlight-- {
		<-heard
	}
}

// A node that loses the bus tells its doors; so does one whose connection is
// open and dead, because its own pulse does not come back.
func TestDeafNodesSaySo(t *testing.T) {
	url, shutdown := cluster(t)
	b := open(t, bus.Config{URL: url, Heartbeat: time.Hour})
	door := bustest.NewWatcher()
	t.Cleanup(b.Watch(door))
	if err := b.Hearing(); err != nil {
		t.Fatal(err)
	}
	shutdown()
	if heard := <-door; heard != "deaf" {
		t.Errorf("the door heard %q", heard)
	}
	if err := b.Hearing(); fault.CodeOf(err) != rest.CodeBusUnavailable {
		t.Errorf("hearing: %v", err)
	}
	if err := b.Revoke(bus.Revocation{User: "u"}); fault.CodeOf(err) != rest.CodeBusUnavailable {
		t.Errorf("a revocation that reaches nobody else: %v", err)
	}
	if heard := <-door; heard != "revoked 0000 u false" {
		t.Errorf("the node's own door heard %q", heard)
	}
}

func TestSilentConnectionsAreNoticed(t *testing.T) {
	url, _ := cluster(t)
	relay := newRelay(t, strings.TrimPrefix(url, "nats://"))
	b := open(t, bus.Config{URL: "nats://" + relay.address, Heartbeat: 20 * time.Millisecond})
	door := bustest.NewWatcher()
	t.Cleanup(b.Watch(door))
	relay.hold()
	for heard := ""; heard != "deaf"; {
		select {
		case heard = <-door:
		case <-time.After(20 * time.Second):
			t.Fatal("the node never noticed")
		}
	}
	if err := b.Hearing(); fault.CodeOf(err) != rest.CodeBusUnavailable || b.Check() != nil {
		t.Errorf("hearing: %v; connected: %v", err, b.Check())
	}
	relay.release()
	for limit := time.Now().Add(20 * time.Second); b.Hearing() != nil; runtime.Gosched() {
		if time.Now().After(limit) {
			t.Fatal("it never hears again")
		}
	}
}

// relay passes bytes on to a server, or holds them back.
type relay struct {
	address string
	gate    sync.RWMutex // held to write while bytes are held back
}

func newRelay(t *testing.T, to string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	r := &relay{address: l.Addr().String()}
	pass := func(dst, src net.Conn) {
		defer dst.Close()
		buf := make([]byte, 32<<10)
		for {
			n, err := src.Read(buf)
			if err != nil {
				return
			}
			r.gate.RLock()
			_, err = dst.Write(buf[:n])
			r.gate.RUnlock()
			if err != nil {
				return
			}
		}
	}
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				in.Close()
				continue
			}
			go pass(out, in)
			go pass(in, out)
		}
	}()
	return r
}

func (r *relay) hold() { r.gate.Lock() }

func (r *relay) release() { r.gate.Unlock() }
