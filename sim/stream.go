package sim

import (
	"errors"
	"slices"
	"time"

	"github.com/cyan-cloud/cyan/wire/sealed"
)

// readTimeout is how long a TCP device waits for the rest of what the server
// has begun to say.
const readTimeout = 20 * time.Second

// streamLink is the TCP handshake and the frames after it.
type streamLink struct {
	handshake sealed.ClientHandshake
	padding   [32]byte
	truncate  bool
	seed      func(last uint16) // continues the message ids

	stage    streamStage
	buf      []byte // of an unfinished part of the handshake
	until    time.Time
	splitter sealed.Splitter
	channel  sealed.Channel
}

type streamStage uint8

const (
	awaitsNonce streamStage = iota
	awaitsReply
	streamUp
)

func newStreamLink(d *Device) *streamLink {
	l := &streamLink{
		handshake: sealed.ClientHandshake{ServerKey: d.keys.rsaServer, Key: d.keys.rsa, DeviceID: d.cfg.ID},
		truncate:  d.cfg.Behaviour == TruncateHandshake,
		seed:      d.talk.ids.Seed,
		until:     d.now.Add(readTimeout),
	}
	_, _ = d.chance.Read(l.padding[:])
	return l
}

func (l *streamLink) receive(now time.Time, data []byte) arrival {
	if l.stage == streamUp {
		return l.frames(now, data)
	}
	l.buf = append(l.buf, data...)
	l.until = now.Add(readTimeout)
	var a arrival
	if l.stage == awaitsNonce && len(l.buf) >= sealed.NonceSize {
		nonce := [sealed.NonceSize]byte(l.buf)
		l.buf = l.buf[sealed.NonceSize:]
		l.answer(nonce, &a)
	}
	if l.stage == awaitsReply && len(l.buf) >= sealed.ReplySize {
		reply, rest := [sealed.ReplySize]byte(l.buf), l.buf[sealed.ReplySize:]
		l.buf = nil
		l.finish(reply, &a)
		if a.up && len(rest) > 0 {
			more := l.frames(now, rest)
			a.messages, a.end = more.messages, more.end
		}
	}
	return a
}

// answer says who the device is.
func (l *streamLink) answer(nonce [sealed.NonceSize]byte, a *arrival) {
	blob, err := l.handshake.Answer(nonce, l.padding)
	if err != nil {
		a.end = &endHandshake
		return
	}
	l.stage = awaitsReply
	if l.truncate {
		a.send = [][]byte{slices.Clone(blob[:len(blob)/2])}
		return
	}
	a.send = [][]byte{blob[:]}
}

// finish opens the server's reply. The device tells two errors apart, and
// shows them in colours of their own.
func (l *streamLink) finish(reply [sealed.ReplySize]byte, a *arrival) {
	cred, channel, err := l.handshake.Finish(reply)
	switch {
	case errors.Is(err, sealed.ErrCredentials):
		a.end = &endDecrypt
	case errors.Is(err, sealed.ErrSignature):
		a.end = &endSignature
	case err != nil:
		a.end = &endHandshake
	default:
		l.stage, l.channel, l.until = streamUp, channel, time.Time{}
		l.seed(cred.MessageID())
		a.up = true
	}
}

// frames opens the frames in a piece of the stream.
func (l *streamLink) frames(now time.Time, data []byte) arrival {
	var a arrival
	for {
		frame, rest, err := l.splitter.Next(data)
		if err != nil {
			a.end = &endFrame
			return a
		}
		if frame == nil {
			break
		}
		message, err := l.channel.Open(nil, frame)
		if err != nil {
			a.end = &endFrame
			return a
		}
		a.messages, data = append(a.messages, message), rest
	}
	l.until = time.Time{}
	if len(l.splitter.Pending()) > 0 {
		l.until = now.Add(readTimeout)
	}
	return a
}

func (l *streamLink) tick(time.Time) arrival { return arrival{end: &endTimeout} }

func (l *streamLink) deadline() time.Time { return l.until }

func (l *streamLink) seal(message []byte) ([]byte, error) { return l.channel.Seal(nil, message) }
