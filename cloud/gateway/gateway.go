package gateway

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"log/slog"
	"net/netip"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cyan-cloud/cyan/cloud/bus"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/gateway/admit"
	"github.com/cyan-cloud/cyan/cloud/gateway/handover"
	"github.com/cyan-cloud/cyan/cloud/gateway/identify"
	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
	"github.com/cyan-cloud/cyan/cloud/gateway/roster"
	"github.com/cyan-cloud/cyan/cloud/gateway/socket"
	"github.com/cyan-cloud/cyan/cloud/store"
	"github.com/cyan-cloud/cyan/wire/dtls"
)

// Records is where the gateway keeps what has to last.
type Records interface {
	SaveSession(row store.SessionRow, done func(error)) bool
	DeleteSession(row store.SessionRow, done func(error)) bool
	AdoptSessions(ctx context.Context, now time.Time, fn func(store.SessionRow) error) error
	Seen(u store.DeviceUpdate) bool
	AddAttempt(a device.Attempt) bool
}

// Bus is where the gateway meets the other doors.
type Bus interface {
	Publish(e *event.Event) error
	Subscribe(fn func(*event.Event)) (cancel func(), err error)
	Serve(g bus.Gateway) (stop func(), err error)
	Holding(id device.ID)
	Released(id device.ID)
}

// History is where devices' events are kept, so that what was acknowledged is
// not lost.
type History interface {
	// Append calls done when the event is kept for good, or cannot be; false: it
	// cannot, and done is not called.
	Append(e *event.Event, done func(error)) bool
}

// Limits bound what strangers and devices can take of a gateway.
type Limits = lane.Limits

// Config is what a gateway starts from.
type Config struct {
	Node      string   // its name, for the record of attempts
	UDP       []string // addresses to listen on, such as "127.0.0.1:5684"; none: no UDP
	TCP       []string // likewise, such as "127.0.0.1:5683"
	ServerEC  *ecdsa.PrivateKey
	ServerRSA *rsa.PrivateKey

	Keys    identify.Keys
	Records Records
	Bus     Bus
	History History // nil: none is kept

	// Routed fails while calls and events find no device that comes now; it does
	// not wait. nil: they always do.
	Routed func() error

	// TrustOnFirstUse lets in devices that nobody registered, and keeps the key
	// that they show.
	TrustOnFirstUse bool
	// Lanes is how many lanes there are. Zero: one a core.
	Lanes int
	Limits
	// Rehearsal makes a storm of few devices.
	Rehearsal Rehearsal
	// Inherit is what another process hands over; nil: nobody does.
	Inherit *Inherit

	Logger     *slog.Logger          // nil: none
	Registerer prometheus.Registerer // nil: no metrics
}

// Rehearsal is for benchmarks and tests, which want to see a storm without
// having a hundred thousand devices. Its zero value changes nothing.
type Rehearsal struct {
	Handshakes   int  // on TCP that are begun in a second at most; zero: as many as the processors can
	RefuseAtOnce bool // see lane.Config
}

// Gateway is the devices' door, open from Start to Stop.
type Gateway struct {
	cfg     Config
	log     *slog.Logger
	m       *metrics
	table   *roster.Table
	guide   roster.Guide
	lanes   []*runner
	share   int // how many lanes there will be
	sockets []socket.Socket
	doors   doors
	started time.Time

	keys, claims chan question // for the store
	rsa          *bench
	makers       *admit.Makers
	waiting      sync.Map // call id → chan *lane.Answer

	lastCall, lastStream atomic.Uint64

	changing sync.RWMutex // held to write while lanes are told of a change
	changes  uint64       // of keys and owners so far; guarded by changing

	passing   handing
	ancestors atomic.Pointer[ancestors]
	serves    atomic.Bool     // serve was called: the sessions are this process's
	adopting  handover.Crews  // connections of another process, before Open
	restored  int             // sessions of an earlier process, from the store
	inherited []*pipe         // that are not read yet
	life      context.Context //nolint:containedctx // the life of the gateway itself
	reading   sync.WaitGroup  // readers of sockets

	stopping sync.Once
	stopped  chan struct{}
	pipes    pipes
	running  sync.WaitGroup
	cancel   context.CancelFunc
	onStop   []func()
}

