// Package stream hands events to the people who listen: one goroutine and one
// bounded buffer a stream, each frame in one write, and no reader who can hold
// up another.
package stream

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
	"github.com/cyan-cloud/cyan/wire/sse"
)

// Config bounds the streams. All but Registerer must be set.
type Config struct {
	KeepAlive  time.Duration         // silence after which a stream says that it lives
	Buffer     int                   // bytes that wait for one slow reader, who is dropped beyond
	Max        int                   // streams open at once
	PerSource  int                   // of them, from one source
	Registerer prometheus.Registerer // nil: none
}

// Hub hands events to the streams that are open. It is safe for concurrent
// use.
type Hub struct {
	// Set at New.
	cfg        Config
	metrics    *metrics
	done       chan struct{}  // closed by Close
	streamings sync.WaitGroup // the streams; Add under mu

	mu      sync.RWMutex
	closed  bool                                // guarded by mu
	owners  map[account.ID]map[*stream]struct{} // guarded by mu
	public  map[*stream]struct{}                // guarded by mu; those that want everybody's public events, too
	sources map[string]int                      // guarded by mu; streams by neighbourhood
	open    int                                 // guarded by mu
}

// New makes a hub without streams. Close ends it.
func New(cfg Config) *Hub {
	return &Hub{
		cfg: cfg, metrics: newMetrics(cfg.Registerer), done: make(chan struct{}),
		owners: make(map[account.ID]map[*stream]struct{}), public: make(map[*stream]struct{}), sources: make(map[string]int),
	}
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
	if !h.closed {
		h.closed = true
		close(h.done)
	}
	h.mu.Unlock()
	h.streamings.Wait()
}

// Deliver puts the event into the streams that want it. It does not block.
func (h *Hub) Deliver(e *event.Event) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	var frame []byte
	put := func(st *stream) {
		if !st.filter.Match(e) {
			return
		}
		if frame == nil {
			frame = appendEvent(nil, e)
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

// appendEvent appends the event's frame: its data on one line of JSON.
func appendEvent(dst []byte, e *event.Event) []byte {
	shape := rest.Event{
		TTL: int(e.TTL / time.Second), PublishedAt: rest.At(e.Published), CoreID: e.Publisher(), Public: e.Public,
	}
	if e.HasData {
		text := dataText(e)
		shape.Data = &text
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(shape); err != nil {
		return dst // it cannot: the shape has only text and numbers
	}
	return sse.AppendFrame(dst, strings.ToValidUTF8(e.Name, "\uFFFD"), bytes.TrimSuffix(buf.Bytes(), []byte("\n")))
}

// mediaTypes are the CoAP content formats (RFC 7252 §12.3, RFC 8949 §9.4)
// whose data is not text.
var mediaTypes = map[uint16]string{
	22: "image/jpeg", 23: "image/png", 42: "application/octet-stream", 60: "application/cbor",
}

// dataText is an event's data as a string: binary data as a data URL.
func dataText(e *event.Event) string {
	if media, ok := mediaTypes[e.ContentFormat]; ok {
		return "data:" + media + ";base64," + base64.StdEncoding.EncodeToString(e.Data)
	}
	return string(e.Data)
}
