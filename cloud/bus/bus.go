// Package bus is where the doors meet: events fan out to all of them, and a
// call finds the gateway node that holds its device.
//
// It rides on NATS: a server embedded in the process where there is one
// machine, a cluster by URL where there are many. Nothing that is published
// here is durable; everything has a bound, and what goes beyond is counted.
package bus

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// Config says how to reach the bus. The zero value is a bus of its own,
// inside the process.
type Config struct {
	// URL of a NATS cluster; empty: a server embedded in this process, that
	// listens on no socket.
	URL string
	// Node is this node's name, of letters, digits, '-' and '_'; empty: "local".
	// Two nodes may share a name, as a process and its successor do.
	Node string
	// OutboxBytes bounds the events that wait to be sent; zero: 8 MiB. Events
	// beyond it are refused and counted.
	OutboxBytes int
	// MaxCalls bounds the calls that this node's gateway performs at once;
	// zero: 4096. Calls beyond it are refused as busy and counted.
	MaxCalls int
	// Heir: this process is about to take the place of another of its node. Until
	// Appear the others hear nothing of it.
	Heir bool
	// Elder is the Address of that other process, if it is on the same bus: until
	// Alone this one's subscribers hear what is given to Relay.
	Elder string
	// Heartbeat is how often nodes tell each other that they live; one that is
	// silent for five of them is forgotten. Zero: 2 s.
	Heartbeat time.Duration

	Logger     *slog.Logger          // nil: none
	Registerer prometheus.Registerer // nil: none
}

// Bus is a node's place on the bus. Its methods can be called from any
// goroutine.
type Bus struct {
	// Set at Open.
	cfg      Config
	log      *slog.Logger
	address  string // the node's name and random digits: no two processes share it
	random   uint64 // names this process's calls
	embedded *server.Server
	conn     *nats.Conn
	outbox   *outbox
	presence *presence
	announce chan struct{} // holds one token: there is presence to announce
	metrics  *metrics
	hearing  *hearing // nil: it always hears for itself

	calls         atomic.Uint64
	subscribers   subscribers
	watchers      watchers
	serving       atomic.Pointer[serving] // nil: this node is no gateway
	eventVersions versions                // others than this one's that events came in

	stop  chan struct{} // closed by Close
	close sync.Once
	wait  sync.WaitGroup // run
}

// The subjects of the bus. A node's own messages go to subjectNode, its
// address, and the last word.
const (
	subjectEvents   = "cyan.v1.events"
	subjectPresence = "cyan.v1.presence"
	subjectChanged  = "cyan.v1.changed"
	subjectRevoked  = "cyan.v1.revoked"
	subjectNode     = "cyan.v1.node."
	wordCall        = "call"
	wordCancel      = "cancel"
	wordStates      = "states"
)

// Open joins the bus. It gives up when ctx ends.
func Open(ctx context.Context, cfg Config) (*Bus, error) {
	b, err := newBus(cfg)
	if err != nil {
		return nil, err
	}
	if err := b.connect(ctx); err != nil {
		b.disconnect()
		return nil, fault.E(fault.Unavailable, "join the bus", err).WithCode(rest.CodeBusUnavailable)
	}
	b.tell(announcement{kind: annAsk, from: b.address})
	b.wait.Go(b.run) // until Close
	return b, nil
}

func newBus(cfg Config) (*Bus, error) {
	if cfg.Node == "" {
		cfg.Node = "local"
	}
	if !validNode(cfg.Node) {
		return nil, fault.Errorf(fault.Invalid, "node name %.40q: only letters, digits, '-' and '_'", cfg.Node)
	}
	if cfg.OutboxBytes == 0 {
		cfg.OutboxBytes = 8 << 20
	}
	if cfg.MaxCalls == 0 {
		cfg.MaxCalls = 4096
	}
	if cfg.Heartbeat == 0 {
		cfg.Heartbeat = 2 * time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	var random [8]byte
	rand.Read(random[:]) // never fails
	b := &Bus{
		cfg:      cfg,
		log:      cfg.Logger.With("node", cfg.Node),
		address:  cfg.Node + "-" + hex.EncodeToString(random[:4]),
		random:   binary.BigEndian.Uint64(random[:]),
		outbox:   newOutbox(cfg.OutboxBytes),
		announce: make(chan struct{}, 1),
		stop:     make(chan struct{}),
	}
	b.presence = newPresence(b.address, b.announce)
	b.presence.quiet = cfg.Heir
	if cfg.Elder != "" {
		b.hearing = &hearing{from: cfg.Elder}
	}
	b.metrics = newMetrics(cfg.Registerer, b.presence)
	return b, nil
}

func validNode(s string) bool {
	return len(s) <= 64 && strings.IndexFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_')
	}) < 0
}

