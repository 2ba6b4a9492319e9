package api_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/cloud/api"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/wire/rest"
	"github.com/cyan-cloud/cyan/wire/sse"
)

// reader reads an event stream frame by frame.
type reader struct {
	t    testing.TB
	body io.ReadCloser
	dec  sse.Decoder
}

// subscribe opens a stream and reads the greetings.
func (w *world) subscribe(path string, headers ...string) *reader {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	w.t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { res.Body.Close() })
	if res.StatusCode != http.StatusOK || !strings.HasPrefix(res.Header.Get("Content-Type"), sse.ContentType) ||
		res.Header.Get("X-Accel-Buffering") != "no" || res.Header.Get("Access-Control-Allow-Origin") != "*" {
		b, _ := io.ReadAll(res.Body)
		w.t.Fatalf("status %d, %v: %s", res.StatusCode, res.Header, b)
	}
	r := &reader{t: w.t, body: res.Body}
	if f := r.next(); !f.Comment || f.Data != "ok" {
		w.t.Fatalf("the greeting is %+v", f)
	}
	return r
}

// next gives the next frame, comment or not.
func (r *reader) next() sse.Frame {
	r.t.Helper()
	buf := make([]byte, 4096)
	for {
		f, ok, err := r.dec.Next()
		if err != nil {
			r.t.Fatal(err)
		}
		if ok {
			return f
		}
		n, err := r.body.Read(buf)
		r.dec.Write(buf[:n])
		if err != nil && n == 0 {
			return sse.Frame{Data: "ended: " + err.Error()}
		}
	}
}

// event gives the next frame that is no comment.
func (r *reader) event() sse.Frame {
	r.t.Helper()
	for {
		if f := r.next(); !f.Comment {
			return f
		}
	}
}

func (w *world) publish(e event.Event) {
	w.t.Helper()
	if e.Published.IsZero() {
		e.Published = noon
	}
	if err := w.bus.Publish(&e); err != nil {
		w.t.Fatal(err)
	}
}

