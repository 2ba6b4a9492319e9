package onward

import (
	"context"
	"os"
	"slices"
	"sync"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/bus"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/gateway/handover"
)

// Server is the cloud that has taken over.
type Server interface {
	Call(ctx context.Context, c bus.Call) (bus.Result, error)
	States(ids []device.ID, into map[device.ID]device.State)
	Changed(id device.ID, owner account.ID, key bool)
	Publish(e *event.Event)
	// Connection is an idle connection of the HTTP API. The file is the
	// Server's.
	Connection(f *os.File)
}

// Ancestor is the process that had the devices, as seen from the one that has
// them.
type Ancestor struct {
	link   handover.Link
	server Server

	mu      sync.Mutex
	calls   map[uint64]context.CancelFunc // guarded by mu
	running sync.WaitGroup
}

// NewAncestor begins with a link over which everything was taken over.
func NewAncestor(link handover.Link, server Server) *Ancestor {
	return &Ancestor{link: link, server: server, calls: map[uint64]context.CancelFunc{}}
}

// Run does what the ancestor passes on, until that has nothing more, or ends.
func (a *Ancestor) Run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer a.running.Wait()
	defer cancel()
	for {
		m, err := a.link.Receive()
		if err != nil || m.Kind == handover.KindBye {
			return
		}
		a.take(ctx, m)
	}
}

func (a *Ancestor) take(ctx context.Context, m handover.Message) {
	if m.Kind == handover.KindConnection && len(m.Files) == 1 {
		a.server.Connection(m.Files[0])
		return
	}
	for _, f := range m.Files {
		_ = f.Close() // nobody asked for any
	}
	if m.Kind == handover.KindEvent {
		if e, err := event.Parse(slices.Clone(m.Body)); err == nil {
			a.server.Publish(&e)
		}
		return
	}
	var q question
	if Decode(m.Body, &q) != nil {
		return
	}
	switch m.Kind {
	case handover.KindCall:
		ctx, cancel := context.WithCancel(ctx)
		a.mu.Lock()
		a.calls[q.ID] = cancel
		a.mu.Unlock()
		a.running.Go(func() { a.call(ctx, &q) }) // until the device has answered, or the call is cancelled
	case handover.KindCancel:
		a.end(q.ID)
	case handover.KindStates:
		states := make(map[device.ID]device.State, len(q.States))
		a.server.States(q.States, states)
		a.tell(answer{ID: q.ID, States: states})
	case handover.KindChanged:
		a.server.Changed(q.Device, q.Owner, q.Key)
	}
}

func (a *Ancestor) call(ctx context.Context, q *question) {
	defer a.end(q.ID)
	res, err := a.server.Call(ctx, q.Call)
	a.tell(answer{ID: q.ID, Result: res, Fault: FaultOf(err)})
}

func (a *Ancestor) end(id uint64) {
	a.mu.Lock()
	cancel := a.calls[id]
	delete(a.calls, id)
	a.mu.Unlock()
	if cancel != nil {
		cancel()
	}
}

func (a *Ancestor) tell(w answer) {
	_ = a.link.Send(handover.KindAnswer, Encode(&w)) // who asked may be gone
}

// Inherited gives the ancestor the answer to a call that had been on its way.
func (a *Ancestor) Inherited(body []byte) {
	_ = a.link.Send(handover.KindInherited, body) // likewise
}
