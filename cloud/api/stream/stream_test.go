package stream_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/api/stream"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
	"github.com/cyan-cloud/cyan/wire/sse"
)

// hall is a hub behind a server. The path names the subscription in subs.
type hall struct {
	t       *testing.T
	hub     *stream.Hub
	address string
	metrics *prometheus.Registry
	subs    map[string]stream.Subscription
	refused chan error // what Serve said instead of a stream
}

func newHall(t *testing.T, cfg stream.Config, subs map[string]stream.Subscription) *hall {
	t.Helper()
	h := &hall{t: t, metrics: prometheus.NewRegistry(), subs: subs, refused: make(chan error, 16)}
	orInt(&cfg.Buffer, 256<<10)
	orInt(&cfg.Max, 100)
	orInt(&cfg.PerSource, 100)
	if cfg.KeepAlive == 0 {
		cfg.KeepAlive = time.Minute
	}
	cfg.Registerer = h.metrics
	h.hub = stream.New(cfg)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h.hub.Serve(w, r, h.subs[strings.TrimPrefix(r.URL.Path, "/")]); err != nil {
			h.refused <- err
			w.WriteHeader(http.StatusTeapot)
		}
	}))
	t.Cleanup(server.Close)
	t.Cleanup(h.hub.Close)
	h.address = server.Listener.Addr().String()
	return h
}

func orInt(v *int, standard int) {
	if *v == 0 {
		*v = standard
	}
}

// ear reads a stream by hand.
type ear struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
	dec  sse.Decoder
}

// open opens a stream and reads its head, its greeting and its scope.
func (h *hall) open(path string) *ear {
	h.t.Helper()
	conn, err := net.Dial("tcp", h.address)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(60 * time.Second))
	fmt.Fprintf(conn, "GET /%s HTTP/1.1\r\nHost: x\r\n\r\n", path)
	e := &ear{t: h.t, conn: conn, in: bufio.NewReader(conn)}
	for {
		line, err := e.in.ReadString('\n')
		if err != nil {
			h.t.Fatal(err)
		}
		if line == "\r\n" {
			break
		}
	}
	if f := e.next(); !f.Comment || f.Data != "ok" {
		h.t.Fatalf("the greeting is %+v", f)
	}
	if f := e.next(); !f.Comment || !strings.HasPrefix(f.Data, " {") {
		h.t.Fatalf("the scope is %+v", f)
	}
	return e
}

// next gives the next frame; at the end of the stream, an event "EOF".
func (e *ear) next() sse.Frame {
	e.t.Helper()
	buf := make([]byte, 32<<10)
	for {
		f, ok, err := e.dec.Next()
		if err != nil {
			e.t.Fatal(err)
		}
		if ok {
			return f
		}
		e.conn.SetDeadline(time.Now().Add(time.Minute)) // of silence, not of the test
		n, err := e.in.Read(buf)
		if err == io.EOF {
			return sse.Frame{Event: "EOF"}
		} else if err != nil {
			e.t.Fatal(err)
		}
		e.dec.Write(buf[:n])
	}
}

// end reads the rest of the stream: what the events were called, and why it
// ended.
func (e *ear) end() (names []string, end rest.StreamEnd) {
	e.t.Helper()
	for {
		f := e.next()
		switch {
		case f.Event == "EOF":
			return names, end
		case f.Comment || f.Event == rest.EventStreamEnd:
			end = endOf(e.t, f)
		default:
			names = append(names, f.Event)
		}
	}
}

func endOf(t *testing.T, f sse.Frame) (end rest.StreamEnd) {
	t.Helper()
	if err := json.Unmarshal([]byte(f.Data), &end); err != nil {
		t.Fatalf("%v in %+v", err, f)
	}
	return end
}

