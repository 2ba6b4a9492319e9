package journey

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cyan-cloud/cyan/app"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/test/harness"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// clogged is a device's end of a connection that takes nothing in while it is
// told so: what comes fills the system's buffers, here and at the cloud.
type clogged struct {
	mu   sync.Mutex
	free chan struct{} // guarded by mu; open: nothing is read
	at   int           // guarded by mu; the device's port
}

func (c *clogged) dial(ctx context.Context, network, address string) (net.Conn, error) {
	// With small segments the system keeps some ten kilobytes for it, not megabytes.
	d := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) (err error) {
		e := raw.Control(func(fd uintptr) {
			err = errors.Join(unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 4096), unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG, 536))
		})
		return errors.Join(e, err)
	}}
	conn, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = conn.LocalAddr().(*net.TCPAddr).Port
	return &cloggedConn{Conn: conn, clogged: c, closed: make(chan struct{})}, nil
}

func (c *clogged) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.free = make(chan struct{})
}

func (c *clogged) goOn() {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.free)
	c.free = nil
}

func (c *clogged) gate() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.free
}

type cloggedConn struct {
	net.Conn
	*clogged
	closed chan struct{}
	once   sync.Once
}

// Read reads, and gives nothing of it to the device while it is clogged.
func (c *cloggedConn) Read(b []byte) (int, error) {
	if gate := c.gate(); gate != nil {
		select {
		case <-gate:
		case <-c.closed:
			return 0, net.ErrClosed
		}
	}
	return c.Conn.Read(b)
}

func (c *cloggedConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// waiting gives how many bytes the system still has to send from the cloud's
// port to a device's, which has not taken them.
func waiting(t *testing.T, from string, to int) int {
	t.Helper()
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		t.Fatal(err)
	}
	_, text, err := net.SplitHostPort(from)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	mine, its := fmt.Sprintf(":%04X", port), fmt.Sprintf(":%04X", to)
	for line := range strings.Lines(string(table)) {
		f := strings.Fields(line)
		if len(f) > 4 && strings.HasSuffix(f[1], mine) && strings.HasSuffix(f[2], its) {
			unsent, _, _ := strings.Cut(f[4], ":")
			n, err := strconv.ParseInt(unsent, 16, 64)
			if err != nil {
				t.Fatal(err)
			}
			return int(n)
		}
	}
	return 0
}

// TestUpgradeStalled has a device on TCP that takes nothing in any more, with
// its buffers full and a frame half written, while the cloud is upgraded: that
// does not wait for it, the others notice nothing, and when it reads again it is
// called as before, in the session that it had.
func TestUpgradeStalled(t *testing.T) {
	t.Parallel()
	c := harness.StartProcess(t, app.Options{})
	line := new(clogged)
	var heard sync.Map
	cfg := c.Provision(sim.Config{
		Profile: profile(t, "os-1.x"), Transport: sim.TCP, KeepAlive: 30 * time.Second, // it does not give up in the middle
		Application: sim.Application{
			Functions: []sim.Function{{Name: "count"}}, Subscriptions: []sim.Subscription{{Prefix: "flood/", Handle: func(_ *sim.App, name string, _ []byte) { heard.Store(name, true) }}},
		},
	})
	stalled := c.Run(cfg, harness.Wiring{Dial: line.dial})
	var others []*harness.Device
	for _, cfg := range generations(t) {
		cfg.Application = newCounter().application()
		others = append(others, c.Run(c.Provision(cfg), harness.Wiring{}))
	}
	for _, d := range append(slices.Clip(others), stalled) {
		c.Settled(d.ID, 1)
	}
	stream := c.Stream(rest.PathMyEvents("flood/"))
	stream.Expect(":ok")

	line.stop()
	sent, same, last := 0, 0, 0
	for data := strings.Repeat("x", 600); same < 2; {
		if sent > 1000 {
			t.Fatal("a device that reads nothing takes everything")
		}
		// Many at once: after 40 s without a byte of the device's the cloud ends
		// the connection, and on a busy machine one after the other takes as long.
		var batch sync.WaitGroup
		for range 16 {
			name := fmt.Sprintf("flood/%d", sent)
			batch.Go(func() { publish(t, c.Person, name, data) })
			sent++
		}
		batch.Wait()
		if t.Failed() {
			t.FailNow()
		}
		stream.Expect(fmt.Sprintf("event: flood/%d", sent-1))
		if n := waiting(t, c.Options.ListenTCP, line.at); n > 0 && n == last {
			same++
		} else {
			same, last = 0, n
		}
	}

	t.Logf("%d events fill the line; %d bytes wait in the system", sent, last)
	f := newTraffic(c, others)
	r, err := c.Upgrade("")
	close(f.stop)
	f.done.Wait()
	if err != nil || r.Sessions != len(others)+1 || r.Disconnects != 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	if n := waiting(t, c.Options.ListenTCP, line.at); n < last {
		t.Errorf("the device has not been stalled throughout: %d bytes wait for it, %d did before", n, last)
	}
	for _, err := range f.failed {
		t.Error(err)
	}
	for _, d := range others {
		if n := d.Notes.Count("handshake done"); n != 1 || len(f.made[d.ID]) == 0 {
			t.Errorf("%s shook hands %d times, and was called %d times", d.ID, n, len(f.made[d.ID]))
		}
	}

	line.goOn()
	c.Until("the device that was stalled is called again", func() bool { return call(c, stalled.ID, "count", "after") == nil })
	if n := stalled.Notes.Count("handshake done"); n != 1 {
		t.Errorf("it shook hands %d times:\n%s", n, stalled.Notes)
	}
	for i := range sent {
		if _, ok := heard.Load(fmt.Sprintf("flood/%d", i)); !ok {
			t.Errorf("event %d of %d never came to it", i, sent)
		}
	}
}
