package stream

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/wire/rest"
	"github.com/cyan-cloud/cyan/wire/sse"
)

// stream is one open event stream. put and finish are called by the hub, run
// by the stream's own goroutine.
type stream struct {
	// Set at the start.
	hub     *Hub
	filter  event.Filter
	token   account.TokenHash // it was opened with
	expires time.Time         // when the token does; zero: never
	source  string            // the neighbourhood it counts for
	wake    chan struct{}     // holds one token: there is something to do
	tail    *tail             // nil: it is sent what the bus brings

	broken bool // owned by run: a write failed, perhaps in the middle of a frame

	mu      sync.Mutex
	sink    sink      // guarded by mu; nil until the stream is open, and then the same
	until   time.Time // guarded by mu; the deadline that the sink has
	waiting []byte    // guarded by mu; whole frames
	spare   []byte    // guarded by mu; the buffer that was written last
	ending  string    // guarded by mu; why the stream is to end; empty: it is not
	missed  int       // guarded by mu; events that came when its buffer had overflowed
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
	// lastWords is how long other readers have to hear why a stream ends.
	lastWords = time.Second
	// maxWrite is about how much is written at once: whole frames.
	maxWrite = 16 << 10
	// keepBuffer is the size from which a stream's buffer is given back to
	// the collector after a burst.
	keepBuffer = 4 << 10
	// pace is how long a busy stream rests after a write: what comes in the
	// meantime goes out with one. An event after a quiet time never waits.
	pace = 2 * time.Millisecond
)

const streamHead = "HTTP/1.1 200 OK\r\nContent-Type: " + sse.ContentType + "; charset=utf-8\r\n" +
	"Cache-Control: no-cache\r\nConnection: close\r\nX-Accel-Buffering: no\r\nX-Content-Type-Options: nosniff\r\n" +
	"Access-Control-Allow-Origin: *\r\nAccess-Control-Expose-Headers: X-Request-Id\r\nX-Request-Id: %s\r\n\r\n"

// Subscription is what a reader wants to hear.
type Subscription struct {
	Filter  event.Filter
	About   rest.Header       // the filter as the reader is told it
	Token   account.TokenHash // what the stream is opened with
	Expires time.Time         // when the token does; zero: never
	Source  string            // what its streams are counted by: its address
	Request string            // the request's id

	// Resume asks for a stream that can be resumed: after the id in After, or,
	// if that is empty or rest.ResumeNow, from now on.
	Resume bool
	After  string

	// Recheck tells whether the reader may still hear it. It is called when the
	// stream is among those that a revocation would end. Nil: he may.
	Recheck func() error
}

// Serve opens an event stream. It takes the connection over, because an
// http.Server spends five times the memory on an idle one, and returns at
// once; where it cannot be had, it returns at the end of the stream. An error
// means that nothing has been written.
func (h *Hub) Serve(w http.ResponseWriter, r *http.Request, sub Subscription) error {
	st := &stream{
		hub: h, filter: sub.Filter, token: sub.Token, expires: sub.Expires, source: sub.Source, wake: make(chan struct{}, 1),
	}
	if sub.Resume {
		var err error
		if st.tail, err = h.resume(r.Context(), sub.After); err != nil {
			return err
		}
		st.rouse() // there may be something to read at once
	}
	if err := h.add(st); err != nil {
		return err
	}
	if sub.Recheck != nil {
		if err := sub.Recheck(); err != nil {
			h.remove(st, endGone)
			return err
		}
	}
	greeting := sse.AppendComment(nil, "ok")
	header, _ := json.Marshal(sub.About) // it cannot fail: text only
	scope := sse.AppendComment(nil, " "+string(header))
	if st.tail != nil && st.tail.gap == "" {
		scope = append(scope, st.whereabouts()...)
	}
	control := http.NewResponseController(w)
	conn, _, err := control.Hijack()
	if err != nil { // there is none to be had
		head := w.Header()
		head.Set("Content-Type", sse.ContentType+"; charset=utf-8")
		head.Set("Cache-Control", "no-cache")
		head.Set("X-Accel-Buffering", "no")
		h.remove(st, st.run(&flushed{w, control}, r.Context().Done(), greeting, scope)) //nolint:contextcheck // its history is read as long as it lives
		return nil                                                                      //nolint:nilerr // the stream was served by the response itself
	}
	_ = conn.SetDeadline(time.Time{}) // the server's limits are for requests
	greeting = append(fmt.Appendf(nil, streamHead, sub.Request), greeting...)
	go st.live(conn, greeting, scope) //nolint:contextcheck // until the reader is gone, or the stream is to end
	return nil
}

