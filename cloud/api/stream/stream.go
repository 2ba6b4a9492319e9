package stream

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/wire/rest"
	"github.com/cyan-cloud/cyan/wire/sse"
)

// stream is one open event stream. put is called by the hub, run by the
// stream's own goroutine.
type stream struct {
	// Set at the start.
	hub    *Hub
	filter event.Filter
	source string        // the neighbourhood it counts for
	wake   chan struct{} // holds one token: frames wait

	broken bool // owned by run: a write failed, perhaps in the middle of a frame

	mu      sync.Mutex
	sink    sink   // guarded by mu; nil until the stream is open, and then the same
	waiting []byte // guarded by mu; whole frames
	spare   []byte // guarded by mu; the buffer that was written last
	slow    bool   // guarded by mu; its buffer has overflowed
}

// sink is where a stream's bytes go: a connection of its own or, where there
// is none to be had, a response that is flushed.
type sink interface {
	Write(p []byte) (int, error)
	SetWriteDeadline(t time.Time) error
}

type flushed struct {
	http.ResponseWriter
	control *http.ResponseController
}

func (f *flushed) Write(p []byte) (int, error) {
	n, err := f.ResponseWriter.Write(p)
	if err == nil {
		err = f.control.Flush()
	}
	return n, err
}

func (f *flushed) SetWriteDeadline(t time.Time) error { return f.control.SetWriteDeadline(t) }

const (
	// writeTimeout is how long one write to a reader may take.
	writeTimeout = 10 * time.Second
	// lastWords is how long a reader who is dropped has to hear of it.
	lastWords = time.Second
	// maxWrite is about how much is written at once: whole frames.
	maxWrite = 16 << 10
	// keepBuffer is the size from which a stream's buffer is given back to
	// the collector after a burst.
	keepBuffer = 4 << 10
)

const streamHead = "HTTP/1.1 200 OK\r\nContent-Type: " + sse.ContentType + "; charset=utf-8\r\n" +
	"Cache-Control: no-cache\r\nConnection: close\r\nX-Accel-Buffering: no\r\nX-Content-Type-Options: nosniff\r\n" +
	"Access-Control-Allow-Origin: *\r\nAccess-Control-Expose-Headers: X-Request-Id\r\nX-Request-Id: %s\r\n\r\n"

// Subscription is what a reader wants to hear.
type Subscription struct {
	Filter  event.Filter
	About   rest.Header // the filter as the reader is told it
	Source  string      // what its streams are counted by: its address
	Request string      // the request's id
}

// Serve opens an event stream. It takes the connection over, because an
// http.Server spends five times the memory on an idle one, and returns at
// once; where it cannot be had, it returns at the end of the stream. An error
// means that nothing has been written.
func (h *Hub) Serve(w http.ResponseWriter, r *http.Request, sub Subscription) error {
	st := &stream{hub: h, filter: sub.Filter, source: sub.Source, wake: make(chan struct{}, 1)}
	if err := h.add(st); err != nil {
		return err
	}
	greeting := sse.AppendComment(nil, "ok")
	header, _ := json.Marshal(sub.About) // it cannot fail: text only
	scope := sse.AppendComment(nil, " "+string(header))
	control := http.NewResponseController(w)
	conn, _, err := control.Hijack()
	if err != nil { // there is none to be had
		head := w.Header()
		head.Set("Content-Type", sse.ContentType+"; charset=utf-8")
		head.Set("Cache-Control", "no-cache")
		head.Set("X-Accel-Buffering", "no")
		h.remove(st, st.run(&flushed{w, control}, r.Context().Done(), greeting, scope))
		return nil //nolint:nilerr // the stream was served by the response itself
	}
	_ = conn.SetDeadline(time.Time{}) // the server's limits are for requests
	greeting = append(fmt.Appendf(nil, streamHead, sub.Request), greeting...)
	go func() { // until the reader is gone, slow, or the hub is closed
		reason := st.run(conn, nil, greeting, scope)
		conn.Close()
		h.remove(st, reason)
	}()
	return nil
}

// put queues a frame. A reader whose buffer overflows is dropped: it must
// not hold up the others, nor lose frames without knowing.
func (st *stream) put(frame []byte) {
	st.mu.Lock()
	switch {
	case st.slow:
	case len(st.waiting)+len(frame) > st.hub.cfg.Buffer:
		st.slow = true
		st.waiting = nil
		if st.sink != nil {
			_ = st.sink.SetWriteDeadline(time.Now().Add(lastWords))
		}
	default:
		st.waiting = append(st.waiting, frame...)
	}
	st.mu.Unlock()
	select {
	case st.wake <- struct{}{}:
	default: // it has been woken already
	}
}

// The reasons for a stream's end, as they are counted.
const (
	endGone     = "gone"
	endSlow     = "slow"
	endShutdown = "shutdown"
)

// run writes the greetings, each by itself, and then what is put, until the
// stream ends. It says why.
func (st *stream) run(to sink, gone <-chan struct{}, greetings ...[]byte) (reason string) {
	st.mu.Lock()
	st.sink = to
	st.mu.Unlock()
	for _, greeting := range greetings {
		if !st.write(greeting) {
			return endGone
		}
	}
	quiet := time.NewTimer(st.hub.cfg.KeepAlive)
	defer quiet.Stop()
	for {
		select {
		case <-st.wake:
			if !st.drain() {
				return st.drop()
			}
		case <-quiet.C:
			if !st.write([]byte("\n")) {
				return st.drop()
			}
		case <-st.hub.done:
			st.write(sse.AppendComment(nil, " the server is stopping: connect again"))
			return endShutdown
		case <-gone:
			return endGone
		}
		quiet.Reset(st.hub.cfg.KeepAlive)
	}
}

// drop says why a stream ends whose reader is gone or slow. A slow one is
// told, if nothing has been cut off before it.
func (st *stream) drop() (reason string) {
	st.mu.Lock()
	slow := st.slow
	st.mu.Unlock()
	switch {
	case !slow:
		return endGone
	case !st.broken:
		st.write(sse.AppendComment(nil, " you read too slowly: events were dropped, connect again"))
	}
	return endSlow
}

// drain writes what waits, whole frames at a time. It tells whether the
// stream goes on.
func (st *stream) drain() bool {
	st.mu.Lock()
	batch, slow := st.waiting, st.slow
	st.waiting, st.spare = st.spare[:0], nil
	st.mu.Unlock()
	if slow {
		return false
	}
	for rest := batch; len(rest) > 0; {
		end := len(rest)
		if end > maxWrite {
			end = frameEnd(rest)
		}
		if !st.write(rest[:end]) {
			return false
		}
		rest = rest[end:]
	}
	if cap(batch) <= keepBuffer {
		st.mu.Lock()
		st.spare = batch
		st.mu.Unlock()
	}
	return true
}

// frameEnd finds the end of the last frame within maxWrite bytes, or of the
// first one if it is longer. Frames have no empty line inside.
func frameEnd(frames []byte) int {
	end := []byte("\n\n")
	if i := bytes.LastIndex(frames[:maxWrite], end); i >= 0 {
		return i + len(end)
	}
	if i := bytes.Index(frames, end); i >= 0 {
		return i + len(end)
	}
	return len(frames)
}

// write writes p at once. A stream that has become slow keeps the deadline
// that put set.
func (st *stream) write(p []byte) bool {
	st.mu.Lock()
	to := st.sink
	if !st.slow {
		_ = to.SetWriteDeadline(time.Now().Add(writeTimeout))
	}
	st.mu.Unlock()
	if _, err := to.Write(p); err != nil {
		st.broken = true
	}
	return !st.broken
}
