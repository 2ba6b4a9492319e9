package onward

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/bus"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/gateway/handover"
)

// Successor is the process that has the devices now, as seen from the one that
// had them. Its methods may be called from any goroutine.
type Successor struct {
	link      handover.Link
	inherited func(body []byte)
	gone      chan struct{} // closed when the link is

	mu      sync.Mutex
	last    uint64                 // guarded by mu
	waiting map[uint64]chan answer // guarded by mu
}

// NewSuccessor begins with a link over which everything was handed over.
// inherited gets the answers to calls that had been on their way.
func NewSuccessor(link handover.Link, inherited func(body []byte)) *Successor {
	return &Successor{link: link, inherited: inherited, gone: make(chan struct{}), waiting: map[uint64]chan answer{}}
}

// Run takes answers until the link ends.
func (s *Successor) Run() {
	defer close(s.gone)
	for {
		m, err := s.link.Receive()
		if err != nil {
			return
		}
		for _, f := range m.Files {
			_ = f.Close() // nobody asked for any
		}
		switch m.Kind {
		case handover.KindInherited:
			s.inherited(m.Body)
		case handover.KindAnswer:
			var a answer
			if Decode(m.Body, &a) != nil {
				continue
			}
			s.mu.Lock()
			wait := s.waiting[a.ID]
			delete(s.waiting, a.ID)
			s.mu.Unlock()
			if wait != nil {
				wait <- a
			}
		}
	}
}

// Gone is closed when the successor cannot be reached any more.
func (s *Successor) Gone() <-chan struct{} { return s.gone }

// ask sends a question and waits for its answer.
func (s *Successor) ask(ctx context.Context, kind handover.Kind, q question) (answer, error) {
	wait := make(chan answer, 1)
	s.mu.Lock()
	s.last++
	q.ID = s.last
	s.waiting[q.ID] = wait
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.waiting, q.ID)
		s.mu.Unlock()
	}()
	if err := s.link.Send(kind, Encode(&q)); err != nil {
		return answer{}, lost(err)
	}
	select {
	case a := <-wait:
		return a, nil
	case <-s.gone:
		return answer{}, lost(nil)
	case <-ctx.Done():
		_ = s.link.Send(handover.KindCancel, Encode(&question{ID: q.ID})) // it may not matter any more
		return answer{}, ctx.Err()
	}
}

func lost(err error) error {
	return fault.E(fault.Unavailable, "the process that has taken over does not answer", err)
}

// Call is that of bus.Gateway.
func (s *Successor) Call(ctx context.Context, c bus.Call) (bus.Result, error) {
	a, err := s.ask(ctx, handover.KindCall, question{Call: c})
	if err != nil {
		return bus.Result{Stage: bus.StageUnknown}, err
	}
	return a.Result, a.Fault.Err()
}

// statesTime bounds the wait for the states of devices.
const statesTime = 2 * time.Second

// statesAtOnce is how many devices are asked about in one message.
const statesAtOnce = 400

// States is that of bus.Gateway.
func (s *Successor) States(ids []device.ID, into map[device.ID]device.State) {
	ctx, cancel := context.WithTimeout(context.Background(), statesTime)
	defer cancel()
	for len(ids) > 0 {
		n := min(len(ids), statesAtOnce)
		a, err := s.ask(ctx, handover.KindStates, question{States: ids[:n]})
		if err != nil {
			return
		}
		maps.Copy(into, a.States)
		ids = ids[n:]
	}
}

// Changed is that of bus.Gateway.
func (s *Successor) Changed(id device.ID, owner account.ID, key bool) {
	_ = s.link.Send(handover.KindChanged, Encode(&question{Device: id, Owner: owner, Key: key})) // Run notices that it is gone
}

// Event passes an event on.
func (s *Successor) Event(e *event.Event) {
	_ = s.link.Send(handover.KindEvent, event.Append(nil, e)) // likewise
}

// Bye says that nothing more comes.
func (s *Successor) Bye() {
	_ = s.link.Send(handover.KindBye, nil) // likewise
}