// put queues a frame. A reader whose buffer overflows is dropped: it must
// not hold up the others, nor lose frames without knowing.
func (st *stream) put(frame []byte) {
	st.mu.Lock()
	switch {
	case st.ending == rest.EndSlow:
		st.missed++
		st.hub.metrics.missed.Inc()
	case st.ending != "":
	case len(st.waiting)+len(frame) > st.hub.cfg.Buffer:
		st.missed++
		st.hub.metrics.missed.Inc()
		st.endFor(rest.EndSlow)
	default:
		st.waiting = append(st.waiting, frame...)
	}
	st.mu.Unlock()
	st.rouse()
}

// rouse has run look for what there is to do.
func (st *stream) rouse() {
	select {
	case st.wake <- struct{}{}:
	default: // it has been woken already
	}
}

// run writes the greetings, each by itself, and then what is put, until the
// stream ends. It says why.
func (st *stream) run(to sink, gone <-chan struct{}, greetings ...[]byte) (reason string) {
	st.mu.Lock()
	st.sink = to
	if st.ending != "" { // before it was open
		st.limit(lastWords)
	}
	st.mu.Unlock()
	for _, greeting := range greetings {
		if !st.write(greeting) {
			return endGone
		}
	}
	now := time.Now()
	timer := time.NewTimer(st.patience(now))
	defer timer.Stop()
	var before time.Time // when it wrote last
	stop := st.hub.stops()
	for {
		select {
		case <-st.wake:
			now = time.Now()
			if !st.fresh(now) || !st.pump() {
				return st.farewell()
			}
			if now.Sub(before) < pace {
				timer.Reset(pace)
				<-timer.C
			}
			before = now
		case now = <-timer.C:
			if !st.fresh(now) || !st.sign() {
				return st.farewell()
			}
		case <-stop:
			if _, own := to.(net.Conn); own && !st.ended() {
				st.hub.part(st)
				return endPassed
			}
			stop = nil // it ends here
		case <-gone:
			return endGone
		}
		timer.Reset(st.patience(now))
	}
}

// patience is how long the stream may be left alone.
func (st *stream) patience(now time.Time) time.Duration {
	wait := st.hub.cfg.KeepAlive
	if !st.expires.IsZero() {
		wait = min(wait, max(0, st.expires.Sub(now)))
	}
	return wait
}

// fresh tells whether the stream's token still holds; if it does not, the
// stream is to end.
func (st *stream) fresh(now time.Time) bool {
	if st.expires.IsZero() || now.Before(st.expires) {
		return true
	}
	st.finish(rest.EndTokenExpired)
	return false
}

// pump writes what there is to write. It tells whether the stream goes on.
func (st *stream) pump() bool {
	if st.tail != nil {
		return !st.ended() && st.readOn()
	}
	switch {
	case !st.drain():
		return false
	case st.ended():
		st.drain() // what came last before the end
		return false
	default:
		return true
	}
}

// sign shows that the stream is alive.
func (st *stream) sign() bool {
	if st.tail != nil {
		return st.place()
	}
	return st.write([]byte("\n"))
}

func (st *stream) ended() bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.ending != ""
}

// drain writes what waits, whole frames at a time. It tells whether that went
// well.
func (st *stream) drain() bool {
	st.mu.Lock()
	batch := st.waiting
	st.waiting, st.spare = st.spare[:0], nil
	st.mu.Unlock()
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

// write writes p at once. A stream that is to end keeps the deadline that it
// got then; others have at least half of the patience with readers.
func (st *stream) write(p []byte) bool {
	st.mu.Lock()
	to := st.sink
	if patience := st.hub.cfg.Patience; st.ending == "" && time.Until(st.until) < patience/2 {
		st.limit(patience)
	}
	st.mu.Unlock()
	if _, err := to.Write(p); err != nil {
		st.broken = true
	}
	return !st.broken
}

// limit gives writes so long from now. Caller holds mu.
func (st *stream) limit(wait time.Duration) {
	st.until = time.Now().Add(wait)
	_ = st.sink.SetWriteDeadline(st.until) // one that cannot be set shows in the write
}
