// Package stream hands events to the people who listen: one goroutine and one
// bounded buffer a stream, each frame in one write, and no reader who can hold
// up another.
//
// A stream that ends because of us says why in its last frame. One that can be
// resumed (resume.go) is read from the history and not from the bus, so that
// nothing is missing in it.
package stream

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// History is what streams that can be resumed read.
type History interface {
	// End gives where the history ends now.
	End(ctx context.Context) (event.Position, error)
	// Has tells whether the event of that id is, or was, at the position.
	Has(ctx context.Context, p event.Position) (bool, error)
	// After reads on from a position: what the filter lets through of the next
	// events, of which it looks at no more than limit.
	After(ctx context.Context, f *event.Filter, seq uint64, limit int) (event.Page, error)
}

// Config bounds the streams. Those up to PerSource must be set.
type Config struct {
	KeepAlive  time.Duration         // silence after which a stream says that it lives
	Buffer     int                   // bytes that wait for one slow reader, who is dropped beyond
	Max        int                   // streams open at once
	PerSource  int                   // of them, from one source
	Patience   time.Duration         // how long a reader may take for a write, and one who is dropped for what waits; 0: 10 s
	History    History               // nil: none is kept, and no stream can be resumed
	Registerer prometheus.Registerer // nil: none
}

// Hub hands events to the streams that are open. It is safe for concurrent
// use.
type Hub struct {
	// Set at New.
	cfg        Config
	metrics    *metrics
	life       context.Context //nolint:containedctx // of what streams ask the history: ends at Close
	stop       context.CancelFunc
	streamings sync.WaitGroup // the streams; Add under mu

	parting  parting
	encoding sync.Mutex
	encoder  encoder // guarded by encoding

	mu      sync.RWMutex
	closed  bool                                // guarded by mu
	owners  map[account.ID]map[*stream]struct{} // guarded by mu
	public  map[*stream]struct{}                // guarded by mu; those that want everybody's public events, too
	sources map[string]int                      // guarded by mu; streams by neighbourhood
	open    int                                 // guarded by mu
}

// New makes a hub without streams. Close ends it.
func New(cfg Config) *Hub {
	if cfg.Patience == 0 {
		cfg.Patience = 10 * time.Second
	}
	h := &Hub{
		cfg: cfg, metrics: newMetrics(cfg.Registerer),
		owners: make(map[account.ID]map[*stream]struct{}), public: make(map[*stream]struct{}), sources: make(map[string]int),
	}
	h.life, h.stop = context.WithCancel(context.Background())
	return h
}

// add opens a stream, if there is room.
func (h *Hub) add(st *stream) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed:
		return fault.Errorf(fault.Unavailable, "this server is stopping").WithCode(rest.CodeOverloaded)
	case h.open >= h.cfg.Max:
		return fault.Errorf(fault.Unavailable, "this server has %d event streams open and takes no more", h.open).
			WithCode(rest.CodeOverloaded)
	case h.sources[st.source] >= h.cfg.PerSource:
		return fault.Errorf(fault.Busy, "your address has %d event streams open and may have no more", h.cfg.PerSource)
	}
	h.open++
	h.sources[st.source]++
	owner := st.filter.Owner
	if h.owners[owner] == nil {
		h.owners[owner] = make(map[*stream]struct{})
	}
	h.owners[owner][st] = struct{}{}
	if st.filter.Public {
		h.public[st] = struct{}{}
	}
	h.streamings.Add(1)
	h.metrics.open.Inc()
	return nil
}

// remove is for every stream that add let in, when it has ended.
func (h *Hub) remove(st *stream, reason string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.open--
	if h.sources[st.source]--; h.sources[st.source] == 0 {
		delete(h.sources, st.source)
	}
	owner := st.filter.Owner
	delete(h.owners[owner], st)
	if len(h.owners[owner]) == 0 {
		delete(h.owners, owner)
	}
	delete(h.public, st)
	h.metrics.open.Dec()
	h.metrics.ended.WithLabelValues(reason).Inc()
	h.streamings.Done()
}

// Close ends all streams and waits for them.
func (h *Hub) Close() {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.EndAll(rest.EndShutdown)
	h.stop()
	h.streamings.Wait()
}

// Deliver puts the event into the streams that want it. It does not block.
func (h *Hub) Deliver(e *event.Event) {
	if h.holds(e) {
		return
	}
	h.encoding.Lock()
	defer h.encoding.Unlock()
	h.mu.RLock()
	defer h.mu.RUnlock()
	var frame []byte
	put := func(st *stream) {
		if !st.filter.Match(e) {
			return
		}
		if st.tail != nil { // it reads the history
			st.rouse()
			return
		}
		if frame == nil {
			frame = h.encoder.encode(e)
		}
		st.put(frame)
		h.metrics.frames.Inc()
	}
	for st := range h.owners[e.Owner] {
		put(st)
	}
	if !e.Public {
		return
	}
	for st := range h.public {
		if st.filter.Owner != e.Owner {
			put(st)
		}
	}
}
