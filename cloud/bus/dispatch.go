package bus

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

const (
	// defaultPatience is how long a caller waits for the gateway when neither
	// its context nor the call says.
	defaultPatience = 60 * time.Second
	// grace is what a gateway may take beyond the time that its device has.
	grace = 5 * time.Second
	// askPatience is how long the nodes have to say what they know of devices.
	// They answer within a millisecond; only one that died without a goodbye, or
	// a machine that has too much to do, makes anybody wait.
	askPatience = time.Second
)

// Call performs c on the node that holds the device. When ctx ends, the
// gateway is told. A device that no node holds fails at once as Offline or, if
// there is a node that speaks another version and may hold it, as Unavailable
// with a VersionError; with any error the result's State and Stage tell what is
// known.
func (b *Bus) Call(ctx context.Context, c Call) (Result, error) {
	start := time.Now()
	res, err := b.call(ctx, c)
	outcome := "ok"
	if err != nil {
		outcome = fault.KindOf(err).String()
	}
	b.metrics.calls.WithLabelValues(c.Kind.String(), outcome).Inc()
	b.metrics.callTime.WithLabelValues(c.Kind.String()).Observe(time.Since(start).Seconds())
	return res, err
}

func (b *Bus) call(ctx context.Context, c Call) (Result, error) {
	if err := b.Check(); err != nil {
		return Result{}, err
	}
	var gone error
	if address, held := b.presence.holder(c.Device); held {
		res, err := b.send(ctx, address, c)
		if !errors.Is(err, errDeserted) {
			return res, err
		}
		gone = err // nobody has the call: another may have the device by now
	}
	address, state, err := b.find(ctx, c.Device)
	switch {
	case err != nil:
		return Result{}, err
	case address == "" && gone != nil:
		return Result{}, gone
	case address == "":
		return Result{State: state, Stage: NotConnected},
			fault.Errorf(fault.Offline, "the device is not connected").WithCode(rest.CodeNotConnected)
	}
	return b.send(ctx, address, c)
}

// errDeserted is the cause when nobody listens at a node's address: what was
// sent there has reached nobody.
var errDeserted = errors.New("the node has gone")

// find asks the gateways for a device that the table does not have: why it
// is gone or, if an announcement has not arrived yet, where it is.
func (b *Bus) find(ctx context.Context, id device.ID) (address string, s device.State, err error) {
	gateways, others := b.presence.gateways(), b.presence.others()
	if len(gateways) == 0 {
		return "", s, cmp.Or(others, errNoGateway())
	}
	s.Word = device.Offline
	for _, a := range b.askAll(ctx, gateways, []device.ID{id}) {
		found, ok := a.states[id]
		if _, other := errors.AsType[*VersionError](a.err); other {
			others = a.err
		}
		switch {
		case !ok:
		case found.Connected():
			return a.address, found, nil
		case s.Since.Before(found.Since) || s.Since.IsZero():
			s = found
		}
	}
	return "", s, others
}

// send performs c on the node with the address.
func (b *Bus) send(ctx context.Context, address string, c Call) (Result, error) {
	patience := defaultPatience
	if c.Timeout > 0 {
		patience = c.Timeout + grace
	}
	if deadline, ok := ctx.Deadline(); ok {
		patience = min(patience, time.Until(deadline))
	}
	q := request{id: callID{b.random, b.calls.Add(1)}, patience: patience, call: c}
	if s := b.serving.Load(); s != nil && address == b.address {
		return s.here(ctx, &q)
	}
	wait, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	reply, err := b.conn.RequestMsgWithContext(wait, &nats.Msg{
		Subject: subjectNode + address + "." + wordCall, Data: encodeRequest(&q),
	})
	if err != nil {
		return Result{}, b.unanswered(ctx, address, q.id, err)
	}
	if theirs, other := versionOf(reply.Data); other {
		return Result{}, b.answeredOther(address, theirs)
	}
	res, err, bad := decodeReply(reply.Data)
	if bad != nil {
		b.metrics.dropped.WithLabelValues(dropMalformed).Inc()
		return Result{}, fault.E(fault.Internal, "the gateway's answer cannot be read", bad)
	}
	return res, err
}

// answeredOther counts an answer of another version and says what it means.
func (b *Bus) answeredOther(address string, theirs byte) error {
	b.metrics.dropped.WithLabelValues(dropVersion).Inc()
	return otherVersion(address, theirs)
}

// unanswered tells the gateway that nobody waits any longer, and says why no
// answer came.
func (b *Bus) unanswered(ctx context.Context, address string, id callID, err error) error {
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		b.presence.forget(address)
		return noGateway(errDeserted)
	case ctx.Err() != nil:
		b.cancel(address, id)
		return errGone(ctx)
	case errors.Is(err, context.DeadlineExceeded):
		b.cancel(address, id)
		return errNoGateway()
	default:
		b.log.Error("call not sent", "err", err)
		return errUnavailable()
	}
}

func (b *Bus) cancel(address string, id callID) {
	if err := b.conn.Publish(subjectNode+address+"."+wordCancel, encodeCancel(id)); err != nil {
		b.metrics.dropped.WithLabelValues(dropDisconnected).Inc()
	}
}

// errGone is what a call gives whose caller, with the context, has gone.
func errGone(ctx context.Context) error {
	return fault.E(fault.Timeout, "the caller stopped waiting", context.Cause(ctx))
}

func errNoGateway() error { return noGateway(nil) }

func noGateway(cause error) error {
	return fault.E(fault.Unavailable, "the part of the cloud that holds the devices' connections does not answer", cause).
		WithCode(rest.CodeGatewayUnavailable)
}
