package lookout_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/cyan-cloud/cyan/cloud/lookout"
)

// tower is a watchtower, or what is left of it.
type tower struct {
	answer atomic.Pointer[func() (int, string)]
}

func (w *tower) set(f func() (int, string)) { w.answer.Store(&f) }

func (w *tower) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if r.URL.Path != "/healthz" {
		return nil, errors.New("it was asked for " + r.URL.Path)
	}
	status, body := (*w.answer.Load())()
	switch status {
	case 0:
		return nil, errors.New("connection refused")
	case -1:
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	return &http.Response{StatusCode: status, Status: fmt.Sprint(status), Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func well() (int, string) {
	return 200, `{"ok":true,"vantage":"local","judged_at":"` + time.Now().UTC().Format(time.RFC3339Nano) + `"}`
}

// TestDead: however a watchtower dies, that is told once within a minute, with
// the reason; and that it lives again.
func TestDead(t *testing.T) {
	for name, c := range map[string]struct {
		is    func() (int, string)
		why   string
		after time.Duration // that it died, half a second before the next look
	}{
		"killed":         {func() (int, string) { return 0, "" }, "connection refused", 30500 * time.Millisecond},
		"hangs":          {func() (int, string) { return -1, "" }, "context deadline exceeded", 35500 * time.Millisecond},
		"says so itself": {func() (int, string) { return 503, `{"ok":false,"why":"no canary has come back"}` }, "it says that it is not well: no canary has come back", 30500 * time.Millisecond},
		"a proxy's page": {func() (int, string) { return 200, "<html>" }, "what answers there is no watchtower", 30500 * time.Millisecond},
		"another's JSON": {func() (int, string) { return 200, `{"ok":true}` }, "what answers there is no watchtower", 30500 * time.Millisecond},
		"not there":      {func() (int, string) { return 404, "no such page" }, "it answered 404: no such page", 30500 * time.Millisecond},
		"stands still":   {func() (int, string) { return 200, `{"ok":true,"judged_at":"1999-12-31T23:59:59Z"}` }, "it stands still", 30500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, numbers := new(tower), prometheus.NewPedanticRegistry()
				w.set(well)
				var told []lookout.News
				l, err := lookout.New(lookout.Config{URL: "http://tower/", Transport: w, Registerer: numbers, Tell: func(_ context.Context, n lookout.News) error {
					told = append(told, n)
					return nil
				}})
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan struct{})
				go func() { defer close(done); l.Run(ctx) }() // ends below
				<-time.After(10*time.Minute - 500*time.Millisecond)
				died := time.Now()
				w.set(c.is)
				<-time.After(10 * time.Minute)
				if since := l.DeadSince(); since.Sub(died) < 0 || since.Sub(died) > 6*time.Second || up(t, numbers) != 0 {
					t.Errorf("dead since %s, up %v", since, up(t, numbers))
				}
				w.set(well)
				<-time.After(time.Minute)
				cancel()
				<-done
				if len(told) != 3 || told[0].Dead || !told[1].Dead || told[2].Dead {
					t.Fatalf("told %+v", told)
				}
				if n := told[1]; !strings.Contains(n.Why, c.why) || n.At.Sub(died) != c.after || n.URL != "http://tower" {
					t.Errorf("told after %s: %+v", n.At.Sub(died), n)
				}
				if !l.DeadSince().IsZero() || up(t, numbers) != 1 {
					t.Error("it lives, and is called dead")
				}
			})
		})
	}
}

// TestMissedOnce: what misses a look or two is not dead; one that never lived is.
func TestMissedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, looks := new(tower), 0
		w.set(func() (int, string) {
			if looks++; looks%3 != 0 {
				return 0, ""
			}
			return well()
		})
		var told []bool
		tell := func(_ context.Context, n lookout.News) error {
			told = append(told, n.Dead)
			return nil
		}
		run := func() {
			l, err := lookout.New(lookout.Config{URL: "http://tower", Transport: w, Tell: tell})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			l.Run(ctx)
		}
		run()
		if diff := cmp.Diff([]bool{false}, told); diff != "" {
			t.Error(diff)
		}
		w.set(func() (int, string) { return 0, "" })
		run()
		if diff := cmp.Diff([]bool{false, true}, told); diff != "" {
			t.Error(diff)
		}
	})
}

// TestToldUntilTaken: who is told and does not take it is told again.
func TestToldUntilTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, tries := new(tower), 0
		w.set(func() (int, string) { return 0, "" })
		l, err := lookout.New(lookout.Config{URL: "http://tower", Transport: w, Tell: func(context.Context, lookout.News) error {
			if tries++; tries < 4 {
				return errors.New("the disk is full")
			}
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		l.Run(ctx)
		if tries != 4 {
			t.Errorf("told %d times", tries)
		}
	})
}

// up reads the gauge.
func up(t *testing.T, numbers prometheus.Gatherer) float64 {
	t.Helper()
	families, err := numbers.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "cyan_watchtower_up" {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatal("no such metric")
	return 0
}
