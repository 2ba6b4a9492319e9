//go:build compat

package compat

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	api "github.com/cyan-cloud/cyan/client"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// longArgument is longer than any device takes.
var longArgument = strings.Repeat("long", 400)

// maxStreams is how many event streams the program has at once.
const maxStreams = 12

// passing are the faults that end with each scenario: a device that is deaf for
// longer is offline.
var passing = []string{"deaf", "queue", "streams"}

// suffer breaks something, and mends what was broken before. A bus that is
// down stays so.
func (w *world) suffer(t *testing.T, fault string) {
	t.Helper()
	if fault == w.fault {
		return
	}
	if w.mend != nil {
		w.mend(t)
		w.mend = nil
	}
	switch fault {
	case "tokens", "devices":
		w.execute(t, fmt.Sprintf("ALTER TABLE %s RENAME TO %[1]s_hidden", fault))
		w.mend = func(t *testing.T) { w.execute(t, fmt.Sprintf("ALTER TABLE %s_hidden RENAME TO %[1]s", fault)) }
	case "bus":
		w.bus.Shutdown()
		w.bus.WaitForShutdown()
		w.mend = func(t *testing.T) { t.Fatal("the bus does not come back: its scenarios are the last") }
	case "deaf":
		w.wire.cut.Store(true)
		w.mend = func(t *testing.T) { w.wire.cut.Store(false); w.reaches(t, "deaf") }
	case "queue":
		end := w.crowd(t)
		w.mend = func(*testing.T) { end() }
	case "streams":
		end := w.listen(t)
		w.mend = func(*testing.T) { end() }
	}
	w.fault = fault
}

// execute changes the database behind the program's back.
func (w *world) execute(t *testing.T, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.data(), "cyan.db")+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(statement, ": ", err)
	}
}

// reaches waits until a device answers.
func (w *world) reaches(t *testing.T, name string) {
	t.Helper()
	for tick := time.NewTicker(200 * time.Millisecond); ; <-tick.C {
		if p, err := w.me.Ping(t.Context(), name); err != nil {
			t.Fatal(err)
		} else if p.Online {
			return
		}
	}
}

// crowd calls a device that does not answer as often as it can wait for, and
// keeps it so.
func (w *world) crowd(t *testing.T) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var calls sync.WaitGroup
	full := make(chan struct{})
	var once sync.Once
	for range 40 {
		calls.Go(func() { // ends with cancel
			for tick := time.NewTicker(50 * time.Millisecond); ctx.Err() == nil; <-tick.C {
				_, err := w.me.Call(ctx, "mute", "setpitf", "1")
				if e, ok := errors.AsType[*api.Error](err); ok && e.Body.Code == rest.CodeDeviceBusy {
					once.Do(func() { close(full) })
				}
			}
		})
	}
	select {
	case <-full:
	case <-time.After(time.Minute):
		t.Error("a device that does not answer takes any number of calls")
	}
	return func() { cancel(); calls.Wait() }
}

// listen opens all the event streams that there may be.
func (w *world) listen(t *testing.T) (end func()) {
	t.Helper()
	var streams []*api.Stream
	for {
		s, err := w.me.Subscribe(t.Context(), api.Subscription{})
		if e, ok := errors.AsType[*api.Error](err); ok && e.Body.Code == rest.CodeOverloaded && len(streams) == maxStreams {
			break
		} else if err != nil {
			t.Fatal(len(streams), " streams: ", err)
		}
		streams = append(streams, s)
	}
	return func() {
		for _, s := range streams {
			s.Close()
		}
	}
}

// wire is what a device on UDP speaks over. While it is cut, neither end hears
// the other, and neither is told.
type wire struct {
	cut    atomic.Bool
	near   net.PacketConn // the device's end
	far    net.Conn       // the cloud's end
	device atomic.Pointer[net.Addr]
}

// newWire lays one to the cloud.
func newWire(t *testing.T, cloud string) *wire {
	t.Helper()
	w := &wire{}
	var err error
	if w.near, err = net.ListenPacket("udp", "127.0.0.1:0"); err == nil {
		w.far, err = net.Dial("udp", cloud)
	}
	if err != nil {
		t.Fatal(err)
	}
	var ends sync.WaitGroup
	ends.Go(func() { // ends when its end is closed
		for b := make([]byte, 2048); ; {
			n, from, err := w.near.ReadFrom(b)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			w.device.Store(&from)
			if err == nil && !w.cut.Load() {
				_, _ = w.far.Write(b[:n])
			}
		}
	})
	ends.Go(func() { // the same
		for b := make([]byte, 2048); ; {
			n, err := w.far.Read(b)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if to := w.device.Load(); err == nil && to != nil && !w.cut.Load() {
				_, _ = w.near.WriteTo(b[:n], *to)
			}
		}
	})
	t.Cleanup(func() { w.near.Close(); w.far.Close(); ends.Wait() })
	return w
}
