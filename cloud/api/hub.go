package api

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
	"github.com/cyan-cloud/cyan/wire/sse"
)

// hub hands the events of the bus to the streams that are open.
type hub struct {
	// Set at newHub.
	keepAlive  time.Duration
	buffer     int
	max        int
	sourceMax  int
	log        *slog.Logger
	metrics    *metrics
	done       chan struct{}  // closed by close
	streamings sync.WaitGroup // the streams; Add under mu

	mu      sync.RWMutex
	closed  bool                                // guarded by mu
	owners  map[account.ID]map[*stream]struct{} // guarded by mu
	public  map[*stream]struct{}                // guarded by mu; those that want everybody's public events, too
	sources map[string]int                      // guarded by mu; streams by neighbourhood
	open    int                                 // guarded by mu
}

func newHub(cfg *Config, log *slog.Logger, m *metrics) *hub {
	return &hub{
		keepAlive: cfg.KeepAlive, buffer: cfg.StreamBuffer, max: cfg.MaxStreams, sourceMax: cfg.SourceStreams,
		log: log, metrics: m, done: make(chan struct{}),
		owners: make(map[account.ID]map[*stream]struct{}), public: make(map[*stream]struct{}), sources: make(map[string]int),
	}
}

// add opens a stream, if there is room.
func (h *hub) add(st *stream) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed:
		return fault.Errorf(fault.Unavailable, "this server is stopping").WithCode(rest.CodeOverloaded)
	case h.open >= h.max:
		return fault.Errorf(fault.Unavailable, "this server has %d event streams open and takes no more", h.open).
			WithCode(rest.CodeOverloaded)
	case h.sources[st.source] >= h.sourceMax:
		return fault.Errorf(fault.Busy, "your address has %d event streams open and may have no more", h.sourceMax)
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
	h.metrics.streams.Inc()
	return nil
}

// remove is for every stream that add let in, when it has ended.
func (h *hub) remove(st *stream, reason string) {
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
	h.metrics.streams.Dec()
	h.metrics.ended.WithLabelValues(reason).Inc()
	h.streamings.Done()
}

// close ends all streams and waits for them.
func (h *hub) close() {
	h.mu.Lock()
	if !h.closed {
		h.closed = true
		close(h.done)
	}
	h.mu.Unlock()
	h.streamings.Wait()
}

// deliver puts the event into the streams that want it. It does not block.
func (h *hub) deliver(e *event.Event) {
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
