package bench

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cyan-cloud/cyan/internal/pause"
	"github.com/cyan-cloud/cyan/sim/bench/crowd"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// Events measures events from devices to event streams.
type Events struct {
	Devices int           // 0: 1,000
	Streams int           // 0: 10
	All     bool          // every stream gets every event; otherwise each event goes to one of them
	For     time.Duration // how long events are published; 0: 10 s
	Window  int           // events that may be under way; 0: 500, which a stream's buffer in the cloud has room for
	Profile string
	Say     Progress
}

// EventsResult is how many events a second came through.
type EventsResult struct {
	Run
	PerSecond  float64 `json:"events_per_s"`
	Lost       int     `json:"lost"`
	P99        float64 `json:"p99_ms"` // from the device's socket to the reader's
	Events     int     `json:"events"`
	Devices    int     `json:"devices"`
	Streams    int     `json:"streams"`
	Deliveries int     `json:"deliveries"`
	P50        float64 `json:"p50_ms"`
	Broken     int     `json:"broken"`        // streams that ended before their time
	ServerCPU  float64 `json:"server_cpu_us"` // processor time of the cloud for an event
}

// Rows are the figures for people.
func (r *EventsResult) Rows() []Row {
	return []Row{
		{"events", fmt.Sprintf("%.0f/s", r.PerSecond), fmt.Sprintf("%d from %d devices to %d streams, %d deliveries", r.Events, r.Devices, r.Streams, r.Deliveries)},
		{"lost", fmt.Sprint(r.Lost), fmt.Sprintf("deliveries that did not come; %d streams broken", r.Broken)},
		{"delay", fmt.Sprintf("%.1f ms, 99 %% within %.1f ms", r.P50, r.P99), "median, from the device's socket to the reader's, with a full window"},
		{"server", fmt.Sprintf("%.1f µs", r.ServerCPU), "processor time of the cloud for an event"},
	}
}

// stamp is the beginning of an event's data: when it was sent, in hexadecimal
// nanoseconds.
const (
	stampSize = 16
	eventSize = 100
)

// readers are the streams of a benchmark, and what came on them.
type readers struct {
	began    time.Time
	received atomic.Int64
	broken   atomic.Int64 // streams that ended before their time
	times    Times
	all      sync.WaitGroup
	conns    []net.Conn
	ending   atomic.Bool
}

// Run runs the benchmark against a cloud that nobody else uses.
func (b Events) Run(ctx context.Context, s *Server) (*EventsResult, error) {
	b.Devices, b.Streams = cmp.Or(b.Devices, 1000), cmp.Or(b.Streams, 10)
	b.For, b.Window = cmp.Or(b.For, 10*time.Second), cmp.Or(b.Window, 500)
	st, err := setUp(ctx, s, b.Devices, b.Say)
	if err != nil {
		return nil, err
	}
	rs := &readers{began: time.Now()}
	r, err := b.measure(ctx, s, st, rs)
	rs.close()
	if err = errors.Join(err, st.tearDown()); err != nil {
		return nil, err
	}
	return r, nil
}

// prefix of the names of the events that a stream asks for.
func (b Events) prefix(stream int) string {
	if b.All {
		return "bench/"
	}
	return fmt.Sprintf("bench/%d/", stream)
}

