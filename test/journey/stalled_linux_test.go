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
	mu      sync.Mutex
	stopped bool         // guarded by mu, as the rest
	taken   int          // bytes that the device read
	conn    *cloggedConn // its newest
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
	lull, end := net.Pipe()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conn = &cloggedConn{Conn: conn, line: c, lull: lull, end: end}
	return c.conn, nil
}

func (c *clogged) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = true
}

func (c *clogged) goOn() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = false
	if c.conn != nil {
		_ = c.conn.SetReadDeadline(time.Unix(1, 0)) // the device looks around, and reads
	}
}

// under gives how many bytes are on their way to the device, or were taken by it:
// all that the cloud got rid of.
func (c *clogged) under(t *testing.T) int {
	t.Helper()
	c.mu.Lock()
	taken, device, cloud := c.taken, c.conn.LocalAddr(), c.conn.RemoteAddr()
	c.mu.Unlock()
	unsent, _ := queues(t, cloud, device)
	_, unread := queues(t, device, cloud)
	return taken + unread + unsent
}

// queues gives how many bytes the system has still to send from one end of a
// connection on IPv4, and how many came there that nobody has read.
func queues(t *testing.T, near, far net.Addr) (unsent, unread int) {
	t.Helper()
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		t.Fatal(err)
	}
	mine, its := fmt.Sprintf(":%04X", near.(*net.TCPAddr).Port), fmt.Sprintf(":%04X", far.(*net.TCPAddr).Port)
	for line := range strings.Lines(string(table)) {
		f := strings.Fields(line)
		if len(f) <= 4 || !strings.HasSuffix(f[1], mine) || !strings.HasSuffix(f[2], its) {
			continue
		}
		out, in, _ := strings.Cut(f[4], ":")
		o, err := strconv.ParseInt(out, 16, 64)
		i, e := strconv.ParseInt(in, 16, 64)
		if err := errors.Join(err, e); err != nil {
			t.Fatal(err)
		}
		return int(o), int(i)
	}
	return 0, 0
}

type cloggedConn struct {
	net.Conn
	line      *clogged
	lull, end net.Conn // a line on which nothing ever comes
}

// Read reads, and gives nothing to the device while it is clogged, which waits
// for as long as it would otherwise and can do something else.
func (c *cloggedConn) Read(b []byte) (int, error) {
	c.line.mu.Lock()
	stopped := c.line.stopped
	c.line.mu.Unlock()
	if stopped {
		return c.lull.Read(b)
	}
	n, err := c.Conn.Read(b)
	c.line.mu.Lock()
	defer c.line.mu.Unlock()
	c.line.taken += n
	return n, err
}

func (c *cloggedConn) SetReadDeadline(at time.Time) error {
	return errors.Join(c.lull.SetReadDeadline(at), c.Conn.SetReadDeadline(at))
}

func (c *cloggedConn) Close() error {
	return errors.Join(c.lull.Close(), c.end.Close(), c.Conn.Close())
}

// flood is events for a device, which notes those that came.
type flood struct {
	c     *harness.Cloud
	line  *clogged
	from  int // bytes that were under way to the device before the first
	sent  int
	heard sync.Map
}

// floodData is what each event has: the least that it takes on the line.
var floodData = strings.Repeat("x", 600)

func (f *flood) application() sim.Application {
	return sim.Application{
		Functions:     []sim.Function{{Name: "count"}},
		Subscriptions: []sim.Subscription{{Prefix: "flood/", Handle: func(_ *sim.App, name string, _ []byte) { f.heard.Store(name, true) }}},
		// After 40 s without a byte of the device's the cloud would take it for
		// dead, and on a busy machine it takes as long to fill its line.
		Periodic: []sim.Periodic{{Every: 5 * time.Second, Event: func(*sim.App) sim.Event { return sim.Event{Name: "alive"} }}},
	}
}

