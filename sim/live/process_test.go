package live_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/internal/port"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/sim/live"
	"github.com/cyan-cloud/cyan/sim/simtest"
	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/spark"
)

var transports = []sim.Transport{sim.UDP, sim.TCP}

// running is a device that runs, and what it went through.
type running struct {
	*live.Process
	t      *testing.T
	phases chan sim.Phase
	cancel context.CancelFunc
	done   chan error
}

func start(t *testing.T, cfg live.Config) *running {
	t.Helper()
	r := &running{t: t, phases: make(chan sim.Phase, 100), done: make(chan error, 1)}
	cfg.OnPhase = func(_ time.Time, p sim.Phase) { r.phases <- p }
	process, err := live.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r.Process = process
	ctx, cancel := context.WithCancel(t.Context())
	r.cancel = cancel
	go func() { r.done <- process.Run(ctx) }()
	t.Cleanup(cancel)
	return r
}

func (r *running) waitFor(want sim.Phase) {
	r.t.Helper()
	deadline := time.After(time.Minute)
	for {
		select {
		case p := <-r.phases:
			if p == want {
				return
			}
		case err := <-r.done:
			r.t.Fatalf("the device stopped before it was %v: %v", want, err)
		case <-deadline:
			r.t.Fatalf("the device is not %v after a minute", want)
		}
	}
}

func (r *running) stop() {
	r.t.Helper()
	r.cancel()
	if err := <-r.done; err != nil {
		r.t.Fatal(err)
	}
}

func device(t *testing.T, s *simtest.Server, transport sim.Transport) live.Config {
	return live.Config{Device: simtest.Config(t, transport, "os-6.2"), Server: s.Addr}
}

// The second run of a UDP device resumes the first one's session; a TCP device
// keeps nothing.
func TestRestart(t *testing.T) {
	t.Parallel()
	for _, transport := range transports {
		t.Run(transport.String(), func(t *testing.T) {
			t.Parallel()
			server := simtest.Serve(t, transport)
			cfg := device(t, server, transport)
			cfg.MemoryFile = filepath.Join(t.TempDir(), "memory")
			for range 2 {
				d := start(t, cfg)
				d.waitFor(sim.Connected)
				d.stop()
			}
			want := map[sim.Transport]int{sim.UDP: 1, sim.TCP: 2}[transport]
			server.With(func(c *simtest.Cloud) {
				if c.Handshakes != want {
					t.Errorf("%d handshakes for two runs, want %d", c.Handshakes, want)
				}
			})
			info, err := os.Stat(cfg.MemoryFile)
			if transport == sim.UDP && (err != nil || info.Mode().Perm() != 0o600) {
				t.Errorf("memory file: %v, %v", info, err)
			}
			if transport == sim.TCP && err == nil {
				t.Error("a TCP device has kept something")
			}
		})
	}
}

// What is told from another goroutine happens though the device waits for
// nothing but its socket.
func TestTell(t *testing.T) {
	t.Parallel()
	for _, transport := range transports {
		t.Run(transport.String(), func(t *testing.T) {
			t.Parallel()
			server := simtest.Serve(t, transport)
			heard := make(chan string, 100)
			server.With(func(c *simtest.Cloud) {
				c.Heard = func(m *coap.Message, _ []byte) {
					if spark.Classify(m) == spark.KindEvent || spark.Classify(m) == spark.KindGoodbye {
						heard <- string(m.Path(nil))
					}
				}
			})
			d := start(t, device(t, server, transport))
			d.waitFor(sim.Connected)
			d.Tell(sim.Publish{Event: sim.Event{Name: "news/today", Data: []byte("rain")}})
			waitForPath(t, heard, "E/news/today")
			d.Tell(sim.Disconnect{Graceful: true})
			waitForPath(t, heard, "x")
			d.waitFor(sim.Away)
			d.Tell(sim.Connect{})
			d.waitFor(sim.Connected)
			d.stop()
		})
	}
}

func waitForPath(t *testing.T, heard <-chan string, want string) {
	t.Helper()
	deadline := time.After(time.Minute)
	for {
		select {
		case path := <-heard:
			if path == want {
				return
			}
		case <-deadline:
			t.Fatalf("the server did not hear %s", want)
		}
	}
}

// A TCP device whose connection breaks is back at once.
func TestStreamBreaks(t *testing.T) {
	t.Parallel()
	server := simtest.Serve(t, sim.TCP)
	cfg := device(t, server, sim.TCP)
	conns := make(chan net.Conn, 10)
	cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		var dialer net.Dialer
		conn, err := dialer.DialContext(ctx, network, address)
		conns <- conn
		return conn, err
	}
	d := start(t, cfg)
	d.waitFor(sim.Connected)
	_ = (<-conns).Close()
	d.waitFor(sim.Opening)
	d.waitFor(sim.Connected)
	d.stop()
}

// Nobody listens: a TCP device says so, and that the internet is there.
func TestNobodyListens(t *testing.T) {
	t.Parallel()
	cfg := live.Config{Device: simtest.Config(t, sim.TCP, "os-2.3"), Server: port.Free(t)}
	flashes := make(chan sim.LED, 10)
	cfg.OnLED = func(_ time.Time, led sim.LED) {
		if led.Pattern == sim.Flash {
			flashes <- led
		}
	}
	d := start(t, cfg)
	if got := (<-flashes).String(); got != "3 orange flashes" {
		t.Errorf("the device shows %s", got)
	}
	d.stop()
}

func TestPrint(t *testing.T) {
	var out strings.Builder
	var cfg live.Config
	live.Print(&cfg, &out, sim.Info)
	at := time.Date(2026, 11, 22, 12, 0, 0, 5e6, time.UTC)
	cfg.OnLED(at, sim.LED{Colour: sim.Cyan, Pattern: sim.Breathing})
	cfg.OnNote(at, sim.Info, "connected")
	cfg.OnNote(at, sim.Trace, "too much")
	want := "12:00:00.005  LED  breathing cyan: connected, as far as the device knows\n" +
		"12:00:00.005       connected\n"
	if out.String() != want {
		t.Errorf("printed\n%swant\n%s", out.String(), want)
	}
}

func TestBadConfig(t *testing.T) {
	cfg := live.Config{Device: simtest.Config(t, sim.UDP, "os-6.2")}
	cfg.Device.Key = []byte("no key")
	if _, err := live.New(cfg); err == nil {
		t.Error("a device without a key")
	}
	cfg.MemoryFile = t.TempDir() // a folder
	if _, err := live.New(cfg); err == nil {
		t.Error("a memory that is a folder")
	}
}

func ExamplePrint() {
	var out strings.Builder
	var cfg live.Config
	live.Print(&cfg, &out, sim.Info)
	cfg.OnLED(time.Date(2026, 11, 22, 5, 3, 11, 0, time.UTC), sim.LED{Colour: sim.Green, Pattern: sim.Blinking})
	fmt.Print(out.String())
	// Output: 05:03:11.000  LED  blinking green: looking for its network
}