// Start opens the door: stored sessions are taken up first, then the sockets
// are served. It gives up when ctx ends; the gateway itself runs until Stop.
func Start(ctx context.Context, cfg Config) (*Gateway, error) {
	g := &Gateway{
		cfg: cfg, log: cfg.Logger, table: roster.New(), started: time.Now(),
		keys: make(chan question, keyQueue), claims: make(chan question, claimQueue), rsa: newBench(), makers: admit.NewMakers(),
		stopped: make(chan struct{}), pipes: pipes{open: map[*pipe]struct{}{}, most: 2 * cfg.Limits.WithDefaults().Streams},
	}
	if g.log == nil {
		g.log = slog.New(slog.DiscardHandler)
	}
	g.m = newMetrics(cfg.Registerer, g)
	n := cfg.Lanes
	if n <= 0 {
		n = runtime.GOMAXPROCS(0)
	}
	n = min(n, 255)
	g.guide = roster.Guide{Lanes: n, Table: g.table, Index: roster.NewIndex(), Hash: hashes()}
	if err := g.listen(ctx); err != nil {
		g.closeDoors()
		return nil, err
	}
	g.life, g.cancel = context.WithCancel(context.WithoutCancel(ctx))
	g.share = n
	for i := range n {
		g.lanes = append(g.lanes, g.newRunner(i))
	}
	var restored []device.ID
	err := g.join()
	if err == nil && cfg.Inherit == nil {
		restored, err = g.restore(ctx)
	}
	if err != nil {
		g.cancel()
		g.leave()
		g.closeDoors()
		return nil, err
	}
	if cfg.Inherit == nil {
		g.serve(g.life, restored) //nolint:contextcheck // it serves until Stop
	}
	return g, nil
}

func (g *Gateway) newRunner(i int) *runner {
	cfg := lane.Config{
		Node: g.cfg.Node, Index: i, DTLS: &dtls.ServerConfig{Key: g.cfg.ServerEC}, RSA: g.cfg.ServerRSA,
		Random:          func(b []byte) { _, _ = rand.Read(b) }, // never fails
		TrustOnFirstUse: g.cfg.TrustOnFirstUse, KeepEvents: g.cfg.History != nil, RefuseAtOnce: g.cfg.Rehearsal.RefuseAtOnce,
	}
	g.cfg.Limits.Divide(&cfg, g.share)
	if g.m != nil {
		cfg.Counter = g.m
	}
	return &runner{g: g, lane: lane.New(cfg), at: i, mail: newMailbox(), pipes: map[uint64]*pipe{}, out: socket.WriterOf(g.sockets), queue: newQueue()}
}

// listen opens the sockets.
func (g *Gateway) listen(ctx context.Context) error {
	for _, a := range g.cfg.UDP {
		s, err := g.cfg.Inherit.udp(a)
		if err != nil {
			return fmt.Errorf("listening for devices on udp %s: %w", a, err)
		}
		g.sockets = append(g.sockets, s)
		for _, other := range g.sockets[:len(g.sockets)-1] {
			if socket.Overlapping(s, other) {
				return fmt.Errorf("listening for devices on udp %s: another port of that address is listened on already", a)
			}
		}
	}
	return g.openDoors(ctx)
}

// join takes the gateway's place on the bus. Of one that takes over, the bus says
// so to nobody before it serves.
func (g *Gateway) join() error {
	stop, err := g.cfg.Bus.Serve(g)
	if err != nil {
		return err
	}
	g.onStop = append(g.onStop, stop)
	cancel, err := g.cfg.Bus.Subscribe(g.happened)
	if err != nil {
		stop()
		return err
	}
	g.onStop = append(g.onStop, cancel)
	return nil
}

// leave gives up the gateway's place on the bus.
func (g *Gateway) leave() {
	for _, end := range slices.Backward(g.onStop) {
		end()
	}
}

// serve starts every goroutine of the gateway. They end when run does, or
// when their socket is closed. Those are asked for a sign of life of whom we have
// a session and have heard nothing.
func (g *Gateway) serve(run context.Context, unheard []device.ID) {
	g.serves.Store(true)
	for _, r := range g.lanes {
		g.running.Go(func() { r.run(run) })
	}
	g.running.Go(func() { g.askKeys(run) })
	for range claimHands {
		g.running.Go(func() { g.askClaims(run) })
	}
	for range g.hands() {
		g.running.Go(func() { g.hand(run) })
	}
	g.readSockets() //nolint:contextcheck // what a lane wants done belongs to nobody who brought it something
	g.admitAll()    //nolint:contextcheck // as above
	g.running.Go(func() { g.mindDoors(run) })
	g.running.Go(func() { g.sweep(run, unheard) })
}

// readSockets starts the readers of all sockets.
func (g *Gateway) readSockets() {
	for _, s := range g.sockets {
		for range g.lanes {
			g.reading.Add(1)
			g.running.Go(func() {
				defer g.reading.Done()
				g.readSocket(s)
			})
		}
	}
}