// kept gives how many bytes of the events, at least, the cloud could not get rid
// of; if less than one, it may be that it did.
func (f *flood) kept(t *testing.T) int {
	t.Helper()
	return f.sent*len(floodData) - (f.line.under(t) - f.from)
}

// fill publishes until the line takes no more, and the cloud keeps some of it.
func (f *flood) fill(t *testing.T, stream *harness.Stream) {
	t.Helper()
	for full := 0; full < 2; {
		if f.sent > 1000 {
			t.Fatal("a device that reads nothing takes everything")
		}
		var batch sync.WaitGroup
		for range 16 {
			name := fmt.Sprintf("flood/%d", f.sent)
			batch.Go(func() { publish(t, f.c.Person, name, floodData) })
			f.sent++
		}
		batch.Wait()
		if t.Failed() {
			t.FailNow()
		}
		stream.Expect(fmt.Sprintf("event: flood/%d", f.sent-1))
		if full++; f.kept(t) <= 0 {
			full = 0
		}
	}
}

// upgradeBeside upgrades the cloud while all of its devices but one are called,
// which is not waited for.
func upgradeBeside(t *testing.T, c *harness.Cloud, others []*harness.Device) {
	t.Helper()
	f := newTraffic(c, others)
	defer f.end()
	type outcome struct {
		app.Report
		err error
	}
	upgraded := make(chan outcome, 1)
	go func() { // ends with the test, at the latest
		r, err := c.Upgrade("")
		upgraded <- outcome{r, err}
	}()
	var r outcome
	c.Until("the cloud has handed over without the device that takes nothing", func() bool {
		select {
		case r = <-upgraded:
			return true
		default:
			return false
		}
	})
	f.end()
	if r.err != nil || r.Sessions != len(others)+1 || r.Disconnects != 0 {
		t.Fatalf("%+v", r)
	}
	for _, err := range f.failed {
		t.Error(err)
	}
	for _, d := range others {
		if len(f.made[d.ID]) == 0 {
			t.Errorf("%s was not called", d.ID)
		}
	}
}

// TestUpgradeStalled has a device on TCP that takes nothing in any more, with
// its buffers full and a frame half written, while the cloud is upgraded: that
// does not wait for it, the others notice nothing, and when it reads again it is
// called as before, in the session that it had, and nothing is missing.
func TestUpgradeStalled(t *testing.T) {
	t.Parallel()
	c := harness.StartProcess(t, app.Options{})
	line := new(clogged)
	f := &flood{c: c, line: line}
	stalled := c.Run(c.Provision(sim.Config{
		Profile: profile(t, "os-1.x"), Transport: sim.TCP, Application: f.application(),
		KeepAlive: time.Hour, // it would hang up if it got no answer to its ping
	}), harness.Wiring{Dial: line.dial})
	t.Cleanup(line.goOn) // or a cloud that waits for it would not stop either
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
	f.from = line.under(t)
	// Before it hands over, the cloud has written to the line all that it can. If
	// that was all that there was, the device has not been stalled: once more.
	for again := true; again; again = f.kept(t) <= 0 {
		f.fill(t, stream)
		t.Logf("%d events, of which at least %d bytes do not fit into the line", f.sent, f.kept(t))
		upgradeBeside(t, c, others)
	}
	for _, d := range others {
		if n := d.Notes.Count("handshake done"); n != 1 {
			t.Errorf("%s shook hands %d times", d.ID, n)
		}
	}

	line.goOn()
	c.Until("the device that was stalled is called again", func() bool { return call(c, stalled.ID, "count", "after") == nil })
	if n := stalled.Notes.Count("handshake done"); n != 1 {
		t.Errorf("it shook hands %d times:\n%s", n, stalled.Notes)
	}
	for i := range f.sent {
		if _, ok := f.heard.Load(fmt.Sprintf("flood/%d", i)); !ok {
			t.Errorf("event %d of %d never came to it", i, f.sent)
		}
	}
}
