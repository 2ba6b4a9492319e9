package bench

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cyan-cloud/cyan/internal/pause"
	"github.com/cyan-cloud/cyan/sim/bench/crowd"
	"github.com/cyan-cloud/cyan/sim/bench/fleet"
)

// Restart measures what devices and callers notice when a cloud hands over to a
// new process, which is the same program here.
type Restart struct {
	Devices  int // on DTLS; 0: 10,000
	TCP      int // devices on TCP; 0: a fifth of Devices, negative: none
	Upgrades int // one after the other; 0: 1
	Say      Progress
}

// RestartResult is what they notice.
type RestartResult struct {
	Run
	Devices     int     `json:"devices"`     // on DTLS
	TCPDevices  int     `json:"tcp_devices"` // and on TCP
	Freeze      float64 `json:"freeze_ms"`   // the longest that a call took while the cloud handed over
	Disconnects int     `json:"disconnects"`
	CallsFailed int     `json:"calls_failed"`
	Upgrades    int     `json:"upgrades"`
	Calls       int     `json:"calls"` // made meanwhile
	Doubled     int     `json:"calls_doubled"`
	Repeated    int     `json:"calls_repeated"` // requests on DTLS that came to the device again, which it recognizes
	Own         float64 `json:"freeze_own_ms"`  // by the cloud's own clock, the longest
	OwnMedian   float64 `json:"freeze_own_p50_ms"`
	Median      float64 `json:"call_p50_ms"` // meanwhile

	// Of those above, what was on TCP.
	TCPDisconnects int `json:"tcp_disconnects"`
	TCPCalls       int `json:"tcp_calls"`
	TCPCallsFailed int `json:"tcp_calls_failed"`
	TCPDoubled     int `json:"tcp_calls_doubled"`
}

// Rows are the figures for people.
func (r *RestartResult) Rows() []Row {
	return []Row{
		{"freeze", fmt.Sprintf("%.0f ms", r.Freeze), fmt.Sprintf("the longest call; by the cloud's own clock nobody served for %.0f ms, in the median upgrade %.0f ms", r.Own, r.OwnMedian)},
		{"disconnects", fmt.Sprintf("%d of %d devices", r.Disconnects, r.Devices+r.TCPDevices), fmt.Sprintf("in %d upgrades; %d of them on TCP", r.Upgrades, r.TCPDisconnects)},
		{
			"calls", fmt.Sprintf("%d failed, %d doubled, of %d", r.CallsFailed, r.Doubled, r.Calls),
			fmt.Sprintf("median %.1f ms; on TCP %d failed, %d doubled, of %d", r.Median, r.TCPCallsFailed, r.TCPDoubled, r.TCPCalls),
		},
	}
}

// Crash measures a cloud that is killed and started again.
type Crash struct {
	Devices int // 0: 10,000
	Say     Progress
}

// CrashResult is how it comes back.
type CrashResult struct {
	Run
	Devices     int     `json:"devices"`
	Handshakes  int     `json:"handshakes"`  // that were needed afterwards
	Recovered   float64 `json:"recovered_s"` // from the kill until every device has answered a ping of the new process
	Sampled     int     `json:"calls_sampled"`
	CallsFailed int     `json:"calls_failed"`
}

// Rows are the figures for people.
func (r *CrashResult) Rows() []Row {
	return []Row{
		{"recovered", fmt.Sprintf("%.1f s", r.Recovered), fmt.Sprintf("from kill -9 until all of %d devices had answered a ping", r.Devices)},
		{"handshakes", strconv.Itoa(r.Handshakes), "afterwards"},
		{"calls", fmt.Sprintf("%d of %d answered", r.Sampled-r.CallsFailed, r.Sampled), ""},
	}
}

// plain is a cloud as people start it: cyan serve in a process of its own, which
// is upgraded, or killed and started again, on one data folder and one set of
// ports.
type plain struct {
	Server

	program string
	args    []string
	log     *os.File
}

// startPlain starts one on free ports.
func startPlain(ctx context.Context) (*plain, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "cyan-bench-*") // mode 0700
	if err != nil {
		return nil, err
	}
	p := &plain{program: program}
	p.dir = dir
	if p.log, err = os.Create(p.logFile()); err != nil {
		return nil, err
	}
	const anyPort = "127.0.0.1:0"
	if err := p.start(ctx, anyPort, anyPort, anyPort); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

// spoken is a line of cyan serve --json.
type spoken struct {
	Event              string
	PID                int
	API                string
	UDP, TCP           []netip.AddrPort
	KeyUDP             string `json:"server_key_udp"`
	KeyTCP             string `json:"server_key_tcp"`
	Username, Password string
}

