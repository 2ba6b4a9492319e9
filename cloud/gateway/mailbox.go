package gateway

import (
	"sync"

	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
	"github.com/cyan-cloud/cyan/cloud/gateway/socket"
)

// mailboxSize bounds the datagrams of sessions, those of handshakes and the
// events, each apart, that wait for a lane. What is beyond is dropped and counted: devices repeat
// themselves. Answers of the store and of workers are always taken; there are
// never more of them than questions.
const mailboxSize = 4096

// smallMailbox is what an emptied list may always keep room for.
const smallMailbox = 256

// input is something for a lane, and what the runner has to do with it
// besides.
type input struct {
	lane.In
	buffer *socket.Packet // where Data lives, for the readers' pool
	pipe   *pipe          // StreamOpened, StreamData: the connection
	knock  bool           // Datagram: it is part of a handshake
	job    func()         // not nil: this is to be done instead, by the lane's goroutine
}

// packets are datagrams' memory, and that of what is read from streams.
var packets = sync.Pool{New: func() any { return new(socket.Packet) }}

// mailbox holds what waits for a lane. Anybody puts in, whoever has the lane's
// turn takes all at once. It is never closed.
type mailbox struct {
	wake chan struct{} // one place: something is there

	mu        sync.Mutex
	ins       []input // guarded by mu, as the next
	datagrams int     // that are no part of a handshake
	knocks    int     // and that are
	events    int
	slow      int // of all that waits: what is not done at once
}

func newMailbox() *mailbox { return &mailbox{wake: make(chan struct{}, 1)} }

// put adds in, and signals; false: there is no room for it.
func (m *mailbox) put(in input) bool {
	ok := m.leave(in)
	m.signal()
	return ok
}

// leave adds in, as put does, for somebody who signals or drives afterwards.
func (m *mailbox) leave(in input) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.admit(&in) {
		return false
	}
	m.ins = append(m.ins, in)
	return true
}

// putAll adds what there is room for and gives the rest, for somebody who
// signals or drives afterwards.
func (m *mailbox) putAll(ins []input) (rest []input) {
	m.mu.Lock()
	for i := range ins {
		if !m.admit(&ins[i]) {
			rest = ins[i:]
			break
		}
		m.ins = append(m.ins, ins[i])
	}
	m.mu.Unlock()
	return rest
}

func (m *mailbox) admit(in *input) bool {
	if !in.quick() {
		m.slow++ // also of one that there is no room for: then much waits
	}
	switch in.Kind {
	case lane.Datagram:
		if in.knock {
			return room(&m.knocks)
		}
		return room(&m.datagrams)
	case lane.Happened:
		return room(&m.events)
	}
	return true
}

// quick tells whether an input is done with in some hundredths of a millisecond.
func (in *input) quick() bool {
	switch in.Kind {
	case lane.Datagram:
		return !in.knock
	case lane.CallDevice, lane.CancelCall, lane.StreamData, lane.Saved, lane.Kept:
		return in.job == nil
	}
	return false
}

// room counts one more of a kind, if there may be.
func room(n *int) bool {
	if *n >= mailboxSize {
		return false
	}
	*n++
	return true
}

func (m *mailbox) signal() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// takeAll gives all that waits, and leaves the emptied into for what comes.
func (m *mailbox) takeAll(into []input) []input {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.take(into)
}

// few is how much somebody else does for a lane's goroutine.
const few = 16

// takeFew is takeAll, if what waits is something, is little and quickly done.
func (m *mailbox) takeFew(into []input) (ins []input, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := len(m.ins); n == 0 || n > few || m.slow > 0 {
		return nil, false
	}
	return m.take(into), true
}

func (m *mailbox) take(into []input) []input {
	ins := m.ins
	if cap(into) > smallMailbox && len(ins) < cap(into)/8 {
		into = make([]input, 0, cap(into)/2) // a storm has passed
	}
	m.ins, m.datagrams, m.knocks, m.events, m.slow = into[:0], 0, 0, 0, 0
	return ins
}
