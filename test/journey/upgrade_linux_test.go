package journey

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/cyan-cloud/cyan/app"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/test/harness"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// upgrades is how many there are in a row: three, or as many as the variable
// CYAN_UPGRADES says (make upgrade-100).
func upgrades(t *testing.T) int {
	t.Helper()
	text := os.Getenv("CYAN_UPGRADES")
	if text == "" {
		return 3
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// counter is a device's function that notes every call of it, and a call that
// waits until it is let go.
type counter struct {
	mu    sync.Mutex
	calls map[string]int // by argument
	let   chan struct{}
	begun chan struct{}
}

func newCounter() *counter {
	return &counter{calls: map[string]int{}, let: make(chan struct{}), begun: make(chan struct{}, 1)}
}

func (c *counter) application() sim.Application {
	return sim.Application{Functions: []sim.Function{
		{Name: "count", Call: func(_ *sim.App, arg string) int32 {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.calls[arg]++
			return int32(len(arg))
		}},
		{Name: "wait", Call: func(*sim.App, string) int32 {
			c.begun <- struct{}{}
			<-c.let
			return 4711
		}},
	}}
}

// doubled lists calls that the device did more than once, and lost those that
// it never did.
func (c *counter) compare(made []string) (doubled, lost []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for arg, n := range c.calls {
		if n > 1 {
			doubled = append(doubled, arg)
		}
	}
	for _, arg := range made {
		if c.calls[arg] == 0 {
			lost = append(lost, arg)
		}
	}
	return doubled, lost
}

// call calls a function and gives what came, without failing the test.
func call(c *harness.Cloud, device, function, arg string) error {
	status, body := c.Do(http.MethodPost, rest.PathFunction(device, function), url.Values{"arg": {arg}})
	if status != http.StatusOK {
		return fmt.Errorf("%s(%s) of %s: %d %s", function, arg, device, status, body)
	}
	return nil
}

// traffic calls devices again and again until it is told to stop.
type traffic struct {
	stop   chan struct{}
	end    func() // tells it, and waits for that
	done   sync.WaitGroup
	mu     sync.Mutex
	made   map[string][]string // arguments of calls that were answered, by device
	failed []error
}

func newTraffic(c *harness.Cloud, devices []*harness.Device) *traffic {
	f := &traffic{stop: make(chan struct{}), made: map[string][]string{}}
	f.end = sync.OnceFunc(func() {
		close(f.stop)
		f.done.Wait()
	})
	for _, d := range devices {
		f.done.Go(func() { // until stop
			for i := 0; ; i++ {
				select {
				case <-f.stop:
					return
				default:
				}
				arg := strconv.Itoa(i)
				err := call(c, d.ID, "count", arg)
				f.mu.Lock()
				if err != nil {
					f.failed = append(f.failed, err)
				} else {
					f.made[d.ID] = append(f.made[d.ID], arg)
				}
				f.mu.Unlock()
			}
		})
	}
	return f
}

// TestUpgrade hands a cloud from process to process, again and again, while
// devices of every generation are called: none of them connects anew, no call
// fails, none is lost and none done twice, and one that was on its way when the
// first process handed over is answered by that.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	c := harness.StartProcess(t, app.Options{})
	counters := map[string]*counter{}
	var devices []*harness.Device
	for _, cfg := range generations(t) {
		n := newCounter()
		cfg.Application = n.application()
		d := c.Run(c.Provision(cfg), harness.Wiring{})
		counters[d.ID] = n
		devices = append(devices, d)
	}
	for _, d := range devices {
		c.Settled(d.ID, 1)
	}
	// One device is busy with a call while the cloud changes under it.
	busy := devices[0]
	answered := make(chan error, 1)
	go func() { answered <- call(c, busy.ID, "wait", "") }()
	<-counters[busy.ID].begun

	f := newTraffic(c, devices[1:])
	defer f.end()
	for i := range upgrades(t) {
		r, err := c.Upgrade("")
		if err != nil {
			t.Fatalf("upgrade %d: %v", i, err)
		}
		if r.Disconnects != 0 || r.Sessions != len(devices) {
			t.Errorf("upgrade %d: %+v", i, r)
		}
		if i == 0 {
			close(counters[busy.ID].let)
			if err := <-answered; err != nil {
				t.Error("the call that was on its way:", err)
			}
		}
	}
	f.end()
	for _, err := range f.failed {
		t.Error(err)
	}
	for _, d := range devices {
		made := f.made[d.ID]
		if doubled, lost := counters[d.ID].compare(made); len(doubled)+len(lost) > 0 {
			t.Errorf("%s: calls done twice: %v; answered and never done: %v", d.ID, doubled, lost)
		}
		if d != busy && len(made) == 0 {
			t.Errorf("%s was not called", d.ID)
		}
		if n := d.Notes.Count("handshake done"); n != 1 {
			t.Errorf("%s shook hands %d times:\n%s", d.ID, n, d.Notes)
		}
		if n := len(c.Attempts(d.ID)); n != 1 {
			t.Errorf("%s: %d connects are on record", d.ID, n)
		}
		if err := call(c, d.ID, "count", "last"); err != nil {
			t.Error(err)
		}
	}
}

// TestUpgradeKeepsStreams has people read events while the cloud goes from
// process to process: each event comes once and in order, and no stream ends.
func TestUpgradeKeepsStreams(t *testing.T) {
	t.Parallel()
	c := harness.StartProcess(t, app.Options{})
	d := c.Run(c.Provision(sim.Config{Profile: profile(t, "os-6.2"), Application: newCounter().application()}), harness.Wiring{})
	c.Settled(d.ID, 1)
	stream := c.Stream(rest.PathMyEvents("count/"))
	stream.Expect(":ok")
	const each = 20
	said := 0
	for range upgrades(t) {
		var publishing sync.WaitGroup
		publishing.Go(func() { // until it has said all
			for range each {
				publish(t, c.Person, fmt.Sprintf("count/%d", said), "x")
				said++
			}
		})
		r, err := c.Upgrade("")
		publishing.Wait()
		if err != nil || r.Disconnects != 0 {
			t.Fatalf("%+v, %v", r, err)
		}
	}
	for i := range said {
		want := fmt.Sprintf("event: count/%d", i)
		for line := stream.Next(); line != want; line = stream.Next() {
			if strings.HasPrefix(line, "event: ") || strings.HasPrefix(line, ":") && strings.Contains(line, "end") {
				t.Fatalf("%q where %q was to come", line, want)
			}
		}
	}
	var list rest.Annotations
	c.Get(rest.PathAnnotations, &list)
	n := 0
	for _, a := range list.Annotations {
		if a.Kind == "upgrade" && a.Sessions != nil && *a.Sessions == 1 && a.Ended != nil && *a.Ended == 0 && a.Author != "" {
			n++
		}
	}
	if n != upgrades(t) {
		t.Errorf("%d upgrades are on record: %+v", n, list)
	}
}

// TestUpgradeComesToNothing has upgrades to programs that do not start, or are
// none: the cloud goes on, and its devices do not notice.
func TestUpgradeComesToNothing(t *testing.T) {
	t.Parallel()
	c := harness.StartProcess(t, app.Options{})
	var devices []*harness.Device
	for _, cfg := range generations(t) {
		cfg.Application = newCounter().application()
		devices = append(devices, c.Run(c.Provision(cfg), harness.Wiring{}))
	}
	for _, d := range devices {
		c.Settled(d.ID, 1)
	}
	dir := t.TempDir()
	script := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		return path
	}
	f := newTraffic(c, devices)
	defer f.end()
	for _, binary := range []string{filepath.Join(dir, "missing"), dir, script("fails", "exit 3"), script("ends", "exit 0")} {
		if r, err := c.Upgrade(binary); err == nil {
			t.Errorf("%s took over: %+v", binary, r)
		}
	}
	f.end()
	if len(f.failed) > 0 {
		t.Error(errors.Join(f.failed...))
	}
	for _, d := range devices {
		if n := d.Notes.Count("handshake done"); n != 1 {
			t.Errorf("%s shook hands %d times:\n%s", d.ID, n, d.Notes)
		}
	}
	if r, err := c.Upgrade(""); err != nil || r.Sessions != len(devices) {
		t.Errorf("an upgrade after those: %+v, %v", r, err)
	}
	if !slices.ContainsFunc(devices, func(d *harness.Device) bool { return call(c, d.ID, "count", "last") == nil }) {
		t.Error("no device answers")
	}
}

