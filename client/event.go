package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cyan-cloud/cyan/wire/rest"
	"github.com/cyan-cloud/cyan/wire/sse"
)

// Event is something that a device, a person or the cloud said.
type Event struct {
	Name string
	rest.Event

	text string // as it came
}

// Publish publishes an event to the user's devices and streams.
func (c *Client) Publish(ctx context.Context, e rest.Publish) error {
	return c.do(ctx, http.MethodPost, rest.PathPublish, e, nil)
}

// Subscription says which events to hear. The zero value is all of the
// user's.
type Subscription struct {
	Prefix string // only events whose names begin so
	Device string // only of this device, by id or name
	All    bool   // everybody's public events, too; needs a Prefix

	// Resume asks for a stream that goes on where it broke, from the history that
	// the cloud keeps. A cloud without one gives an ordinary stream.
	Resume bool

	at string // the path of a stream that is not one of events; empty: of what is above

	// Silence is how long a stream may be without a byte before it counts as
	// dead; the API speaks at least every 9 s. Zero: 20 s.
	Silence time.Duration
	// Opened is called when the stream is open, at first and again after each
	// break, with what the API says that it is subscribed to. Nil: nobody.
	Opened func(rest.Header)
	// Broken is called when the stream has broken and is to be opened again
	// after the wait. What happens meanwhile is not heard, unless the stream can
	// be resumed. Nil: nobody.
	Broken func(err error, wait time.Duration, resumes bool)
	// Gap is called when a resumed stream does not go on where it broke, with
	// what the API says of that. Nil: nobody.
	Gap func(rest.StreamGap)
}

func (s *Subscription) path() string {
	switch {
	case s.at != "":
		return s.at
	case s.Device != "":
		return rest.PathDeviceEvents(s.Device, s.Prefix)
	case s.All:
		return rest.PathAllEvents(s.Prefix)
	default:
		return rest.PathMyEvents(s.Prefix)
	}
}

// Stream hears events. Its methods but Close and Heard are for one goroutine.
type Stream struct {
	client *Client
	sub    Subscription
	ctx    context.Context //nolint:containedctx // of the whole stream: ends with the caller's or at Close
	cancel context.CancelFunc

	body    io.ReadCloser // nil: broken, to be opened again
	silence *time.Timer   // ends the request of a body that is silent for too long
	end     func()        // ends the request
	dec     sse.Decoder
	buf     []byte
	tries   int    // to open the stream again, without success
	place   string // the id to go on after; empty: none came
	plain   bool   // the cloud keeps no history
	why     string // what the cloud said of the stream's end
	heard   atomic.Int64
}

// Subscribe opens a stream. It lives until ctx ends or it is closed; when
// it breaks, Next opens it again.
func (c *Client) Subscribe(ctx context.Context, sub Subscription) (*Stream, error) {
	if sub.All && sub.Device != "" {
		return nil, errors.New("client: a subscription to one device and to everybody's events")
	}
	if sub.Silence == 0 {
		sub.Silence = 20 * time.Second
	}
	s := &Stream{client: c, sub: sub, buf: make([]byte, 16<<10)}
	s.ctx, s.cancel = context.WithCancel(ctx)
	if err := s.open(); err != nil { //nolint:contextcheck // s.ctx comes from ctx
		s.cancel()
		return nil, err
	}
	return s, nil
}

// Next waits for the next event. It fails when the stream's context has
// ended, or when the API refuses to open it again.
func (s *Stream) Next() (Event, error) {
	for {
		if err := s.ctx.Err(); err != nil {
			return Event{}, err
		}
		if s.body == nil {
			if err := s.open(); err != nil {
				if !passing(err) || s.ctx.Err() != nil {
					return Event{}, err
				}
				s.pause(err)
			}
			continue
		}
		e, ok, err := s.read()
		switch {
		case ok:
			s.tries = 0
			return e, nil
		case err != nil && s.ctx.Err() == nil:
			s.shut()
			s.pause(err)
		}
	}
}

// Close ends the stream; a Next that waits returns.
func (s *Stream) Close() { s.cancel() }

// Heard tells when the last byte came: while the stream is open it is never
// long ago, even if nothing happens.
func (s *Stream) Heard() time.Time { return time.UnixMilli(s.heard.Load()) }

