package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/api"
	"github.com/cyan-cloud/cyan/cloud/bus"
	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
	"github.com/cyan-cloud/cyan/wire/sse"
)

// lastWords reads a stream to its end and gives why it ended.
func (r *reader) lastWords() (end rest.StreamEnd) {
	r.t.Helper()
	for {
		f := r.next()
		if strings.HasPrefix(f.Data, "ended: ") {
			return end
		}
		if f.Comment && strings.HasPrefix(f.Data, ` {"end"`) {
			if err := json.Unmarshal([]byte(f.Data), &end); err != nil {
				r.t.Fatal(err)
			}
		}
	}
}

// Whatever ends the right to listen ends the streams, and their readers are
// told; those of other people and other tokens go on.
func TestStreamsEndWithTheRight(t *testing.T) {
	const other = "another token of alice's"
	for name, c := range map[string]struct {
		method, path, body string
		mine, others       string // why the streams of the token, and of the other one, end
	}{
		"token revoked by itself":  {"DELETE", "/v1/access_tokens/" + token, "", rest.EndTokenRevoked, ""},
		"logout":                   {"DELETE", "/v1/access_tokens/current", "", rest.EndTokenRevoked, ""},
		"all tokens revoked":       {"DELETE", "/v1/access_tokens", "", rest.EndTokenRevoked, rest.EndTokenRevoked},
		"password changed":         {"PUT", "/v1/user", "password=long+enough&current_password=correct+horse&invalidate_tokens=true", rest.EndTokenRevoked, rest.EndTokenRevoked},
		"account deleted":          {"DELETE", "/v1/user", "password=correct+horse", rest.EndUserDeleted, rest.EndUserDeleted},
		"the device is given away": {"DELETE", "/v1/devices/oven", "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			if err := w.store.AddToken(t.Context(), account.Token{Hash: account.HashToken(other), User: alice, Created: noon}); err != nil {
				t.Fatal(err)
			}
			mine := w.subscribe("/v1/devices/events")
			others := w.subscribe("/v1/devices/events", "Authorization: Bearer "+other)
			bobs := w.subscribe("/v1/events/n", "Authorization: Bearer "+bobToken)
			ovens := w.subscribe("/v1/devices/oven/events")
			if got := w.do(c.method, c.path, c.body); got.status != http.StatusOK {
				t.Fatal(got.body)
			}
			w.publish(event.Event{Name: "n", Owner: bob})
			if f := bobs.event(); f.Event != "n" {
				t.Errorf("bob hears %+v", f)
			}
			if c.mine == "" {
				if end := ovens.lastWords(); end.End != rest.EndDeviceGone {
					t.Errorf("the device's stream ends with %+v", end)
				}
			}
			for _, s := range []struct {
				*reader
				why string
			}{{mine, c.mine}, {others, c.others}} {
				if s.why == "" {
					w.publish(event.Event{Name: "n", Owner: alice})
					if f := s.event(); f.Event != "n" {
						t.Errorf("a stream that should go on has %+v", f)
					}
				} else if end := s.lastWords(); end.End != s.why {
					t.Errorf("it ends with %+v, want %s", end, s.why)
				}
			}
		})
	}
}

// Streams end with a token that expires, which is told apart from a revoked
// one.
func TestStreamsExpire(t *testing.T) {
	w := newWorld(t, nil)
	short := account.Token{Hash: account.HashToken("short"), User: alice, Created: time.Now(), Expires: time.Now().Add(5 * time.Second)}
	if err := w.store.AddToken(t.Context(), short); err != nil {
		t.Fatal(err)
	}
	stream := w.subscribe("/v1/devices/events", "Authorization: Bearer short")
	if end := stream.lastWords(); end.End != rest.EndTokenExpired {
		t.Errorf("it ends with %+v", end)
	}
	if got := w.do("GET", "/v1/devices/events", "", "Authorization: Bearer short"); got.fault(t).Code != rest.CodeTokenExpired {
		t.Errorf("a new one: %s", got.body)
	}
}

// deaf is a feed that can be made deaf.
type deaf struct {
	api.Feed
	err     error
	watcher bus.Watcher
}

func (d *deaf) Watch(w bus.Watcher) (cancel func()) {
	d.watcher = w
	return d.Feed.Watch(w)
}