// connect starts the embedded server if there is to be one, joins it, and
// returns when what is published from now on will be heard.
func (b *Bus) connect(ctx context.Context) (err error) {
	opts := nats.GetDefaultOptions()
	opts.Name = b.address
	opts.MaxReconnect = -1 // for ever
	opts.ReconnectWait = 200 * time.Millisecond
	opts.ReconnectBufSize = -1 // publishing while disconnected fails, and is counted
	opts.AsyncErrorCB = b.natsError
	opts.DisconnectedErrCB = func(_ *nats.Conn, err error) {
		if !b.closing() {
			b.log.Error("bus lost", "err", err)
			b.deaf()
		}
	}
	opts.ReconnectedCB = func(*nats.Conn) {
		b.log.Info("bus found again")
		b.presence.hear(&announcement{kind: annAsk}, time.Now()) // what was announced meanwhile is lost
		b.tell(announcement{kind: annAsk, from: b.address})
	}
	if b.cfg.URL == "" {
		if b.embedded, err = startEmbedded(ctx, b.address); err != nil {
			return err
		}
		opts.InProcessServer = b.embedded
	} else {
		opts.Servers = strings.Split(b.cfg.URL, ",")
	}
	if deadline, ok := ctx.Deadline(); ok {
		opts.Timeout = min(opts.Timeout, max(time.Until(deadline), time.Millisecond))
	}
	if b.conn, err = opts.Connect(); err != nil {
		return err
	}
	if err = b.listen(subjectPresence, b.heard); err != nil {
		return err
	}
	if err = b.listen(subjectEvents, b.deliver); err != nil {
		return err
	}
	if err = b.listen(subjectChanged, b.changed); err != nil {
		return err
	}
	if err = b.listen(subjectRevoked, b.revoked); err != nil {
		return err
	}
	return b.flush(ctx)
}

func (b *Bus) flush(ctx context.Context) error {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
	}
	return b.conn.FlushWithContext(ctx)
}

// listen subscribes; what its queue cannot hold is dropped and counted.
func (b *Bus) listen(subject string, fn nats.MsgHandler) error {
	s, err := b.conn.Subscribe(subject, fn)
	if err != nil {
		return err
	}
	return s.SetPendingLimits(1<<16, 64<<20)
}

// natsError hears of what goes wrong between calls.
func (b *Bus) natsError(_ *nats.Conn, s *nats.Subscription, err error) {
	if errors.Is(err, nats.ErrSlowConsumer) && s != nil {
		b.metrics.dropped.WithLabelValues(dropSlow).Inc()
		n, _ := s.Dropped()
		b.log.Error("bus messages dropped", "subject", s.Subject, "dropped_so_far", n)
		if s.Subject == subjectEvents {
			b.missed()
		} else {
			b.deaf() // it may have been a revocation
		}
		return
	}
	b.log.Error("bus", "err", err)
}

// run sends what is waiting, tells the others that this node lives and
// forgets those that don't. It ends at Close.
func (b *Bus) run() {
	beat := time.NewTicker(b.cfg.Heartbeat)
	defer beat.Stop()
	b.announceAll(true)
	for {
		select {
		case <-b.outbox.wake:
			b.sendEvents()
		case <-b.announce:
			b.announceAll(false)
		case now := <-beat.C:
			b.pulse()
			b.announceAll(true)
			for _, address := range b.presence.expire(now.Add(-5 * b.cfg.Heartbeat)) {
				b.log.Error("node forgotten, it has been silent", "address", address)
			}
		case <-b.stop:
			b.sendEvents()
			if !b.presence.unknown() {
				b.tell(announcement{kind: annGone, from: b.address})
			}
			return
		}
	}
}

func (b *Bus) announceAll(beat bool) {
	for _, a := range b.presence.announcements(beat) {
		b.tell(a)
	}
}

// tell sends one announcement. One that is lost is made good by the digest in
// the next heartbeat.
func (b *Bus) tell(a announcement) {
	if err := b.conn.Publish(subjectPresence, encodeAnnouncement(&a)); err != nil {
		b.metrics.dropped.WithLabelValues(dropDisconnected).Inc()
	}
}

// heard takes in what another node announces.
func (b *Bus) heard(m *nats.Msg) {
	if _, other := versionOf(m.Data); other {
		b.heardOther(m.Data)
		return
	}
	a, err := decodeAnnouncement(m.Data)
	if err != nil {
		b.metrics.dropped.WithLabelValues(dropMalformed).Inc()
		return
	}
	if whom := b.presence.hear(&a, time.Now()); whom != "" {
		b.metrics.resyncs.Inc()
		b.tell(announcement{kind: annAsk, from: b.address, whom: whom})
	}
}

// Holding tells all nodes that this one holds the device. It never blocks.
func (b *Bus) Holding(id device.ID) { b.presence.set(id, true) }

// Released tells all nodes that this one holds the device no longer; if
// another has announced it since, that stays. It never blocks.
func (b *Bus) Released(id device.ID) { b.presence.set(id, false) }

// Check tells whether the bus works: nil, or an error of kind Unavailable.
func (b *Bus) Check() error {
	if b.closing() || !b.conn.IsConnected() {
		return errUnavailable()
	}
	return nil
}

func errUnavailable() error {
	return fault.Errorf(fault.Unavailable, "the bus between the parts of the cloud does not answer").
		WithCode(rest.CodeBusUnavailable)
}

func (b *Bus) closing() bool {
	select {
	case <-b.stop:
		return true
	default:
		return false
	}
}

// Close leaves the bus: calls that are in flight fail, and all that Open
// started has ended when it returns.
func (b *Bus) Close() error {
	b.close.Do(func() {
		if s := b.serving.Load(); s != nil {
			s.end()
		}
		close(b.stop)
		b.wait.Wait()
		b.disconnect()
	})
	return nil
}

func (b *Bus) disconnect() {
	if b.conn != nil {
		if b.conn.IsConnected() {
			_ = b.conn.FlushTimeout(time.Second) // a goodbye that is lost costs the others ten seconds
		}
		b.conn.Close()
	}
	if b.embedded != nil {
		b.embedded.Shutdown()
		b.embedded.WaitForShutdown()
	}
}