// start starts the program and waits for its doors.
func (p *plain) start(ctx context.Context, udp, tcp, api string) error {
	p.args = []string{
		"serve", "--json", "--data", filepath.Join(p.dir, "data"), "--listen-udp", udp, "--listen-tcp", tcp, "--listen-api", api,
		"--trust-on-first-use", "--log-level", "info",
	}
	cmd := exec.Command(p.program, p.args...) //nolint:noctx // stop ends it, or its successor
	cmd.Stderr = p.log
	// A pipe of our own: it has to outlive this process of the cloud.
	out, in, err := os.Pipe()
	if err != nil {
		return err
	}
	cmd.Stdout = in
	if err := errors.Join(cmd.Start(), in.Close()); err != nil {
		return errors.Join(err, out.Close())
	}
	go func() { _ = cmd.Wait() }() // ends with the process
	defer func() {
		go func() { // ends when no process of the cloud is left
			_, _ = io.Copy(io.Discard, out)
			_ = out.Close()
		}()
	}()
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	defer stop()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var s spoken
		if json.Unmarshal(lines.Bytes(), &s) != nil {
			continue
		}
		switch s.Event {
		case "ready":
			p.PID, p.API, p.UDP, p.TCP = s.PID, s.API, s.UDP[0], s.TCP[0]
			if err := p.readKeys(&s); err != nil {
				return err
			}
			if p.Username != "" {
				return nil // it is not its first start
			}
		case "administrator":
			p.Username, p.Password = s.Username, s.Password
			return nil
		}
	}
	return fmt.Errorf("bench: the cloud did not start: %s", p.lastWords())
}

func (p *plain) readKeys(s *spoken) (err error) {
	if p.KeyUDP, err = os.ReadFile(s.KeyUDP); err == nil {
		p.KeyTCP, err = os.ReadFile(s.KeyTCP)
	}
	return err
}

// upgrade hands it over to a new process.
func (p *plain) upgrade(ctx context.Context) (freeze float64, sessions int, err error) {
	cmd := exec.CommandContext(ctx, p.program, "upgrade", "--json", "--data", filepath.Join(p.dir, "data"))
	cmd.Stderr = p.log
	out, err := cmd.Output()
	if err != nil {
		return 0, 0, fmt.Errorf("bench: the upgrade failed: %w: %s", err, p.lastWords())
	}
	var r struct {
		PID, Sessions int
		Freeze        float64 `json:"freeze_ms"`
	}
	if err := json.Unmarshal(out, &r); err != nil {
		return 0, 0, err
	}
	p.PID = r.PID
	return r.Freeze, r.Sessions, nil
}

// end ends the process that serves and waits until it is gone.
func (p *plain) end(how syscall.Signal) error {
	process, err := os.FindProcess(p.PID)
	if err != nil || p.PID == 0 {
		return err
	}
	if err := process.Signal(how); err != nil {
		return err
	}
	for late := time.Now().Add(startTime); time.Now().Before(late); <-time.After(5 * time.Millisecond) {
		if gone(p.PID) {
			return nil
		}
	}
	return errors.New("bench: the cloud does not end")
}

// gone tells whether a process has ended, perhaps waiting for its parent to see.
func gone(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || strings.Contains(string(stat), ") Z ")
}

func (p *plain) stop() error {
	return errors.Join(p.end(syscall.SIGTERM), p.log.Close(), os.RemoveAll(p.dir))
}

// people connects a crowd to it, registers some of its devices and logs in.
func (p *plain) people(ctx context.Context, n, called int, say Progress) (*stage, []int, error) {
	who := newIdentities()
	per, err := login(ctx, &p.Server)
	if err != nil {
		return nil, nil, err
	}
	sampled := make([]int, min(called, n))
	for i := range sampled {
		sampled[i] = int(int64(i) * int64(n) / int64(len(sampled)))
	}
	say("registering %d devices, which will be called", len(sampled))
	if err := per.provisionAll(ctx, &who, sampled, say); err != nil {
		return nil, nil, err
	}
	c, err := newCrowd(&p.Server, who, n, keepAlive)
	if err != nil {
		return nil, nil, err
	}
	running, cancel := context.WithCancel(ctx)
	c.Start(running)
	st := &stage{person: per, crowd: c, stop: cancel}
	err = c.BringAll(ctx, crowd.Settled, connectTogether, func(k int) { say("connected: %d of %d", k, n) })
	if err == nil && !pause.For(ctx, startUpRest) {
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, nil, errors.Join(err, st.tearDown())
	}
	return st, sampled, nil
}

