package handover

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// Taker is the newer process's side.
type Taker interface {
	// Prepare opens the rooms around the sockets, and begins nothing. The files
	// are the Taker's, whatever it says. offered is the time of the older one.
	Prepare(offer Offer, lead []*os.File, sockets map[string]*os.File) error
	// Adopt takes up one message of what there is. The files are the Taker's.
	Adopt(m Message) error
	// Complete tells what was taken up, when all is there; an error means that it
	// is not all.
	Complete(end End) (Serving, error)
}

// ErrShut says that the older process did not wait.
var ErrShut = errors.New("handover: the old process goes on by itself")

// Take takes everything over. Without an error the caller serves from now on,
// and nobody else does; with one it must end, and not have sent a byte.
func Take(link Link, hello Hello, gate func(lead []*os.File) (Gate, error), t Taker) error {
	hello.Version = Version
	if err := link.SetDeadline(time.Now().Add(StartTime + SettleTime + FreezeTime)); err != nil {
		return err
	}
	if err := link.Send(KindHello, encode(hello)); err != nil {
		return err
	}
	g, err := receive(link, gate, t)
	if err == nil {
		var s Serving
		if s, err = adopt(link, t); err == nil {
			if !g.Pass() {
				return ErrShut
			}
			// From here on this process serves, whether the other hears it or not.
			_ = link.Send(KindServing, encode(s))
			return link.SetDeadline(time.Time{})
		}
	}
	_ = link.Send(KindRefuse, encode(Refusal{err.Error()})) // it notices anyway that we end
	return err
}

// receive takes the offer and opens the rooms.
func receive(link Link, gate func([]*os.File) (Gate, error), t Taker) (Gate, error) {
	m, err := link.Receive()
	if err != nil {
		return nil, err
	}
	var offer Offer
	if err := read(m, KindOffer, &offer); err != nil {
		closeAll(m.Files)
		return nil, err
	}
	lead := m.Files
	g, err := gate(lead)
	if err != nil {
		closeAll(lead)
		return nil, err
	}
	sockets := map[string]*os.File{}
	for {
		if m, err = link.Receive(); err != nil {
			return nil, err
		}
		var s Sockets
		if err := read(m, KindSockets, &s); err != nil || len(s.Labels) != len(m.Files) {
			closeAll(m.Files)
			return nil, errors.Join(ErrMessage, err)
		}
		if len(s.Labels) == 0 {
			break // that was the last
		}
		for i, label := range s.Labels {
			sockets[label] = m.Files[i]
		}
	}
	if err := t.Prepare(offer, lead, sockets); err != nil {
		return nil, err
	}
	return g, link.Send(KindReady, encode(struct{}{}))
}

// adopt takes up all that comes until the end.
func adopt(link Link, t Taker) (Serving, error) {
	for {
		m, err := link.Receive()
		if err != nil {
			return Serving{}, err
		}
		if m.Kind != KindEnd {
			if err := t.Adopt(m); err != nil {
				return Serving{}, err
			}
			continue
		}
		closeAll(m.Files)
		var end End
		if err := read(m, KindEnd, &end); err != nil {
			return Serving{}, err
		}
		s, err := t.Complete(end)
		if err == nil && s.Sessions != end.Sessions {
			err = fmt.Errorf("%w: %d sessions came of %d", ErrMessage, s.Sessions, end.Sessions)
		}
		return s, err
	}
}
