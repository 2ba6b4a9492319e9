package stream

import (
	"net"
	"slices"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/internal/ferry"
)

// endPassed is the reason of a stream that goes on in another process.
const endPassed = "passed"

// partTime is how long a stream may be in the middle of a write when it is to
// be passed on. One whose reader takes longer ends here.
const partTime = 200 * time.Millisecond

// parting is the hub's part of a hand-over.
type parting struct {
	mu      sync.Mutex
	border  string         // guarded by mu, as the rest: id of the event behind which events are held
	reached chan struct{}  // closed when that came
	held    []*event.Event // behind it
	begun   chan struct{}  // closed to have the streams stop; nil: they go on
	parted  []*stream      // that have
}

// maxHeld bounds the events that are held until it is decided who delivers
// them.
const maxHeld = 1 << 16

// Hold has the hub hold back all events that come after the one with the id,
// and gives a channel that is closed when that has come.
func (h *Hub) Hold(border string) (reached <-chan struct{}) {
	p := &h.parting
	p.mu.Lock()
	defer p.mu.Unlock()
	p.border, p.reached = border, make(chan struct{})
	return p.reached
}

// holds keeps an event back, if it is to be.
func (h *Hub) holds(e *event.Event) bool {
	p := &h.parting
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.border == "" {
		return false
	}
	select {
	case <-p.reached:
		if len(p.held) < maxHeld {
			p.held = append(p.held, e)
		}
		return true
	default:
	}
	if e.ID == p.border {
		close(p.reached)
	}
	return false
}

// stops gives a channel that is closed when streams are to stop between two
// writes; nil: they are not.
func (h *Hub) stops() <-chan struct{} {
	p := &h.parting
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.begun == nil {
		p.begun = make(chan struct{})
	}
	return p.begun
}

// part notes that a stream has stopped.
func (h *Hub) part(st *stream) {
	h.parting.mu.Lock()
	defer h.parting.mu.Unlock()
	if h.parting.begun == nil {
		st.start() // it stopped too late: all go on
		return
	}
	h.parting.parted = append(h.parting.parted, st)
}

// Pass stops the streams at the border between two frames and calls each for
// every one that did, with its connection and what another process needs to go
// on with it. Nothing is closed. Resume undoes it, Leave ends it.
func (h *Hub) Pass(each func(c net.Conn, body []byte) error) error {
	close(h.stopsChannel())
	h.mu.RLock()
	open := h.open
	h.mu.RUnlock()
	deadline := time.NewTimer(partTime)
	defer deadline.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for waiting := true; waiting; {
		h.parting.mu.Lock()
		waiting = len(h.parting.parted) < open
		h.parting.mu.Unlock()
		if !waiting {
			break
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			waiting = false
		}
	}
	h.parting.mu.Lock()
	list := slices.Clone(h.parting.parted)
	h.parting.mu.Unlock()
	for _, st := range list {
		c, ok := st.sink.(net.Conn)
		if !ok {
			continue
		}
		var f ferry.Ferry
		st.carry(&f)
		if err := each(c, f.Bytes); err != nil {
			return err
		}
	}
	return nil
}

func (h *Hub) stopsChannel() chan struct{} {
	_ = h.stops() // there is one
	h.parting.mu.Lock()
	defer h.parting.mu.Unlock()
	return h.parting.begun
}

// Resume goes on as before a Hold or a Pass.
func (h *Hub) Resume() {
	p := &h.parting
	p.mu.Lock()
	parted, held := p.parted, p.held
	p.border, p.reached, p.held, p.begun, p.parted = "", nil, nil, nil, nil
	p.mu.Unlock()
	for _, st := range parted {
		st.start()
	}
	for _, e := range held {
		h.Deliver(e)
	}
}

// Leave gives up the streams that were passed on. Their connections stay open
// in the other process.
func (h *Hub) Leave() {
	p := &h.parting
	p.mu.Lock()
	parted := p.parted
	p.parted, p.held = nil, nil
	p.mu.Unlock()
	for _, st := range parted {
		if c, ok := st.sink.(net.Conn); ok {
			_ = c.Close() // this process's copy
		}
		h.remove(st, endPassed)
	}
}

// Adopt goes on with a stream of another process.
func (h *Hub) Adopt(c net.Conn, body []byte) error {
	st := &stream{hub: h, wake: make(chan struct{}, 1), sink: c}
	f := ferry.Ferry{Bytes: body, Landing: true}
	if st.carry(&f); f.Bad {
		return event.ErrMalformed
	}
	if err := h.add(st); err != nil {
		return err
	}
	h.parting.mu.Lock()
	defer h.parting.mu.Unlock()
	h.parting.parted = append(h.parting.parted, st)
	return nil
}

// Begin lets adopted streams run.
func (h *Hub) Begin() { h.Resume() }

// start lets a stream run that has been open before.
func (st *stream) start() {
	c, ok := st.sink.(net.Conn)
	if !ok {
		return
	}
	st.rouse()
	go st.live(c) // until the reader is gone, or the stream is to end
}

// live runs a stream on a connection of its own to its end.
func (st *stream) live(c net.Conn, greetings ...[]byte) {
	reason := st.run(c, nil, greetings...)
	if reason == endPassed {
		return // somebody goes on with it
	}
	_ = c.Close() // it has said what it had to say
	st.hub.remove(st, reason)
}

// carry walks over all that a stream is.
func (st *stream) carry(f *ferry.Ferry) {
	f.Part(func(f *ferry.Ferry) {
		ferry.Words(f, &st.filter.Owner)
		f.Fixed(st.filter.Device[:])
		f.Flags(&st.filter.Public)
		ferry.Words(f, &st.filter.Prefix)
		f.Fixed(st.token[:])
		expires := uint64(0)
		if !st.expires.IsZero() {
			expires = uint64(st.expires.UnixMilli())
		}
		if ferry.Number(f, &expires); f.Landing && expires != 0 {
			st.expires = time.UnixMilli(int64(expires))
		}
		ferry.Words(f, &st.source)
		tails := st.tail != nil
		if f.Flags(&tails); tails {
			if f.Landing {
				st.tail = &tail{}
			}
			t := st.tail
			ferry.Number(f, &t.at.Seq)
			ferry.Words(f, &t.at.ID)
			ferry.Number(f, &t.said.Seq)
			ferry.Words(f, &t.said.ID)
			ferry.Words(f, &t.gap)
			ferry.Words(f, &t.lost)
		}
	})
	st.mu.Lock()
	defer st.mu.Unlock()
	ferry.Words(f, &st.waiting)
}