// streams connects a fleet on TCP and registers those of it that are called.
func (p *plain) streams(ctx context.Context, st *stage, n, called int) (*fleet.Fleet, error) {
	f, err := fleet.New(fleet.Config{Server: p.TCP.String(), ServerKey: p.KeyTCP, Count: n, Function: crowd.FunctionName, Whole: called})
	if err != nil {
		return nil, err
	}
	for i := range min(called, n) {
		key, err := f.Key(i)
		if err == nil {
			err = st.person.provision(ctx, f.ID(i).String(), "rsa", key)
		}
		if err != nil {
			return nil, err
		}
	}
	return f, nil
}

// connectTime bounds how long a device's connecting may take in a fleet, each.
const connectTime = 50 * time.Millisecond

// There are so many callers of devices on DTLS that they make about a thousand
// calls a second, each on a kept-alive connection and to a device of its own, and
// a few of devices on TCP.
const (
	callersTogether = 4
	callersTCP      = 2
)

// traffic is calls that are made again and again.
type traffic struct {
	times  Times
	failed atomic.Int64
}

// made is how many calls there were.
func (t *traffic) made() int { return t.times.Count() + int(t.failed.Load()) }

// Run runs the benchmark against a cloud of its own.
func (b Restart) Run(ctx context.Context) (r *RestartResult, err error) {
	b.Devices, b.Upgrades = cmp.Or(b.Devices, 10000), cmp.Or(b.Upgrades, 1)
	b.TCP = max(0, cmp.Or(b.TCP, b.Devices/5))
	p, err := startPlain(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	st, _, err := p.people(ctx, b.Devices, callersTogether, b.Say)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, st.tearDown()) }()
	f, err := p.streams(ctx, st, b.TCP, callersTCP)
	if err != nil {
		return nil, err
	}
	on, off := context.WithCancel(ctx)
	defer func() {
		off()
		err = errors.Join(err, f.Wait())
	}()
	f.Start(on)
	err = f.Bring(ctx, time.Minute+time.Duration(b.TCP)*connectTime, func(n int) { b.Say("connected on TCP: %d of %d", n, b.TCP) })
	if err == nil && !pause.For(ctx, startUpRest) {
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, err
	}
	r = &RestartResult{Devices: b.Devices, TCPDevices: b.TCP, Upgrades: b.Upgrades}
	if err := b.upgrade(ctx, p, st, f, r); err != nil {
		return nil, err
	}
	if err := r.countLost(ctx, st, f); err != nil {
		return nil, err
	}
	r.Run = Ran("restart", fmt.Sprintf("%d devices on DTLS that ping every %v, and %d on TCP, half each of the generations 2.3 and 1.4 of Device OS, that ping after 15 s and, but for "+
		"those that are called, send each frame in two pieces; %d upgrades to a new process of the same program one after the other, while %d callers call a function of a "+
		"device on DTLS each, and %d one on TCP, one call after the other on kept-alive connections; freeze is the longest call; disconnects are sessions that "+
		"were not handed over, devices on DTLS whose next ping was not answered, and connections on TCP that ended",
		b.Devices, keepAlive, b.TCP, b.Upgrades, callersTogether, callersTCP))
	return r, nil
}

// upgrade upgrades the cloud under calls.
func (b Restart) upgrade(ctx context.Context, p *plain, st *stage, f *fleet.Fleet, r *RestartResult) (err error) {
	var dtls, tcp traffic
	var freezes Times
	before, beforeTCP := st.crowd.Counts(), f.Counts()
	halt := make(chan struct{})
	var callers sync.WaitGroup
	for i := range callersTogether {
		callers.Go(func() { st.hammer(ctx, st.crowd.ID(i*b.Devices/callersTogether), halt, &dtls) }) // until halt
	}
	for i := range min(callersTCP, b.TCP) {
		callers.Go(func() { st.hammer(ctx, f.ID(i).String(), halt, &tcp) }) // likewise
	}
	pause.For(ctx, time.Second)
	for i := range b.Upgrades {
		var freeze float64
		var sessions int
		if freeze, sessions, err = p.upgrade(ctx); err != nil {
			break
		}
		freezes.Add(time.Duration(freeze * float64(time.Millisecond)))
		r.Disconnects = max(r.Disconnects, b.Devices+b.TCP-sessions)
		b.Say("upgrade %d of %d: %d sessions, %.1f ms", i+1, b.Upgrades, sessions, freeze)
	}
	pause.For(ctx, time.Second)
	close(halt)
	callers.Wait()
	if err != nil {
		return err
	}
	ms := func(d time.Duration) float64 { return d.Seconds() * 1e3 }
	r.TCPCalls, r.TCPCallsFailed = tcp.made(), int(tcp.failed.Load())
	r.Calls, r.CallsFailed = dtls.made()+r.TCPCalls, int(dtls.failed.Load())+r.TCPCallsFailed
	r.Freeze, r.Median = ms(max(dtls.times.Quantile(1), tcp.times.Quantile(1))), ms(dtls.times.Quantile(.5))
	r.Own, r.OwnMedian = ms(freezes.Quantile(1)), ms(freezes.Quantile(.5))
	r.TCPDoubled = max(0, f.Counts().Calls-beforeTCP.Calls-r.TCPCalls)
	after := st.crowd.Counts()
	r.Doubled = max(0, after.Calls-before.Calls-dtls.made()) + r.TCPDoubled
	r.Repeated = after.Repeated - before.Repeated
	return context.Cause(ctx)
}