// readSocket routes datagrams to lanes until the socket is closed.
func (g *Gateway) readSocket(s socket.Socket) {
	rd := s.NewReader(func() { g.m.Dropped(dropOversized) })
	ps := make([]*socket.Packet, socket.Batch)
	for i := range ps {
		ps[i] = packets.Get().(*socket.Packet)
	}
	sorted := make([][]input, len(g.lanes))
	for {
		n, err := rd.Read(ps)
		if err != nil {
			return
		}
		for i, p := range ps[:n] {
			to, knock := g.guide.Route(p.Data[:p.N], p.From)
			in := lane.In{Kind: lane.Datagram, Data: p.Data[:p.N], From: p.From, Local: p.Local}
			sorted[to] = append(sorted[to], input{In: in, buffer: p, knock: knock})
			ps[i] = packets.Get().(*socket.Packet)
		}
		g.deliver(sorted)
	}
}

// deliver puts datagrams into the lanes' mailboxes and empties sorted. One of
// the lanes has the reader's own goroutine, if it has nothing else to do.
func (g *Gateway) deliver(sorted [][]input) {
	var mine *runner
	for to, ins := range sorted {
		if len(ins) == 0 {
			continue
		}
		r := g.lanes[to]
		for _, in := range r.mail.putAll(ins) {
			g.m.Dropped(dropMailbox)
			packets.Put(in.buffer)
		}
		clear(ins)
		sorted[to] = ins[:0]
		if mine != nil {
			mine.mail.signal()
		}
		mine = r
	}
	if mine != nil {
		mine.drive()
	}
}

// hashes gives a hash of addresses that no stranger can foresee.
func hashes() func(netip.AddrPort) uint64 {
	seed := maphash.MakeSeed()
	return func(from netip.AddrPort) uint64 {
		a := from.Addr().As16()
		var b [18]byte
		copy(b[:], a[:])
		binary.BigEndian.PutUint16(b[16:], from.Port())
		return maphash.Bytes(seed, b[:])
	}
}

// now is a clock that is never set back: wall time at the start, and from
// then on what has passed.
//
// That of a gateway which took over goes on where the other's was.
func (g *Gateway) now() time.Time {
	passed := time.Since(g.started)
	if g.cfg.Inherit != nil {
		passed += g.cfg.Inherit.Clock
	}
	return g.started.Add(passed).Round(0)
}

// Clock gives the gateway's time.
func (g *Gateway) Clock() time.Time { return g.now() }

// Addrs gives the addresses that are listened on.
func (g *Gateway) Addrs() (udp, tcp []netip.AddrPort) {
	for _, s := range g.sockets {
		at, _ := s.Addr()
		udp = append(udp, at)
	}
	for _, w := range g.doors.list {
		tcp = append(tcp, w.at)
	}
	return udp, tcp
}

// Count gives how many devices are connected, and how many of them do not
// answer.
func (g *Gateway) Count() (connected, limbo int) { return g.table.Count() }

// Tally gives how many devices have a session, by what they are counted by.
func (g *Gateway) Tally(yield func(device.Traits, device.Headcount)) { g.table.Tally(yield) }

// Absent gives how many devices were lost since a time and are not back, and how
// many of those that do not answer need somebody to go there.
func (g *Gateway) Absent(since time.Time) (missing, listed int) {
	return g.table.Absent(since, g.started)
}

// Stop closes the door and waits for all that Start began. Sessions on UDP
// are stored once more as they are, so that the next process can believe in
// every bit of them.
func (g *Gateway) Stop() {
	g.stopping.Do(g.stop)
}

func (g *Gateway) stop() {
	g.leave()
	close(g.stopped)
	g.closeDoors()
	g.cancel()
	g.pipes.close()
	_ = g.adopting.End() // of a hand-over that was refused
	g.running.Wait()
	if g.serves.Load() && !g.passing.over() {
		g.keep()
	}
}

func (g *Gateway) closeDoors() {
	for _, s := range g.sockets {
		s.Close()
	}
	g.doors.close()
}

func (g *Gateway) logTry(try *device.Attempt) {
	if try.Outcome == device.Succeeded {
		g.log.Debug("device is online", "device", try.Device, "transport", try.Transport, "took", try.Ended.Sub(try.Started))
		return
	}
	g.log.Info("device was not let in", "device", try.Device, "claimed", try.Claimed, "transport", try.Transport,
		"source", try.Source, "reason", string(try.Reason), "fault", string(try.Reason.Fault()), "detail", try.Detail)
}

func stack() string { return string(debug.Stack()) }