func (b Events) measure(ctx context.Context, s *Server, st *stage, rs *readers) (*EventsResult, error) {
	for i := range b.Streams {
		conn, err := st.person.subscribe(ctx, nil, b.prefix(i))
		if err != nil {
			return nil, err
		}
		rs.read(conn, 64<<10, rs.stamped())
	}
	copies := 1
	if b.All {
		copies = b.Streams
	}
	b.Say("publishing for %v", b.For)
	end, err := s.Profile(b.Profile)
	if err != nil {
		return nil, err
	}
	before, err := s.Usage()
	if err != nil {
		return nil, err
	}
	sent, passed, err := b.publish(ctx, st.crowd, rs, copies)
	if err != nil {
		return nil, err
	}
	after, err := s.Usage()
	if err = errors.Join(err, end()); err != nil {
		return nil, err
	}
	got := int(rs.received.Load())
	way := "each event asked for by one of the streams"
	if b.All {
		way = "each event asked for by all streams"
	}
	return &EventsResult{
		Run: Ran("events", fmt.Sprintf("unacknowledged events of %d bytes from %d devices on DTLS to %d event streams (SSE), %s; devices publish "+
			"in turn, as fast as they can with at most %d events under way, for %v; devices and readers are one process on the same machine",
			eventSize, b.Devices, b.Streams, way, b.Window, b.For)),
		PerSecond: tenth(rate(got/copies, passed)), Lost: sent*copies - got, P99: millis(rs.times.Quantile(0.99)),
		Events: sent, Devices: b.Devices, Streams: b.Streams, Deliveries: got, P50: millis(rs.times.Quantile(0.5)), Broken: int(rs.broken.Load()),
		ServerCPU: tenth(per(after.CPU-before.CPU, sent) / 1e3),
	}, nil
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// afterLast is how long is waited for the next of the last deliveries.
const afterLast = 5 * time.Second

// publish has the devices publish for the time, and gives how many events they
// sent and how long it took until the last was received.
func (b Events) publish(ctx context.Context, c *crowd.Crowd, rs *readers, copies int) (sent int, passed time.Duration, err error) {
	flow := newFlow(rs, b.Window, copies)
	names := make([]string, b.Streams)
	for i := range names {
		names[i] = fmt.Sprintf("bench/%d/tick", i)
	}
	return flow.run(ctx, c, b.For, func(n int, data []byte) {
		i := n % c.Size()
		c.Event(i, names[i%b.Streams], data)
	})
}

// flow publishes as much as a window of events under way allows. What has been
// lost for good does not count for it.
type flow struct {
	rs             *readers
	window, copies int

	sent     atomic.Int64
	data     [eventSize]byte
	moved    time.Time // when something was received last
	last     int64     // what had been received then
	forgiven int       // deliveries that are not waited for any more
}

func newFlow(rs *readers, window, copies int) *flow {
	f := &flow{rs: rs, window: window, copies: copies, moved: time.Now()}
	for i := range f.data {
		f.data[i] = 'x'
	}
	return f
}

// forgive is how long nothing is received before what is under way is lost.
const forgive = 500 * time.Millisecond

// burst is how many events are published between two looks at the sockets.
const burst = 64

// step publishes what the window allows. It is called by the crowd's goroutine.
func (f *flow) step(now time.Time, say func(n int, data []byte)) {
	got := f.rs.received.Load()
	if got != f.last {
		f.last, f.moved = got, now
	}
	sent := f.sent.Load()
	under := int(sent)*f.copies - int(got) - f.forgiven
	room := f.window - (under+f.copies-1)/f.copies
	if room <= 0 && now.Sub(f.moved) > forgive {
		f.forgiven += under
		room = f.window
	}
	for range min(room, burst) {
		putStamp(f.data[:], f.rs.began)
		say(int(sent), f.data[:])
		sent++
	}
	f.sent.Store(sent)
}

func (f *flow) run(ctx context.Context, c *crowd.Crowd, d time.Duration, say func(n int, data []byte)) (sent int, passed time.Duration, err error) {
	began := time.Now()
	if err := c.Publish(ctx, func(now time.Time) { f.step(now, say) }); err != nil {
		return 0, 0, err
	}
	select {
	case <-time.After(d):
	case <-ctx.Done():
		return 0, 0, context.Cause(ctx)
	}
	if err := c.Publish(ctx, nil); err != nil {
		return 0, 0, err
	}
	passed = time.Since(began)
	sent = int(f.sent.Load())
	for until := time.Now().Add(afterLast); f.rs.received.Load() < int64(sent*f.copies) && time.Now().Before(until); {
		if !pause.For(ctx, 5*time.Millisecond) {
			return 0, 0, context.Cause(ctx)
		}
		if f.rs.received.Load() > f.last {
			f.last, passed, until = f.rs.received.Load(), time.Since(began), time.Now().Add(afterLast)
		}
	}
	return sent, passed, nil
}

func putStamp(data []byte, began time.Time) {
	var raw [stampSize / 2]byte
	n := uint64(time.Since(began))
	for i := range raw {
		raw[i] = byte(n >> (56 - 8*i))
	}
	hex.Encode(data, raw[:])
}

// readStamp gives how long ago a stamp was put.
func readStamp(data []byte, began time.Time) (time.Duration, bool) {
	var raw [stampSize / 2]byte
	if len(data) < stampSize {
		return 0, false
	}
	if _, err := hex.Decode(raw[:], data[:stampSize]); err != nil {
		return 0, false
	}
	var n uint64
	for _, b := range raw {
		n = n<<8 | uint64(b)
	}
	return time.Since(began) - time.Duration(n), true
}

// subscribe opens an event stream, from the address if one is given.
func (p *person) subscribe(ctx context.Context, from net.IP, prefix string) (net.Conn, error) {
	d := net.Dialer{Timeout: callTime}
	if from != nil {
		d.LocalAddr = &net.TCPAddr{IP: from}
	}
	conn, err := d.DialContext(ctx, "tcp", p.api.Host)
	if err != nil {
		return nil, err
	}
	_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nAccept: text/event-stream\r\n\r\n",
		rest.PathMyEvents(prefix), p.api.Host, p.token)
	if err == nil {
		err = greeting(conn)
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}