func (d *deaf) Hearing() error { return d.err }

// While the bus is down there are no streams that seem to be alive: those that
// are open say so and end, and new ones are refused.
func TestStreamsWithoutABus(t *testing.T) {
	var feed deaf
	w := newWorld(t, func(cfg *api.Config) { feed.Feed = cfg.Feed; cfg.Feed = &feed })
	stream, lost := w.subscribe("/v1/devices/events"), w.subscribe("/v1/events/n")
	feed.watcher.Missed()
	if end := lost.lastWords(); end.End != rest.EndLost {
		t.Errorf("it ends with %+v", end)
	}
	if end := stream.lastWords(); end.End != rest.EndLost {
		t.Errorf("it ends with %+v", end)
	}
	stream = w.subscribe("/v1/devices/events")
	feed.watcher.Deaf()
	if end := stream.lastWords(); end.End != rest.EndBus {
		t.Errorf("it ends with %+v", end)
	}
	feed.err = fault.Errorf(fault.Unavailable, "the bus does not answer").WithCode(rest.CodeBusUnavailable)
	got := w.do("GET", "/v1/devices/events", "")
	if e := got.fault(t); got.status != http.StatusServiceUnavailable || e.Code != rest.CodeBusUnavailable {
		t.Errorf("a new one: %s", got.body)
	}
}

// What stock clients read is, byte for byte, what they have always read.
func TestPlainStreamsAreAsEver(t *testing.T) {
	w := newWorld(t, nil)
	stream := w.subscribe("/v1/devices/events")
	stream.next() // the scope
	w.publish(event.Event{Name: "n", Owner: alice, Device: oven, HasData: true, Data: []byte("1"), TTL: time.Minute})
	buf := make([]byte, 4096)
	n, err := stream.body.Read(buf)
	want := "event: n\ndata: {\"data\":\"1\",\"ttl\":60,\"published_at\":\"2026-05-31T12:00:00.000Z\",\"coreid\":\"e00fce680000000000000001\"}\n\n"
	if err != nil || string(buf[:n]) != want {
		t.Errorf("%q, %v; want %q", buf[:n], err, want)
	}
}

// A server that keeps no history says so to whoever would rely on it.
func TestResumingWithoutHistory(t *testing.T) {
	w := newWorld(t, nil)
	for _, h := range []string{"X-Nothing: x", "Last-Event-ID: 7-abc"} {
		path := "/v1/devices/events"
		if strings.HasPrefix(h, "X-") {
			path += "?resume=1"
		}
		got := w.do("GET", path, "", h)
		if e := got.fault(t); got.status != http.StatusNotImplemented || e.Code != rest.CodeNotImplemented {
			t.Errorf("%s %s: %s", path, h, got.body)
		}
	}
}

// A stream that can be resumed has ids; who comes back with one hears what was
// said since, through the API as by devices.
func TestResuming(t *testing.T) {
	log := openLog(t)
	w := newWorld(t, func(cfg *api.Config) { cfg.History = log })
	stream := w.subscribe("/v1/devices/events/t?resume=1")
	say := func(name string) {
		t.Helper()
		if got := w.do("POST", "/v1/devices/events", "name="+name); got.status != http.StatusOK {
			t.Fatal(got.body)
		}
	}
	say("t1")
	first := stream.event()
	if first.Event != "t1" || !strings.HasPrefix(first.ID, "1-") {
		t.Fatalf("%+v", first)
	}
	stream.body.Close()
	say("t2")
	say("x3")
	say("t4")
	for _, again := range []*reader{
		w.subscribe("/v1/devices/events/t", "Last-Event-ID: "+first.ID),
		w.subscribe("/v1/devices/events/t?resume=" + first.ID),
		w.subscribe("/v1/devices/events/t?resume=1", "Last-Event-ID: "+first.ID), // as a browser does
	} {
		var got []sse.Frame
		for range 2 {
			f := again.event()
			f.Data = ""
			got = append(got, f)
		}
		if got[0].Event != "t2" || !strings.HasPrefix(got[0].ID, "2-") || got[1].Event != "t4" || !strings.HasPrefix(got[1].ID, "4-") {
			t.Errorf("%+v", got)
		}
	}
}