func (h *hall) counter(name, label string) float64 {
	h.t.Helper()
	families, err := h.metrics.Gather()
	if err != nil {
		h.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && (label == "" || m.GetLabel()[0].GetValue() == label) {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return 0
}

const alice, bob account.ID = "a", "b"

var oven = device.ID{1}

// A reader who does not read is dropped, and the others hear everything. When
// he reads again he finds whole frames, up to where he was dropped, and why.
func TestSlowReadersAreDroppedAndTold(t *testing.T) {
	h := newHall(t, stream.Config{Buffer: 8 << 10, Patience: 10 * time.Minute}, map[string]stream.Subscription{"x": {Filter: event.Filter{Owner: alice}}})
	slow, quick := h.open("x"), h.open("x")
	e := event.Event{Owner: alice, HasData: true, Data: bytes.Repeat([]byte("x"), event.MaxData)}
	sent := 0
	for ; h.counter("cyan_api_frames_missed_total", "") == 0; sent++ { // with the first it may end already
		e.Name = fmt.Sprint(sent)
		h.hub.Deliver(&e)
		if f := quick.next(); f.Event != e.Name {
			t.Fatalf("the quick reader hears %+v, want %s", f, e.Name)
		}
		if sent > 100_000 {
			t.Fatal("the slow reader is not dropped")
		}
	}
	names, end := slow.end()
	want := rest.StreamEnd{End: rest.EndSlow, Message: "you read too slowly, and events for you were dropped: connect again", Missed: 1}
	if diff := cmp.Diff(want, end); diff != "" {
		t.Error(diff)
	}
	for i, name := range names {
		if name != fmt.Sprint(i) {
			t.Fatalf("event %s at %d", name, i)
		}
	}
	if len(names)+end.Missed != sent {
		t.Errorf("%d heard and %d missed of %d", len(names), end.Missed, sent)
	}
	h.eventually("the end is counted", func() bool { return h.counter("cyan_api_streams_ended_total", rest.EndSlow) == 1 })
}

// A reader who never reads again costs nothing in the end.
func TestDeadReadersGo(t *testing.T) {
	h := newHall(t, stream.Config{Buffer: 8 << 10, Patience: 10 * time.Millisecond}, map[string]stream.Subscription{"x": {Filter: event.Filter{Owner: alice}}})
	h.open("x")
	e := event.Event{Name: "n", Owner: alice, HasData: true, Data: bytes.Repeat([]byte("x"), event.MaxData)}
	h.eventually("the stream is gone", func() bool {
		for range 100 {
			h.hub.Deliver(&e)
		}
		return h.counter("cyan_api_streams", "") == 0
	})
}

func (h *hall) eventually(what string, ok func() bool) {
	h.t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for limit := time.Now().Add(time.Minute); !ok(); <-tick.C {
		if time.Now().After(limit) {
			h.t.Fatalf("it never happened: %s", what)
		}
	}
}

// Whatever ends a stream, its reader is told, and nobody else's ends.
func TestEndsAreTold(t *testing.T) {
	hash := account.HashToken("alice's")
	subs := map[string]stream.Subscription{
		"alice":  {Filter: event.Filter{Owner: alice}, Token: hash},
		"other":  {Filter: event.Filter{Owner: alice}, Token: account.HashToken("alice's other")},
		"device": {Filter: event.Filter{Owner: alice, Device: oven}, Token: hash},
		"bob":    {Filter: event.Filter{Owner: bob, Device: oven}, Token: account.HashToken("bob's")},
	}
	for name, c := range map[string]struct {
		do   func(h *stream.Hub)
		want map[string]string // which streams end, and why
	}{
		"token":  {func(h *stream.Hub) { h.EndToken(hash) }, map[string]string{"alice": rest.EndTokenRevoked, "device": rest.EndTokenRevoked}},
		"user":   {func(h *stream.Hub) { h.EndUser(bob, rest.EndUserDeleted) }, map[string]string{"bob": rest.EndUserDeleted}},
		"device": {func(h *stream.Hub) { h.EndDevice(oven, bob) }, map[string]string{"device": rest.EndDeviceGone}},
		"bus": {func(h *stream.Hub) { h.EndAll(rest.EndBus) }, map[string]string{
			"alice": rest.EndBus, "other": rest.EndBus, "device": rest.EndBus, "bob": rest.EndBus,
		}},
		"lost": {func(h *stream.Hub) { h.EndLost() }, map[string]string{
			"alice": rest.EndLost, "other": rest.EndLost, "device": rest.EndLost, "bob": rest.EndLost,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHall(t, stream.Config{}, subs)
			ears := map[string]*ear{}
			for name := range subs {
				ears[name] = h.open(name)
			}
			c.do(h.hub)
			for _, owner := range []account.ID{alice, bob} {
				h.hub.Deliver(&event.Event{Name: "after", Owner: owner, Device: oven})
			}
			for name, ear := range ears {
				if c.want[name] == "" {
					if f := ear.next(); f.Event != "after" {
						t.Errorf("%s hears %+v", name, f)
					}
					continue
				}
				names, end := ear.end()
				if len(names) > 0 || end.End != c.want[name] || end.Message == "" {
					t.Errorf("%s hears %v and ends with %+v", name, names, end)
				}
			}
		})
	}
}

// A stream ends with its token, though events come all the time.
func TestStreamsEndWithTheirToken(t *testing.T) {
	h := newHall(t, stream.Config{}, map[string]stream.Subscription{
		"quiet": {Filter: event.Filter{Owner: bob}, Expires: time.Now().Add(200 * time.Millisecond)},
		"busy":  {Filter: event.Filter{Owner: alice}, Expires: time.Now().Add(200 * time.Millisecond)},
	})
	busy, quiet := h.open("busy"), h.open("quiet")
	var end rest.StreamEnd
	for end.End == "" {
		h.hub.Deliver(&event.Event{Name: "n", Owner: alice})
		if f := busy.next(); f.Comment {
			end = endOf(t, f)
		}
	}
	if end.End != rest.EndTokenExpired {
		t.Errorf("the busy stream ends with %+v", end)
	}
	if _, end := quiet.end(); end.End != rest.EndTokenExpired {
		t.Errorf("the quiet stream ends with %+v", end)
	}
}

// A token that is revoked while its stream is being opened opens none.
func TestRecheck(t *testing.T) {
	refuse := fault.Errorf(fault.Unauthenticated, "revoked")
	h := newHall(t, stream.Config{}, map[string]stream.Subscription{
		"x": {Recheck: func() error { return refuse }},
	})
	res, err := http.Get("http://" + h.address + "/x")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if got := <-h.refused; got != refuse || h.counter("cyan_api_streams", "") != 0 {
		t.Errorf("refused with %v; %v streams are open", got, h.counter("cyan_api_streams", ""))
	}
}

// Of streams that go on elsewhere, those whose token was revoked behind their
// departure end there, and only those; while nobody can tell, none does.
func TestRecheckOfStreamsThatMoved(t *testing.T) {
	gone := account.HashToken("alice's")
	h := newHall(t, stream.Config{}, map[string]stream.Subscription{
		"alice": {Filter: event.Filter{Owner: alice}, Token: gone},
		"bob":   {Filter: event.Filter{Owner: bob}, Token: account.HashToken("bob's")},
	})
	alices, bobs := h.open("alice"), h.open("bob")
	next := stream.New(stream.Config{KeepAlive: time.Minute, Buffer: 1 << 10, Max: 10, PerSource: 10})
	t.Cleanup(next.Close)
	err := h.hub.Pass(func(c net.Conn, body []byte) error {
		f, err := c.(*net.TCPConn).File()
		if err != nil {
			return err
		}
		defer f.Close()
		copied, err := net.FileConn(f)
		if err != nil {
			return err
		}
		return next.Adopt(copied, body)
	})
	if err != nil {
		t.Fatal(err)
	}
	h.hub.EndToken(gone) // nobody here goes on with it
	h.hub.Leave()
	next.Begin()
	down := fault.Errorf(fault.Unavailable, "the database cannot be read")
	if err := next.Recheck(func(account.TokenHash) (bool, error) { return false, down }); err != down {
		t.Errorf("nobody can tell: %v", err)
	}
	for _, owner := range []account.ID{alice, bob} {
		next.Deliver(&event.Event{Name: "before", Owner: owner})
	}
	if f := alices.next(); f.Event != "before" {
		t.Errorf("alice hears %+v", f)
	}
	if err := next.Recheck(func(hash account.TokenHash) (bool, error) { return hash != gone, nil }); err != nil {
		t.Error(err)
	}
	if _, end := alices.end(); end.End != rest.EndTokenRevoked {
		t.Errorf("alice's ends with %+v", end)
	}
	next.Deliver(&event.Event{Name: "after", Owner: bob})
	for _, want := range []string{"before", "after"} {
		if f := bobs.next(); f.Event != want {
			t.Errorf("bob hears %+v, want %s", f, want)
		}
	}
}

// shelf is a history in a slice.
type shelf struct {
	mu      sync.Mutex
	events  []event.Kept
	dropped uint64 // those up to here are gone
	err     error
}

func (s *shelf) add(e event.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.dropped + uint64(len(s.events)) + 1
	e.ID = fmt.Sprintf("id%d", n)
	s.events = append(s.events, event.Kept{At: event.Position{Seq: n, ID: e.ID}, Event: e})
}

func (s *shelf) drop(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events, s.dropped = s.events[n:], s.dropped+uint64(n)
}

func (s *shelf) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *shelf) End(context.Context) (p event.Position, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.events); n > 0 {
		p = s.events[n-1].At
	}
	return p, s.err
}

