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
	errLate       = errors.New("the time of the call is over")
)

// Serve makes this node a gateway: calls for the devices that it holds come
// to g. stop ends that: it lets every node forget what this one held, and
// returns when the calls in flight, whose contexts it ends, have returned.
// One gateway a node. That of an heir is called once Appear was.
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
		if err := s.sub.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) && !errors.Is(err, nats.ErrBadSubscription) {
			b.log.Error("bus unsubscribe", "err", err)
		}
		s.mu.Lock()
		s.ended = true
		for _, cancel := range s.calls {
			cancel(errStopped)
		}
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
			s.unreadable(m)
			return
		}
		s.start(m, q)
	case wordCancel:
		id, err := decodeCancel(m.Data)
		if err != nil {
			s.unreadable(m)
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
			s.unreadable(m)
			return
		}
		s.answerStates(m, ids)
	}
}

// unreadable counts a message that cannot be read, and says so to whoever waits
// for an answer.
func (s *serving) unreadable(m *nats.Msg) {
	reason := dropMalformed
	if _, other := versionOf(m.Data); other {
		reason = dropVersion
	}
	s.bus.metrics.dropped.WithLabelValues(reason).Inc()
	if m.Reply != "" {
		s.respond(m, notUnderstood())
	}
}

// enter counts a call in, or refuses it. cancel ends it early.
func (s *serving) enter(id callID, cancel context.CancelCauseFunc) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ended:
		return errNoGateway()
	case len(s.calls) >= s.bus.cfg.MaxCalls:
		s.bus.metrics.refused.Inc()
		return fault.Errorf(fault.Unavailable, "too many calls to devices at once").WithCode(rest.CodeOverloaded)
	}
	s.calls[id] = cancel
	s.flight.Add(1)
	s.bus.metrics.served.Inc()
	return nil
}

// leave counts it out, but for flight, which waits for the answer to be sent.
func (s *serving) leave(id callID, cancel context.CancelCauseFunc) {
	s.mu.Lock()
	delete(s.calls, id)
	s.mu.Unlock()
	s.bus.metrics.served.Dec()
	cancel(nil)
}

// start performs the call in a goroutine of its own, or refuses it.
func (s *serving) start(m *nats.Msg, q request) {
	ctx, cancel := context.WithCancelCause(s.ctx)
	if err := s.enter(q.id, cancel); err != nil {
		cancel(nil)
		s.respond(m, encodeReply(&Result{}, err))
		return
	}
	go func() { // until the gateway answers, at the latest when ctx ends
		defer s.flight.Done()
		res, err := s.perform(ctx, &q)
		s.leave(q.id, cancel)
		s.respond(m, encodeReply(&res, err))
	}()
}

// here performs a call of this process: it need not be written down and sent
// for that, which takes as long as the call itself.
func (s *serving) here(caller context.Context, q *request) (Result, error) {
	ctx, cancel := context.WithCancelCause(caller)
	if err := s.enter(q.id, cancel); err != nil {
		cancel(nil)
		return Result{}, err
	}
	defer s.flight.Done()
	defer s.leave(q.id, cancel)
	res, err := s.perform(ctx, q)
	if errors.Is(err, errLate) {
		err = errNoGateway()
		if caller.Err() != nil {
			err = errGone(caller)
		}
	}
	return res, err
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
		return res, fault.E(fault.Timeout, "the caller stopped waiting", errLate)
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
