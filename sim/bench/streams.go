package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

// Streams measures open event streams: what one costs, and how many deliveries
// a second there are when all get the same events.
type Streams struct {
	Subscribers int           // 0: 1,000
	For         time.Duration // how long events are published; 0: 10 s
	Window      int           // events under way; 0: 8
	Profile     string        // of the time in which events are published
	Heap        string        // of the memory with all streams
	Say         Progress
}

// StreamsResult is what event streams cost.
type StreamsResult struct {
	Run
	Subscribers        int     `json:"subscribers"`
	BytesPerSubscriber int     `json:"bytes_per_subscriber"`
	DeliveriesPerS     float64 `json:"deliveries_per_s"`
	Dropped            int     `json:"dropped"` // deliveries that did not come
	Broken             int     `json:"broken"`  // streams that ended
	Events             int     `json:"events"`
	RSS                int64   `json:"rss_bytes"`
	ServerCPU          float64 `json:"server_cpu_us"` // processor time of the cloud for a delivery
}

// Rows are the figures for people.
func (r *StreamsResult) Rows() []Row {
	return []Row{
		{"stream", fmt.Sprintf("%d bytes", r.BytesPerSubscriber), fmt.Sprintf("growth of the cloud's resident memory for each of %d", r.Subscribers)},
		{"deliveries", fmt.Sprintf("%.0f/s", r.DeliveriesPerS), fmt.Sprintf("of %d events to all of them", r.Events)},
		{"dropped", fmt.Sprint(r.Dropped), fmt.Sprintf("%d streams broken", r.Broken)},
		{"server", fmt.Sprintf("%.2f µs", r.ServerCPU), "processor time of the cloud for a delivery"},
	}
}

// publishers is how many devices publish what the streams get.
const publishers = 10

// perAddress is how many streams come from one address: the cloud takes a
// hundred.
const perAddress = 50

// Run runs the benchmark against a cloud that nobody else uses.
func (b Streams) Run(ctx context.Context, s *Server) (*StreamsResult, error) {
	b.Subscribers, b.For, b.Window = cmp.Or(b.Subscribers, 1000), cmp.Or(b.For, 10*time.Second), cmp.Or(b.Window, 8)
	st, err := setUp(ctx, s, publishers, b.Say)
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

func (b Streams) measure(ctx context.Context, s *Server, st *stage, rs *readers) (*StreamsResult, error) {
	before, err := s.Collected()
	if err != nil {
		return nil, err
	}
	if err := b.open(ctx, st, rs); err != nil {
		return nil, err
	}
	with, err := s.Collected()
	if err != nil {
		return nil, err
	}
	if err := s.Heap(b.Heap); err != nil {
		return nil, err
	}
	b.Say("publishing for %v", b.For)
	end, err := s.Profile(b.Profile)
	if err != nil {
		return nil, err
	}
	started, err := s.Usage()
	if err != nil {
		return nil, err
	}
	sent, passed, err := newFlow(rs, b.Window, b.Subscribers).run(ctx, st.crowd, b.For, func(n int, data []byte) {
		st.crowd.Event(n%publishers, "bench/all", data)
	})
	if err != nil {
		return nil, err
	}
	after, err := s.Usage()
	if err = errors.Join(err, end()); err != nil {
		return nil, err
	}
	got := int(rs.received.Load())
	return &StreamsResult{
		Run: Ran("streams", fmt.Sprintf("%d event streams (SSE), %d from one address, all for the same events; memory is the growth of the cloud's resident set "+
			"after a collection while they are quiet, divided by the streams; then events of %d bytes from %d devices to all of them for %v, at most %d "+
			"events under way; devices and readers are one process on the same machine", b.Subscribers, perAddress, eventSize, publishers, b.For, b.Window)),
		Subscribers: b.Subscribers, BytesPerSubscriber: int(per(with.RSS-before.RSS, b.Subscribers)),
		DeliveriesPerS: tenth(rate(got, passed)), Dropped: sent*b.Subscribers - got, Broken: int(rs.broken.Load()), Events: sent,
		RSS: with.RSS, ServerCPU: float64(int(per(after.CPU-started.CPU, got)/10+0.5)) / 100,
	}, nil
}

// open opens the streams, from many addresses.
func (b Streams) open(ctx context.Context, st *stage, rs *readers) error {
	said := time.Now()
	for i := range b.Subscribers {
		from := 1 + i/perAddress
		conn, err := st.person.subscribe(ctx, net.IPv4(127, 200, byte(from>>8), byte(from)), "bench/all")
		if err != nil {
			return fmt.Errorf("opening stream %d: %w", i, err)
		}
		rs.read(conn, 2<<10, rs.counted())
		if time.Since(said) > 2*time.Second {
			said = time.Now()
			b.Say("streams open: %d of %d", i, b.Subscribers)
		}
	}
	return nil
}