// countLost counts the devices that were lost: each pings once more, and is
// answered, or sees that it is not.
func (r *RestartResult) countLost(ctx context.Context, st *stage, f *fleet.Fleet) error {
	heard := st.crowd.Counts()
	pause.For(ctx, keepAlive+lastPing)
	if err := st.crowd.CeasePings(ctx); err != nil {
		return err
	}
	pause.For(ctx, lastPing)
	after := st.crowd.Counts()
	r.TCPDisconnects = f.Counts().Lost
	r.Disconnects = max(r.Disconnects, r.TCPDisconnects+after.PingsSent-heard.PingsSent-(after.PingsAnswered-heard.PingsAnswered))
	return context.Cause(ctx)
}

// hammer calls a device again and again on one connection until halt.
func (st *stage) hammer(ctx context.Context, device string, halt <-chan struct{}, t *traffic) {
	request := st.person.callRequest(device, callArgument)
	var l *line
	for {
		select {
		case <-halt:
			if l != nil {
				_ = l.close()
			}
			return
		default:
		}
		var err error
		began := time.Now()
		if l == nil {
			if l, err = st.person.dial(ctx); err != nil {
				t.failed.Add(1)
				continue
			}
		}
		if err = l.call(request, int32(len(callArgument))); err != nil {
			t.failed.Add(1)
			_ = l.close()
			l = nil
			continue
		}
		t.times.Add(time.Since(began))
		pause.For(ctx, time.Millisecond)
	}
}

// askEvery is how often the cloud is asked how many devices have answered: it
// counts them each time.
const askEvery = 100 * time.Millisecond

// Run runs the benchmark against a cloud of its own.
func (b Crash) Run(ctx context.Context) (r *CrashResult, err error) {
	b.Devices = cmp.Or(b.Devices, 10000)
	p, err := startPlain(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	st, sampled, err := p.people(ctx, b.Devices, 1000, b.Say)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, st.tearDown()) }()
	r = &CrashResult{Devices: b.Devices, Sampled: len(sampled)}
	b.Say("killing the cloud")
	killed := time.Now()
	if err := p.end(syscall.SIGKILL); err != nil {
		return nil, err
	}
	if err := p.start(ctx, p.UDP.String(), p.TCP.String(), strings.TrimPrefix(p.API, "http://")); err != nil {
		return nil, err
	}
	for {
		online, _, err := p.counts(ctx)
		if err != nil {
			return nil, err
		}
		if online >= b.Devices {
			break
		}
		if time.Since(killed) > 2*time.Minute {
			return nil, fmt.Errorf("bench: after two minutes %d of %d devices have answered", online, b.Devices)
		}
		pause.For(ctx, askEvery)
	}
	r.Recovered = float64(time.Since(killed).Milliseconds()) / 1000
	b.Say("all have answered after %.1f s; calling %d of them", r.Recovered, len(sampled))
	r.CallsFailed = Idle{Devices: b.Devices, Calls: len(sampled)}.call(ctx, st)
	_, r.Handshakes, err = p.counts(ctx)
	r.Run = Ran("crash", fmt.Sprintf("%d devices on DTLS that ping every %v, kill -9, and the program started again on the same folder and ports; recovered counts from the kill "+
		"until the new process's gauge of devices that answer reached all of them: it pings each once it has taken up its session", b.Devices, keepAlive))
	return r, err
}

// counts reads how many devices answer, and how many shook hands, from the
// cloud's metrics.
func (p *plain) counts(ctx context.Context) (online, handshakes int, err error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, p.API+"/metrics", nil)
	if err != nil {
		return 0, 0, err
	}
	resp, err := http.DefaultClient.Do(q)
	if err != nil {
		return 0, 0, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, 0, err
	}
	for l := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(l), "} ")
		n, _ := strconv.ParseFloat(value, 64)
		switch {
		case strings.HasPrefix(name, `cyan_gateway_sessions{state="online"`):
			online = int(n)
		case strings.HasPrefix(name, "cyan_gateway_attempts_total{") && !strings.Contains(name, `reason="resumed"`):
			handshakes += int(n)
		}
	}
	return online, handshakes, nil
}