// Who hears what: every kind of stream against every kind of event. Each
// stream gets a last event that it hears in any case.
func TestStreamsHearWhatTheyMay(t *testing.T) {
	w := newWorld(t, nil)
	events := []event.Event{
		{Name: "temp/kitchen", Device: oven, Owner: alice},
		{Name: "temp", Device: fridge, Owner: alice},
		{Name: "Temp", Source: event.FromAPI, Owner: alice},
		{Name: "temp/secret", Device: lamp, Owner: bob},
		{Name: "temp/public", Device: lamp, Owner: bob, Public: true},
		{Name: "spark/status", Device: lamp, Owner: bob, Public: true},
		{Name: "temp/stray", Device: device.ID{9}},
		{Name: "other", Device: oven, Owner: alice, Public: true},
		{Name: "temp/open", Device: oven, Owner: alice, Public: true},
	}
	for _, c := range []struct{ path, last, want string }{
		{"/v1/devices/events", "last", "temp/kitchen temp Temp other temp/open"},
		{"/v1/devices/events?nonce=1.5", "last", "temp/kitchen temp Temp other temp/open"},
		{"/v1/devices/events/temp", "temp-last", "temp/kitchen temp temp/open"},
		{"/v1/devices/events/temp%2Fki", "temp/ki-last", "temp/kitchen"},
		{"/v1/devices/events/temp/ki", "temp/ki-last", "temp/kitchen"},
		{"/v1/devices/OVEN/events", "last", "temp/kitchen other temp/open"},
		{"/v1/devices/" + oven.String() + "/events/o", "o-last", "other"},
		{"/v1/devices/oven/events/temp%2F", "temp/last", "temp/kitchen temp/open"},
		{"/v1/devices/oven/events/temp/", "temp/last", "temp/kitchen temp/open"},
		{"/v1/events/temp", "temp-last", "temp/kitchen temp temp/public temp/open"},
		{"/v1/events/spark", "spark-last", ""},
	} {
		t.Run(c.path, func(t *testing.T) {
			stream := w.subscribe(c.path)
			for _, e := range events {
				w.publish(e)
			}
			w.publish(event.Event{Name: c.last, Device: oven, Owner: alice})
			var got []string
			for {
				f := stream.event()
				if f.Event == c.last {
					break
				}
				got = append(got, f.Event)
			}
			if diff := cmp.Diff(c.want, strings.Join(got, " ")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFrames(t *testing.T) {
	w := newWorld(t, nil)
	stream := w.subscribe("/v1/devices/events")
	for _, c := range []struct {
		e    event.Event
		want string
	}{
		{
			event.Event{Name: "n", Data: []byte(`{"a":"<ü>"}`), HasData: true, TTL: time.Minute, Device: oven},
			`{"data":"{\"a\":\"<ü>\"}","ttl":60,"published_at":"2026-05-31T12:00:00.000Z","coreid":"e00fce680000000000000001"}`,
		},
		{
			event.Event{Name: "n", Source: event.FromAPI, Public: true},
			`{"data":null,"ttl":0,"published_at":"2026-05-31T12:00:00.000Z","coreid":"api","public":true}`,
		},
		{
			event.Event{Name: "n", Source: event.FromCloud, HasData: true, Data: []byte{}},
			`{"data":"","ttl":0,"published_at":"2026-05-31T12:00:00.000Z","coreid":"particle-internal"}`,
		},
		{
			event.Event{Name: "n", Device: oven, HasData: true, Data: []byte("a\nb\r\n\n")},
			`{"data":"a\nb\r\n\n","ttl":0,"published_at":"2026-05-31T12:00:00.000Z","coreid":"e00fce680000000000000001"}`,
		},
		{
			event.Event{Name: "n", Device: oven, HasData: true, Data: []byte{0, 0xff}, ContentFormat: 42},
			`{"data":"data:application/octet-stream;base64,AP8=","ttl":0,"published_at":"2026-05-31T12:00:00.000Z","coreid":"e00fce680000000000000001"}`,
		},
	} {
		c.e.Owner = alice
		w.publish(c.e)
		if diff := cmp.Diff(sse.Frame{Event: "n", Data: c.want}, stream.event()); diff != "" {
			t.Error(diff)
		}
	}
}

// What is published through the API comes back through a stream.
func TestPublishedEventsAreHeard(t *testing.T) {
	w := newWorld(t, nil)
	stream := w.subscribe("/v1/devices/events/lights")
	for _, body := range []string{
		`{"name":"lights","data":"on","private":true}`, "name=lights&data=on&private=true&ttl=60", `{"name":"lights","data":"on"}`,
	} {
		if got := w.do("POST", "/v1/devices/events", body); got.status != http.StatusOK {
			t.Fatal(got.body)
		}
		f := stream.event()
		var e rest.Event
		reply{body: f.Data}.into(t, &e)
		if f.Event != "lights" || e.Data == nil || *e.Data != "on" || e.TTL != 60 || e.CoreID != "api" || e.Public ||
			time.Since(e.PublishedAt.Time) > time.Minute {
			t.Errorf("%s: %+v", body, f)
		}
	}
	everyone := w.subscribe("/v1/events/lights", "Authorization: Bearer "+bobToken)
	w.do("POST", "/v1/devices/events", "name=lights&data=1")
	w.do("POST", "/v1/devices/events", "name=lights&data=2&private=false")
	if f := everyone.event(); !strings.Contains(f.Data, `"data":"2"`) {
		t.Errorf("a stranger heard %+v", f)
	}
}

// raw opens a stream by hand and gives its connection: what is read at once
// was written at once, or close after.
func (w *world) raw(path string) net.Conn {
	w.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(2 * time.Minute))
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", path, token)
	return conn
}

// The head and the greeting come at once, without any event; then the scope.
func TestHeadComesAtOnce(t *testing.T) {
	w := newWorld(t, nil)
	conn := w.raw("/v1/devices/oven/events/temp")
	in := bufio.NewReader(conn)
	var lines []string
	for range 14 {
		line, err := in.ReadString('\n')
		if err != nil {
			t.Fatalf("%v after %q", err, lines)
		}
		lines = append(lines, strings.TrimRight(line, "\r\n"))
		if strings.HasPrefix(line, ": {") {
			break
		}
	}
	text := strings.Join(lines, "\n")
	for _, want := range []string{
		"HTTP/1.1 200 OK\nContent-Type: text/event-stream", "Cache-Control: no-cache", "\n\n:ok\n\n",
		`: {"scope":"device","device":"e00fce680000000000000001","prefix":"temp"}`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}

func TestKeepAlive(t *testing.T) {
	w := newWorld(t, func(cfg *api.Config) { cfg.KeepAlive = 5 * time.Millisecond })
	conn := w.raw("/v1/devices/events")
	in := bufio.NewReader(conn)
	blank := 0
	for blank < 20 {
		line, err := in.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if line == "\n" {
			blank++
		}
	}
}

// A server that stops says so.
func TestStreamsAreToldOfTheEnd(t *testing.T) {
	w := newWorld(t, nil)
	stream := w.subscribe("/v1/devices/events")
	stream.next() // the scope
	w.api.Close()
	if f := stream.next(); !f.Comment || !strings.Contains(f.Data, `{"end":"shutdown","message":"the server is stopping: connect again"}`) {
		t.Errorf("last words: %+v", f)
	}
	if got := w.do("GET", "/v1/devices/events", ""); got.status != http.StatusServiceUnavailable {
		t.Errorf("a stream was opened after the end: status %d", got.status)
	}
}

func TestStreamsAreBounded(t *testing.T) {
	w := newWorld(t, func(cfg *api.Config) { cfg.SourceStreams, cfg.MaxStreams = 2, 100 })
	w.subscribe("/v1/devices/events")
	second := w.subscribe("/v1/devices/events")
	if got := w.do("GET", "/v1/devices/events", ""); got.status != http.StatusTooManyRequests {
		t.Errorf("the third: status %d", got.status)
	}
	second.body.Close()
	w.eventually("a reader who has gone makes room", func() bool {
		w.publish(event.Event{Name: "n", Owner: alice}) // a write finds out
		return w.gauge("cyan_api_streams") == 1
	})
	w.subscribe("/v1/devices/events")
}

// Where the connection cannot be taken over, as in HTTP/2, the stream is the
// same.
func TestStreamWithoutHijack(t *testing.T) {
	w := newWorld(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	req := httptest.NewRequestWithContext(ctx, http.MethodGet, "/v1/devices/events", nil)
	req.Header.Set("Authorization", "Bearer "+token)
	rec := &pipe{header: make(http.Header), written: make(chan string, 16)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.api.ServeHTTP(rec, req)
	}()
	if got := <-rec.written; got != ":ok\n\n" {
		t.Errorf("first %q", got)
	}
	if got := <-rec.written; !strings.HasPrefix(got, ": {") {
		t.Errorf("second %q", got)
	}
	w.publish(event.Event{Name: "n", Owner: alice})
	if got := <-rec.written; !strings.HasPrefix(got, "event: n\ndata: {") || !strings.HasSuffix(got, "}\n\n") {
		t.Errorf("third %q", got)
	}
	cancel()
	<-done
}

// pipe is a response that can be flushed and nothing more; it shows what had
// been written by then.
type pipe struct {
	header  http.Header
	written chan string
	pending []byte
}

func (p *pipe) Header() http.Header { return p.header }

func (p *pipe) WriteHeader(int) {}

func (p *pipe) Write(b []byte) (int, error) {
	p.pending = append(p.pending, b...)
	return len(b), nil
}

func (p *pipe) Flush() {
	p.written <- string(p.pending)
	p.pending = nil
}

// counter reads a counter with one label; gauge one without.
func (w *world) counter(name, label string) float64 {
	w.t.Helper()
	families, err := w.metrics.Gather()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			switch {
			case f.GetName() != name:
			case label == "":
				return m.GetGauge().GetValue()
			case m.GetLabel()[0].GetValue() == label:
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}

func (w *world) gauge(name string) float64 {
	w.t.Helper()
	return w.counter(name, "")
}
