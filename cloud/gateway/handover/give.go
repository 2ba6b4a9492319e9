package handover

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// The times that the two have.
const (
	// StartTime is how long a new process may take to open its rooms, in which
	// the older one serves.
	StartTime = 2 * time.Minute
	// SettleTime bounds what is done ahead of the hand-over proper, in which the
	// older one serves, too.
	SettleTime = 2 * time.Minute
	// FreezeTime bounds the hand-over proper, in which nobody serves.
	FreezeTime = 20 * time.Second
)

// Giver is the older process's side: what it has to give.
type Giver interface {
	// Sockets calls send for everything that is listened on.
	Sockets(send func(labels []string, files []int) error) error
	// Settle prepares for Freeze, while everything is served. What it sends need
	// not be sent by Export if it does not change until then.
	Settle(ctx context.Context, send func(kind Kind, body []byte, files ...int) error) error
	// Freeze stops all that reads from devices or writes to them.
	Freeze(ctx context.Context) error
	// Export calls send for all that there is, and changes nothing.
	Export(send func(kind Kind, body []byte, files ...int) error) (End, error)
	// Resume goes on after a Settle or a Freeze, one that failed too, as if they
	// had not been.
	Resume()
}

// Given is how a hand-over went.
type Given struct {
	To      Hello
	Serving Serving
	Freeze  time.Duration // in which nobody served: of it,
	Stop    time.Duration // to come to a standstill, and
	Send    time.Duration // to send everything
}

// ErrGone says that the newer process passed the gate and then ended: nobody
// serves any more, and what it used up of the sessions is not known.
var ErrGone = errors.New("handover: the new process took over and ended")

// Give hands everything over. With any error but ErrGone the caller goes on
// serving, and the new process never will.
func Give(ctx context.Context, link Link, gate Gate, offer Offer, lead []int, g Giver) (Given, error) {
	stop := context.AfterFunc(ctx, func() { _ = link.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	var out Given
	if err := agree(link, offer, lead, g, &out); err != nil {
		gate.Shut()
		return out, err
	}
	err := link.SetDeadline(time.Now().Add(SettleTime))
	if err == nil {
		err = g.Settle(ctx, link.Send)
	}
	began := time.Now()
	if err == nil {
		err = link.SetDeadline(began.Add(FreezeTime))
	}
	if err != nil {
		gate.Shut()
		g.Resume()
		return out, fmt.Errorf("preparing the hand-over: %w", err)
	}
	if err := g.Freeze(ctx); err != nil {
		gate.Shut()
		g.Resume()
		return out, fmt.Errorf("stopping for the hand-over: %w", err)
	}
	out.Stop = time.Since(began)
	err = pass(link, g, &out)
	out.Freeze = time.Since(began)
	switch {
	case err == nil:
		return out, link.SetDeadline(time.Time{})
	case gate.Shut():
		g.Resume()
		return out, err
	}
	// It serves; only its word did not come.
	if err = link.SetDeadline(time.Now().Add(FreezeTime)); err == nil {
		err = serving(link, &out)
	}
	if err != nil {
		return out, errors.Join(ErrGone, err)
	}
	return out, link.SetDeadline(time.Time{})
}

// agree is everything up to the moment in which nobody serves.
func agree(link Link, offer Offer, lead []int, g Giver, out *Given) error {
	if err := link.SetDeadline(time.Now().Add(StartTime)); err != nil {
		return err
	}
	m, err := link.Receive()
	if err != nil {
		return fmt.Errorf("the new process said nothing: %w", err)
	}
	closeAll(m.Files)
	if err := read(m, KindHello, &out.To); err != nil {
		return err
	}
	if out.To.Version != Version || out.To.Export != offer.Export {
		return fmt.Errorf("%w: %d/%d, this one %d/%d", ErrVersion, out.To.Version, out.To.Export, Version, offer.Export)
	}
	offer.Version = Version
	if err := link.Send(KindOffer, encode(offer), lead...); err != nil {
		return err
	}
	err = g.Sockets(func(labels []string, files []int) error {
		return link.Send(KindSockets, encode(Sockets{labels}), files...)
	})
	if err != nil {
		return err
	}
	if m, err = link.Receive(); err != nil {
		return fmt.Errorf("the new process did not start: %w", err)
	}
	closeAll(m.Files)
	return read(m, KindReady, &struct{}{})
}

// pass is the moment in which nobody serves.
func pass(link Link, g Giver, out *Given) error {
	began := time.Now()
	end, err := g.Export(link.Send)
	out.Send = time.Since(began)
	if err != nil {
		return fmt.Errorf("handing over: %w", err)
	}
	if err := link.Send(KindEnd, encode(end)); err != nil {
		return fmt.Errorf("handing over: %w", err)
	}
	if err := serving(link, out); err != nil {
		return err
	}
	if out.Serving.Sessions != end.Sessions {
		return fmt.Errorf("%w: %d sessions were taken up of %d", ErrMessage, out.Serving.Sessions, end.Sessions)
	}
	return nil
}

func serving(link Link, out *Given) error {
	m, err := link.Receive()
	if err != nil {
		return fmt.Errorf("the new process did not take over: %w", err)
	}
	closeAll(m.Files)
	return read(m, KindServing, &out.Serving)
}
