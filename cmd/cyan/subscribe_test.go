package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cyan-cloud/cyan/client"
)

// A stream without events says after ten seconds that it is alive, and then
// once a minute; one that is dead claims nothing.
func TestSilentStreamSaysThatItIsAlive(t *testing.T) {
	for _, tc := range []struct {
		name   string
		events time.Duration // how often one comes; 0: never
		heard  bool          // the cloud's keep-alives come
		after  time.Duration
		want   int
	}{
		{name: "not yet", heard: true, after: 9 * time.Second, want: 0},
		{name: "in doubt", heard: true, after: 11 * time.Second, want: 1},
		{name: "still in doubt", heard: true, after: 3 * time.Minute, want: 3},
		{name: "busy", events: 4 * time.Second, heard: true, after: 3 * time.Minute, want: 0},
		{name: "dead", after: 3 * time.Minute, want: 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var talk bytes.Buffer
				c := &cli{err: &talk, utc: true}
				began := time.Now()
				w := &wake{online: func() string { return "37 of your 40 devices online" }}
				w.last.Store(began.UnixMilli())
				w.none.Store(true)
				w.heard = func() time.Time {
					if tc.heard {
						return time.Now().Add(-2 * time.Second)
					}
					return began.Add(-doubtAfter)
				}
				ctx, cancel := context.WithTimeout(t.Context(), tc.after)
				defer cancel()
				var publishing sync.WaitGroup
				if tc.events > 0 {
					publishing.Go(func() { // ends with ctx
						for ctx.Err() == nil {
							<-time.After(tc.events)
							w.event(time.Now())
						}
					})
				}
				c.reassure(ctx, w)
				publishing.Wait()
				const line = "the stream is alive, the cloud was heard 2 s ago; 37 of your 40 devices online; no matching event since 2000-01-01 00:00:00Z, "
				if got := strings.Count(talk.String(), line); got != tc.want {
					t.Errorf("said it %d times, want %d:\n%s", got, tc.want, talk.String())
				}
			})
		})
	}
}

// After an event, the silence is counted from it.
func TestSilenceNamesTheLastEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var talk bytes.Buffer
		c := &cli{err: &talk, utc: true}
		w := &wake{heard: time.Now, online: func() string { return "oven is online" }}
		w.event(time.Now())
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		defer cancel()
		c.reassure(ctx, w)
		want := "the stream is alive, the cloud was heard 0 s ago; oven is online; the last matching event was at 2000-01-01 00:00:00Z, 10s ago\n"
		if talk.String() != want {
			t.Errorf("said %q, want %q", talk.String(), want)
		}
	})
}

// A stream that falls silent altogether is called dead, and opened again.
func TestDeadStreamIsCalledDead(t *testing.T) {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, ":ok\n\n:{\"scope\":\"mine\"}\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	defer api.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	talk := &lines{came: make(chan string, 100)}
	c := &cli{err: talk, out: io.Discard}
	listening := make(chan error, 1)
	go func() { // ends with ctx
		h := hearing{Subscription: client.Subscription{Silence: time.Second}}
		listening <- c.listen(ctx, clientOf(api.URL, "token"), h)
	}()
	for _, want := range []string{"listening to the events of all your devices", "the stream is dead: nothing came for 1s", "listening to"} {
		for line := range talk.came {
			if strings.Contains(line, want) {
				break
			}
		}
	}
	cancel()
	if err := <-listening; err != nil {
		t.Error(err)
	}
}

// lines gives each write to a channel.
type lines struct{ came chan string }

func (l *lines) Write(p []byte) (int, error) {
	select {
	case l.came <- string(p):
	default: // nobody waits for more
	}
	return len(p), nil
}

// Old and new spellings mean the same.
func TestSpellingsOfSubscribe(t *testing.T) {
	for _, tc := range []struct {
		args           string
		device         string // of --device
		all            bool
		prefix, wanted string // events of what, of which device
		wrong          bool
	}{
		{args: ""},
		{args: "mine"},
		{args: "MINE"},
		{args: "temps", prefix: "temps"},
		{args: "temps mine", prefix: "temps"},
		{args: "mine temps", prefix: "temps"},
		{args: "temps oven", prefix: "temps", wanted: "oven"},
		{args: "temps", device: "oven", prefix: "temps", wanted: "oven"},
		{args: "temps mine", device: "oven", prefix: "temps", wanted: "oven"},
		{args: "temps oven", device: "oven", prefix: "temps", wanted: "oven"},
		{args: "temps oven", device: "smoker", wrong: true},
		{args: "mine", device: "oven", wanted: "oven"},
		{args: "weather", all: true, prefix: "weather"},
		{args: "", all: true, wrong: true},
		{args: "mine", all: true, wrong: true},
		{args: "temps oven", all: true, wrong: true},
		{args: "temps oven smoker", wrong: true},
	} {
		h := hearing{Subscription: client.Subscription{Device: tc.device, All: tc.all}}
		err := h.words(strings.Fields(tc.args))
		if (err != nil) != tc.wrong {
			t.Errorf("%q --device %q --all=%v: error %v", tc.args, tc.device, tc.all, err)
		}
		if err == nil && (h.Prefix != tc.prefix || h.Device != tc.wanted) {
			t.Errorf("%q --device %q: prefix %q of %q, want %q of %q", tc.args, tc.device, h.Prefix, h.Device, tc.prefix, tc.wanted)
		}
	}
}
