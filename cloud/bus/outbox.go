package bus

import (
	"encoding/binary"
	"errors"
	"sync"

	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// outbox collects the events that wait to be sent, so that a publisher never
// waits for a socket and many small events travel as one message. Each event
// stands after its length in four bytes. As no length needs the first of them,
// that is the version of this framing: zero.
type outbox struct {
	limit int           // bytes; beyond it events are refused
	wake  chan struct{} // holds one token: there is something to send

	mu      sync.Mutex
	filling []byte // guarded by mu
	spare   []byte // guarded by mu; the buffer that was sent last, to be filled next
}

const (
	frameHead = 4
	// maxBatch is about how long a message of events gets.
	maxBatch = 128 << 10
	// maxEvent is the longest encoded event.
	maxEvent = maxMessage - 64<<10
	// keepBuffer is the size from which a buffer is given back to the
	// collector after a burst.
	keepBuffer = 1 << 20
)

func newOutbox(limit int) *outbox { return &outbox{limit: limit, wake: make(chan struct{}, 1)} }

// put appends the event, or refuses it.
func (o *outbox) put(e *event.Event) error {
	o.mu.Lock()
	start := len(o.filling)
	buf := event.Append(append(o.filling, 0, 0, 0, 0), e)
	size := len(buf) - start - frameHead
	switch {
	case size > maxEvent:
		o.filling = buf[:start]
		o.mu.Unlock()
		return fault.Errorf(fault.Invalid, "the event is too long")
	case len(buf) > o.limit:
		o.filling = buf[:start]
		o.mu.Unlock()
		return fault.Errorf(fault.Busy, "too many events are waiting to be sent").WithCode(rest.CodeOverloaded)
	}
	binary.BigEndian.PutUint32(buf[start:], uint32(size))
	o.filling = buf
	o.mu.Unlock()
	select {
	case o.wake <- struct{}{}:
	default: // the sender has been woken already
	}
	return nil
}

// take gives what has been collected; the caller hands the buffer back with
// done.
func (o *outbox) take() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	full := o.filling
	o.filling, o.spare = o.spare[:0], nil
	return full
}

func (o *outbox) done(sent []byte) {
	if cap(sent) > keepBuffer {
		sent = nil
	}
	o.mu.Lock()
	o.spare = sent
	o.mu.Unlock()
}

// nextBatch cuts from the front of buf as many whole events as make a
// message of about maxBatch bytes, and counts them.
func nextBatch(buf []byte) (batch, rest []byte, events int) {
	end := 0
	for end < len(buf) {
		next := end + frameHead + int(binary.BigEndian.Uint32(buf[end:]))
		if events > 0 && next > maxBatch {
			break
		}
		end, events = next, events+1
	}
	return buf[:end], buf[end:], events
}

// unread counts the events of a message that could not be read.
type unread struct {
	malformed int
	other     int  // of another version
	version   byte // the last one's
}

// eachEvent calls yield for every event of a message from another node that can
// be read, and counts the rest.
func eachEvent(batch []byte, yield func(*event.Event)) (u unread) {
	for len(batch) > 0 {
		if batch[0] != 0 { // nothing behind it can be found
			u.other++
			u.version = batch[0]
			return u
		}
		if len(batch) < frameHead {
			u.malformed++
			return u
		}
		size := binary.BigEndian.Uint32(batch)
		batch = batch[frameHead:]
		if uint64(size) > uint64(len(batch)) {
			u.malformed++
			return u
		}
		whole := batch[:size:size]
		batch = batch[size:]
		e, err := event.Parse(whole)
		switch {
		case errors.Is(err, event.ErrVersion):
			u.other++
			u.version = whole[0]
		case err != nil:
			u.malformed++
		default:
			yield(&e)
		}
	}
	return u
}