// TestUpgradeWithoutKeys loses the files of the server's keys while the cloud
// runs. It has read them: devices are let in as before. The new process of an
// upgrade has not, and comes to nothing, as it would be a stranger to every device.
func TestUpgradeWithoutKeys(t *testing.T) {
	t.Parallel()
	c := harness.StartProcess(t, app.Options{})
	tcp := c.Provision(sim.Config{Transport: sim.TCP, Application: sim.Oven(0)})
	udp := c.Provision(sim.Config{Application: sim.Oven(0)})
	keys := filepath.Dir(c.KeyFile("x"))
	if err := os.Rename(keys, keys+".away"); err != nil {
		t.Fatal(err)
	}
	var devices []*harness.Device
	for _, cfg := range []sim.Config{tcp, udp} {
		d := c.Run(cfg, harness.Wiring{})
		c.Settled(d.ID, 1)
		devices = append(devices, d)
	}
	if r, err := c.Upgrade(""); err == nil {
		t.Errorf("a process without the keys took over: %+v", r)
	}
	if err := os.RemoveAll(keys); err != nil { // what it may have made
		t.Fatal(err)
	}
	if err := os.Rename(keys+".away", keys); err != nil {
		t.Fatal(err)
	}
	if r, err := c.Upgrade(""); err != nil || r.Sessions != len(devices) {
		t.Errorf("with the keys: %+v, %v", r, err)
	}
	for _, d := range devices {
		if err := call(c, d.ID, "setpitf", "1"); err != nil {
			t.Error(err)
		}
		if n := d.Notes.Count("handshake done"); n != 1 {
			t.Errorf("%s shook hands %d times:\n%s", d.ID, n, d.Notes)
		}
	}
}

