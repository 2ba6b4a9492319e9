package sim

import (
	"errors"
	"time"

	"github.com/cyan-cloud/cyan/wire/dtls"
)

// link is what protects messages on one connection.
type link interface {
	// receive takes what the socket gave.
	receive(now time.Time, data []byte) arrival
	// tick is called when the deadline has come.
	tick(now time.Time) arrival
	// deadline is when tick has something to do; zero: never.
	deadline() time.Time
	// seal makes of a message what the socket takes. With errUsedUp the session
	// can't protect another one; any other error is about this message.
	seal(message []byte) ([]byte, error)
}

// arrival is what came of bytes or of time.
type arrival struct {
	send     [][]byte // for the server
	up       bool     // the handshake is done
	messages [][]byte // from the server
	end      *ending  // the connection is over; nil: it goes on
}

// datagramLink is DTLS. It shares the session with the device's memory, where
// it lives on after the link.
type datagramLink struct {
	handshake *dtls.ClientHandshake // nil once there is a session
	memory    *memory               // of the session; nil until then
	make      func(dtls.Session) *memory
	truncate  bool
}

// newDatagramLink begins a handshake.
func newDatagramLink(d *Device) (*datagramLink, [][]byte, error) {
	l := &datagramLink{
		make:     d.remember,
		truncate: d.cfg.Behaviour == TruncateHandshake,
	}
	cfg := &dtls.ClientConfig{ServerKey: d.keys.ecServer, Key: d.keys.ec, NoCID: !d.cfg.Profile.ConnectionID}
	var random dtls.ClientRandom
	_, _ = d.chance.Read(random.Random[:])
	_, _ = d.chance.Read(random.Ephemeral[:])
	var flight [][]byte
	var err error
	l.handshake, flight, err = dtls.NewClientHandshake(cfg, d.now, random)
	return l, flight, err
}

func (l *datagramLink) receive(now time.Time, datagram []byte) arrival {
	if l.memory == nil {
		return l.shake(l.handshake.Receive(now, datagram))
	}
	var a arrival
	for len(datagram) > 0 && a.end == nil {
		record, rest, err := dtls.ParseRecord(datagram)
		if err != nil {
			break
		}
		datagram = rest
		l.open(record, &a)
	}
	return a
}

// shake performs what the handshake made of a datagram.
func (l *datagramLink) shake(out dtls.Output, err error) arrival {
	a := arrival{send: l.cut(out.Send, out.Stage)}
	switch {
	case errors.Is(err, dtls.ErrNoCID):
		a.end = &endNoCID
	case err != nil:
		a.end = &ending{text: endHandshake.text + ": " + err.Error()}
	default:
		if session, ok := l.handshake.Session(); ok {
			l.handshake, l.memory = nil, l.make(session)
			a.up = true
		}
	}
	return a
}

// cut halves what follows the first flight, if that is what the device does.
func (l *datagramLink) cut(flight [][]byte, stage dtls.Stage) [][]byte {
	if l.truncate && stage > dtls.StageHello {
		for i := range flight {
			flight[i] = flight[i][:len(flight[i])/2]
		}
	}
	return flight
}

// open reads one record. What is not authentic is dropped silently; the first
// that is ends the search for a server that knows the session.
func (l *datagramLink) open(record dtls.Record, a *arrival) {
	t, plaintext, err := l.memory.Session.Open(nil, record)
	if err != nil {
		return
	}
	l.memory.Uses = 0
	switch t {
	case dtls.ApplicationData:
		// One byte or none keeps a NAT open and is no message.
		if len(plaintext) > 1 {
			a.messages = append(a.messages, plaintext)
		}
	case dtls.Alert:
		level, description, err := dtls.ParseAlert(plaintext)
		if err == nil && (level == dtls.Fatal || description == dtls.CloseNotify) {
			a.end = &endAlert
		}
	}
}

func (l *datagramLink) tick(now time.Time) arrival {
	if l.handshake == nil {
		return arrival{}
	}
	flight, err := l.handshake.Tick(now)
	a := arrival{send: flight}
	if l.truncate && len(flight) > 0 && l.second(flight[0]) {
		a.send = l.cut(flight, dtls.StageKeyExchange)
	}
	if errors.Is(err, dtls.ErrHandshakeTimeout) {
		a.end = &endTimeout
	} else if err != nil {
		a.end = &endHandshake
	}
	return a
}

// second reports whether a datagram is of a client's second flight: it doesn't
// begin with a ClientHello.
func (l *datagramLink) second(datagram []byte) bool {
	const clientHello = 1
	record, _, err := dtls.ParseRecord(datagram)
	return err == nil && len(record.Fragment) > 0 && record.Fragment[0] != clientHello
}

func (l *datagramLink) deadline() time.Time {
	if l.handshake == nil {
		return time.Time{}
	}
	return l.handshake.Deadline()
}

// seal goes on to the next generation of numbers when one is used up: a device
// just counts.
func (l *datagramLink) seal(message []byte) ([]byte, error) {
	session := &l.memory.Session
	sealed, err := session.Seal(nil, dtls.ApplicationData, message)
	if !errors.Is(err, dtls.ErrSequenceExhausted) {
		return sealed, err
	}
	if err := session.SetGeneration(session.Generation() + 1); err != nil {
		return nil, errUsedUp
	}
	return session.Seal(nil, dtls.ApplicationData, message)
}

// errUsedUp says that a session can't protect another message.
var errUsedUp = errors.New("sim: the session has no numbers left")