// open opens the stream.
func (s *Stream) open() error {
	// A server that accepts and says nothing is silent, too.
	ctx, cancel := context.WithCancel(s.ctx)
	silence := time.AfterFunc(s.sub.Silence, cancel)
	res, err := s.client.send(ctx, http.MethodGet, s.path(), nil, "")
	if err != nil {
		silence.Stop()
		cancel()
		return err
	}
	if res.StatusCode != http.StatusOK {
		defer cancel()
		defer silence.Stop()
		defer res.Body.Close()
		err := readError(res)
		if err.Body.Code == rest.CodeNotImplemented && s.resumes() {
			s.plain = true
			return s.open()
		}
		return err
	}
	s.body, s.silence, s.end, s.dec, s.why = res.Body, silence, cancel, sse.Decoder{}, ""
	s.note()
	return nil
}

// resumes tells whether the stream goes on where it breaks.
func (s *Stream) resumes() bool { return s.sub.Resume && !s.plain }

// path is what to ask for: where it broke, if there is such a place.
func (s *Stream) path() string {
	path := s.sub.path()
	if !s.resumes() {
		return path
	}
	after := s.place
	if after == "" {
		after = rest.ResumeNow
	}
	return path + "?" + url.Values{"resume": {after}}.Encode()
}

// note notes that something came.
func (s *Stream) note() {
	s.heard.Store(time.Now().UnixMilli())
	s.silence.Reset(s.sub.Silence)
}

func (s *Stream) shut() {
	s.silence.Stop()
	s.body.Close()
	s.end()
	s.body = nil
}

// read gives the next event of the open stream, if one has come.
func (s *Stream) read() (e Event, ok bool, err error) {
	for {
		f, ok, err := s.dec.Next()
		if err != nil {
			return Event{}, false, err
		}
		if id := s.dec.LastID(); id != "" {
			s.place = id
		}
		if !ok {
			break
		}
		if f.Comment {
			s.comment(f.Data)
			continue
		}
		if s.notice(f) {
			continue
		}
		e := Event{Name: f.Event, text: f.Data}
		if err := json.Unmarshal([]byte(f.Data), &e.Event); err != nil {
			continue // not an event of this API: readers pass such frames over
		}
		return e, true, nil
	}
	n, err := s.body.Read(s.buf)
	if n > 0 {
		s.note()
		if _, err := s.dec.Write(s.buf[:n]); err != nil {
			return Event{}, false, err
		}
		return Event{}, false, nil
	}
	switch {
	case s.why != "":
		err = errors.New(s.why)
	case errors.Is(err, io.EOF):
		err = errors.New("the cloud closed it")
	case errors.Is(err, context.Canceled):
		err = fmt.Errorf("nothing came for %v", s.sub.Silence)
	}
	return Event{}, false, err
}

// notice takes what the API says in a stream that can be resumed, and tells
// whether the frame was that and no event.
func (s *Stream) notice(f sse.Frame) bool {
	switch f.Event {
	case rest.EventStreamEnd:
		s.comment(f.Data)
	case rest.EventStreamGap:
		var gap rest.StreamGap
		if json.Unmarshal([]byte(f.Data), &gap) == nil && s.sub.Gap != nil {
			s.sub.Gap(gap)
		}
	default:
		return false
	}
	return true
}

// comment looks for what the API says of the stream.
func (s *Stream) comment(text string) {
	var about struct {
		rest.Header
		rest.StreamEnd
	}
	text = strings.TrimSpace(text)
	if !strings.HasPrefix(text, "{") || json.Unmarshal([]byte(text), &about) != nil {
		return
	}
	if about.End != "" {
		s.why = "the cloud ended it: " + about.Message
	}
	h := about.Header
	if h.Scope == "" {
		return
	}
	s.tries = 0
	if s.sub.Opened != nil {
		s.sub.Opened(h)
	}
}

// passing tells whether it is worth to try again: the network failed, or
// the API is down or overloaded.
func passing(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return !ok || e.Temporary()
}

// The waits before a broken stream is opened again: doubled with each try,
// and random, so that a thousand clients do not come back at once.
const (
	firstWait = 500 * time.Millisecond
	lastWait  = 30 * time.Second
)

// pause waits before the next try.
func (s *Stream) pause(why error) {
	wait := min(firstWait<<min(s.tries, 10), lastWait)
	wait = wait/2 + rand.N(wait/2+1)
	if e, ok := errors.AsType[*Error](why); ok {
		wait = max(wait, min(e.RetryAfter, lastWait))
	}
	s.tries++
	if s.sub.Broken != nil {
		s.sub.Broken(why, wait, s.resumes() && s.place != "")
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.ctx.Done():
	}
}