func (s *shelf) Has(_ context.Context, p event.Position) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.events {
		if e.At == p {
			return true, s.err
		}
	}
	return p.Seq <= s.dropped, s.err
}

func (s *shelf) After(_ context.Context, f *event.Filter, seq uint64, limit int) (event.Page, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	page := event.Page{To: event.Position{Seq: seq}, Gap: seq < s.dropped}
	for _, e := range s.events {
		if e.At.Seq <= seq {
			continue
		}
		if limit--; limit < 0 {
			page.More = true
			break
		}
		page.To = e.At
		if f.Match(&e.Event) {
			page.Events = append(page.Events, e)
		}
	}
	return page, s.err
}

// heard reads so many frames, as "id event" or, for what the server says
// itself, with the data.
func (e *ear) heard(n int) (list []string) {
	e.t.Helper()
	for range n {
		f := e.next()
		text := f.ID + " " + f.Event
		if strings.HasPrefix(f.Event, "spark/stream/") || f.Comment {
			text += " " + f.Data
		}
		list = append(list, text)
	}
	return list
}

// A stream that was left is taken up again where it was, from the history.
func TestResume(t *testing.T) {
	s := new(shelf)
	filter := event.Filter{Owner: alice, Prefix: "t"}
	h := newHall(t, stream.Config{History: s}, map[string]stream.Subscription{
		"now":   {Filter: filter, Resume: true, After: rest.ResumeNow},
		"two":   {Filter: filter, Resume: true, After: "2-id2"},
		"other": {Filter: filter, Resume: true, After: "2-another"},
		"later": {Filter: filter, Resume: true, After: "9000-id9000"},
		"bad":   {Filter: filter, Resume: true, After: "yesterday"},
	})
	say := func(name string, owner account.ID) {
		e := event.Event{Name: name, Owner: owner}
		s.add(e)
		h.hub.Deliver(&e)
	}
	say("t1", alice)
	say("t2", alice)
	now := h.open("now")
	say("t3", alice)
	say("x4", alice)
	say("t5", bob)
	say("t6", alice)
	if diff := cmp.Diff([]string{"3-id3 t3", "6-id6 t6"}, now.heard(2)); diff != "" {
		t.Error("from now on:", diff)
	}
	if diff := cmp.Diff([]string{"3-id3 t3", "6-id6 t6"}, h.open("two").heard(2)); diff != "" {
		t.Error("resumed:", diff)
	}
	for name, after := range map[string]string{"other": "2-another", "later": "9000-id9000"} {
		want := []string{
			` spark/stream/gap {"after":"` + after + `","gap":"unknown","message":"the history does not know the event that you heard last, so that events may be missing or come again: it goes on with the oldest that it has"}`,
			"1-id1 t1", "2-id2 t2",
		}
		if diff := cmp.Diff(want, h.open(name).heard(3)); diff != "" {
			t.Error(name, diff)
		}
	}
	s.drop(3)
	want := []string{
		` spark/stream/gap {"after":"2-id2","gap":"too_old","message":"the history has dropped events that you have not heard: it goes on with the oldest that it has"}`,
		"6-id6 t6",
	}
	if diff := cmp.Diff(want, h.open("two").heard(2)); diff != "" {
		t.Error("too old:", diff)
	}
	res, err := http.Get("http://" + h.address + "/bad")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if err := <-h.refused; fault.CodeOf(err) != rest.CodeBodyMalformed {
		t.Errorf("a bad id: %v", err)
	}
}

