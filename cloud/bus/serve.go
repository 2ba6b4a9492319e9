package bus

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// serving is this node in its role as a gateway.
type serving struct {
	bus     *Bus
	gateway Gateway
	ctx     context.Context //nolint:containedctx // of all calls; ends with cause errStopped
	cancel  context.CancelCauseFunc
	sub     *nats.Subscription
	once    sync.Once

	mu     sync.Mutex
	ended  bool                               // guarded by mu; no call starts any more
	calls  map[callID]context.CancelCauseFunc // guarded by mu; those in flight, at most MaxCalls
	asks   int                                // guarded by mu; questions for states being answered
	flight sync.WaitGroup                     // calls and asks; Add under mu
}

var (
	errStopped    = errors.New("the gateway has stopped")
	errCallerGone = errors.New("the caller has gone")
)

// Serve makes this node a gateway: calls for the devices that it holds come
// to g. stop ends that: it lets every node forget what this one held, and
// returns when the calls in flight, whose contexts it ends, have returned.
// One gateway a node.
func (b *Bus) Serve(g Gateway) (stop func(), err error) {
	if err := b.Check(); err != nil {
		return nil, err
	}
	s := &serving{bus: b, gateway: g, calls: make(map[callID]context.CancelCauseFunc)}
	s.ctx, s.cancel = context.WithCancelCause(context.Background())
	if !b.serving.CompareAndSwap(nil, s) {
		return nil, fault.Errorf(fault.Conflict, "this node has a gateway already")
	}
	s.sub, err = b.conn.Subscribe(subjectNode+b.address+".*", s.receive)
	if err == nil {
		err = s.sub.SetPendingLimits(1<<16, 64<<20)
	}
	if err == nil {
		err = b.conn.Flush()
	}
	if err != nil {
		b.serving.Store(nil)
		return nil, fault.E(fault.Unavailable, "serve calls on the bus", err).WithCode(rest.CodeBusUnavailable)
	}
	b.presence.serve(true)
	return s.end, nil
}

// end is what Serve gives as stop.
func (s *serving) end() {
	s.once.Do(func() {
		b := s.bus
		b.presence.serve(false)
		if err := s.sub.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
			b.log.Error("bus unsubscribe", "err", err)
		}
		s.mu.Lock()
		s.ended = true
		s.mu.Unlock()
		s.cancel(errStopped)
		s.flight.Wait()
		b.serving.Store(nil)
	})
}

// receive takes the messages to this node in turn: a cancellation comes
// after its call.
func (s *serving) receive(m *nats.Msg) {
	switch m.Subject[strings.LastIndexByte(m.Subject, '.')+1:] {
	case wordCall:
		q, err := decodeRequest(m.Data)
		if err != nil {
			s.malformed()
			return
		}
		s.start(m, q)
	case wordCancel:
		id, err := decodeCancel(m.Data)
		if err != nil {
			s.malformed()
			return
		}
		s.mu.Lock()
		if cancel, ok := s.calls[id]; ok {
			cancel(errCallerGone)
		}
		s.mu.Unlock()
	case wordStates:
		ids, err := decodeAsk(m.Data)
		if err != nil {
			s.malformed()
			return
		}
		s.answerStates(m, ids)
	}
}

func (s *serving) malformed() { s.bus.metrics.dropped.WithLabelValues(dropMalformed).Inc() }

// start performs the call in a goroutine of its own, or refuses it.
func (s *serving) start(m *nats.Msg, q request) {
	ctx, cancel := context.WithCancelCause(s.ctx)
	s.mu.Lock()
	full := len(s.calls) >= s.bus.cfg.MaxCalls
	ended := s.ended
	if !full && !ended {
		s.calls[q.id] = cancel
		s.flight.Add(1)
	}
	s.mu.Unlock()
	switch {
	case ended:
		cancel(nil)
		s.respond(m, encodeReply(&Result{}, errNoGateway()))
		return
	case full:
		cancel(nil)
		s.bus.metrics.refused.Inc()
		s.respond(m, encodeReply(&Result{}, fault.Errorf(fault.Unavailable,
			"too many calls to devices at once").WithCode(rest.CodeOverloaded)))
		return
	}
	go func() { // until the gateway answers, at the latest when ctx ends
		defer s.flight.Done()
		s.bus.metrics.served.Inc()
		res, err := s.perform(ctx, &q)
		s.bus.metrics.served.Dec()
		s.mu.Lock()
		delete(s.calls, q.id)
		s.mu.Unlock()
		cancel(nil)
		s.respond(m, encodeReply(&res, err))
	}()
}

// perform has the gateway do the call, and survives it.
func (s *serving) perform(ctx context.Context, q *request) (res Result, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, max(q.patience, time.Millisecond), errCallerGone)
	defer cancel()
	defer func() {
		if v := recover(); v != nil {
			s.bus.panicked("gateway", v)
			err = fault.Errorf(fault.Internal, "the call met a defect in the gateway")
		}
	}()
	res, err = s.gateway.Call(ctx, q.call)
	if err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		if errors.Is(context.Cause(ctx), errStopped) {
			return res, errNoGateway()
		}
		return res, fault.E(fault.Timeout, "the caller stopped waiting", nil)
	}
	return res, err
}

// answerStates tells what this node knows of the devices. It runs beside the
// calls, and is bounded like them.
func (s *serving) answerStates(m *nats.Msg, ids []device.ID) {
	s.mu.Lock()
	full := s.ended || s.asks >= s.bus.cfg.MaxCalls
	if !full {
		s.asks++
		s.flight.Add(1)
	}
	s.mu.Unlock()
	if full {
		s.bus.metrics.refused.Inc()
		return
	}
	go func() { // until the gateway has looked
		defer s.flight.Done()
		defer func() {
			if v := recover(); v != nil {
				s.bus.panicked("gateway", v)
			}
			s.mu.Lock()
			s.asks--
			s.mu.Unlock()
		}()
		states := make(map[device.ID]device.State, len(ids))
		s.gateway.States(ids, states)
		s.respond(m, encodeStates(states))
	}()
}

func (s *serving) respond(m *nats.Msg, reply []byte) {
	if err := m.Respond(reply); err != nil {
		s.bus.metrics.dropped.WithLabelValues(dropDisconnected).Inc()
	}
}