// TestUpgradeKnowsRevokedTokens revokes a token where the new process does not
// hear of it, as a process that hands over may do behind the departure of its
// streams: of two streams the one that was opened with it ends.
func TestUpgradeKnowsRevokedTokens(t *testing.T) {
	t.Parallel()
	c := harness.StartProcess(t, app.Options{})
	revoked := c.Login(c.Welcome.Username, c.Welcome.Password)
	ends, goesOn := revoked.Stream(rest.PathMyEvents("n")), c.Stream(rest.PathMyEvents("n"))
	execute(t, c, fmt.Sprintf("DELETE FROM tokens WHERE hash = x'%x'", sha256.Sum256([]byte(revoked.Token))))
	publish(t, c.Person, "n1", "x")
	ends.Expect("event: n1")
	goesOn.Expect("event: n1")
	if _, err := c.Upgrade(""); err != nil {
		t.Fatal(err)
	}
	const many = 3000 // it ends by the first look, which begins with the first of these
	for i := 2; ; i++ {
		if i == many {
			t.Fatalf("%d events came to a stream whose token is revoked", i)
		}
		name := fmt.Sprintf("event: n%d", i)
		publish(t, c.Person, strings.TrimPrefix(name, "event: "), "x")
		if seen := goesOn.Expect(name); strings.Contains(strings.Join(seen, "\n"), `"end"`) {
			t.Fatalf("the other one: %q", seen)
		}
		line := ends.Next()
		for line != name && !strings.Contains(line, `"end"`) {
			line = ends.Next()
		}
		if line != name {
			if !strings.Contains(line, rest.EndTokenRevoked) {
				t.Errorf("it ends with %q", line)
			}
			return
		}
	}
}