// While events pass that are not for him, the reader learns his place with
// every sign of life, so that he has less to ask for when he comes back.
func TestSignsOfLifeTellThePlace(t *testing.T) {
	s := new(shelf)
	h := newHall(t, stream.Config{History: s, KeepAlive: 5 * time.Millisecond}, map[string]stream.Subscription{
		"now": {Filter: event.Filter{Owner: alice}, Resume: true},
	})
	e := h.open("now")
	s.add(event.Event{Name: "n", Owner: bob})
	for {
		line, err := e.in.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if line == "id: 1-id1\n" {
			break
		}
	}
	s.add(event.Event{Name: "n", Owner: alice}) // and nobody says so on the bus
	if diff := cmp.Diff([]string{"2-id2 n"}, e.heard(1)); diff != "" {
		t.Error(diff)
	}
}

// When the history cannot be read, streams that depend on it say so.
func TestHistoryDown(t *testing.T) {
	s := new(shelf)
	h := newHall(t, stream.Config{History: s}, map[string]stream.Subscription{
		"now": {Filter: event.Filter{Owner: alice}, Resume: true}, "plain": {Filter: event.Filter{Owner: alice}},
	})
	e, plain := h.open("now"), h.open("plain")
	down := fault.Errorf(fault.Unavailable, "down")
	s.fail(down)
	h.hub.Deliver(&event.Event{Name: "n", Owner: alice})
	if _, end := e.end(); end.End != rest.EndStore {
		t.Errorf("it ends with %+v", end)
	}
	if f := plain.next(); f.Event != "n" {
		t.Errorf("a plain stream hears %+v", f)
	}
	res, err := http.Get("http://" + h.address + "/now")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if err := <-h.refused; err != down {
		t.Errorf("a new one: %v", err)
	}
}

// Without a history nobody is made to believe that there is one.
func TestNoHistory(t *testing.T) {
	h := newHall(t, stream.Config{}, map[string]stream.Subscription{"now": {Resume: true}})
	res, err := http.Get("http://" + h.address + "/now")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if err := <-h.refused; fault.CodeOf(err) != rest.CodeNotImplemented {
		t.Error(err)
	}
}
