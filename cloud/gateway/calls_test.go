package gateway_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/bus"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/gateway"
	"github.com/cyan-cloud/cyan/sim"
)

// TestCallFails is what a call comes to that cannot succeed.
func TestCallFails(t *testing.T) {
	t.Parallel()
	c := start(t, nil)
	d := c.device(sim.UDP, c.cfg.UDP[0], nil).on()
	c.works(d)
	for name, want := range map[string]struct {
		call  bus.Call
		kind  fault.Kind
		stage bus.Stage
	}{
		"no such device":   {bus.Call{Device: device.ID{1}, Kind: bus.Ping}, fault.Offline, bus.NotConnected},
		"no such function": {bus.Call{Device: d.id, Kind: bus.Function, Name: "nosuch"}, fault.NotFound, bus.NotConnected},
		"no such variable": {bus.Call{Device: d.id, Kind: bus.Variable, Name: "nosuch"}, fault.NotFound, bus.NotConnected},
		"no such call":     {bus.Call{Device: d.id, Kind: 99}, fault.Invalid, bus.StageUnknown},
	} {
		r, err := c.gateway.Call(t.Context(), want.call)
		if fault.KindOf(err) != want.kind || r.Stage != want.stage {
			t.Errorf("%s: %v (%v) at %v, want %v at %v", name, err, fault.KindOf(err), r.Stage, want.kind, want.stage)
		}
	}
	if r, err := c.call(d, bus.Describe, "", ""); err != nil || r.Stage != bus.Answered {
		t.Errorf("a describe gives %+v, %v", r, err)
	}
	if r, err := c.call(d, bus.Signal, "", ""); err != nil || r.Stage != bus.Answered {
		t.Errorf("a signal gives %+v, %v", r, err)
	}
	d.off()
}

// TestCallTimesOut calls devices that hear us and do not answer, and that do
// not even hear us.
func TestCallTimesOut(t *testing.T) {
	t.Parallel()
	c := start(t, nil)
	for _, tc := range []struct {
		behaviour sim.Behaviour
		has       time.Duration // one that acknowledges has to do so in time
		want      bus.Stage
	}{{sim.AckThenHang, 10 * time.Second, bus.AckedNoResponse}, {sim.Deaf, 300 * time.Millisecond, bus.SentNoAck}} {
		d := c.device(sim.UDP, c.cfg.UDP[0], func(cfg *sim.Config) { cfg.Behaviour = tc.behaviour }).on()
		eventually(t, "the device is connected", d.connected)
		r, err := c.gateway.Call(t.Context(), bus.Call{Device: d.id, Kind: bus.Function, Name: "echo", Timeout: tc.has})
		if fault.KindOf(err) != fault.Timeout || r.Stage != tc.want {
			t.Errorf("a device that is %v: %v at %v, want a timeout at %v", tc.behaviour, err, r.Stage, tc.want)
		}
	}
}

// TestCallCancelled takes a call back: it ends at once, and makes room for
// others.
func TestCallCancelled(t *testing.T) {
	t.Parallel()
	c := start(t, nil)
	d := c.device(sim.UDP, c.cfg.UDP[0], func(cfg *sim.Config) { cfg.Behaviour = sim.AckThenHang }).on()
	eventually(t, "the device is connected", d.connected)
	const many = 100 // three times as many as may be on their way at once
	for range many {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			_, err := c.gateway.Call(ctx, bus.Call{Device: d.id, Kind: bus.Signal})
			ended <- err
		}()
		cancel()
		select {
		case err := <-ended:
			if !errors.Is(err, context.Canceled) && fault.KindOf(err) != fault.Timeout {
				t.Fatalf("a call that was taken back gives %v", err)
			}
		case <-time.After(patience):
			t.Fatal("a call that was taken back goes on")
		}
	}
	if _, err := c.gateway.Call(t.Context(), bus.Call{Device: d.id, Kind: bus.Ping, Timeout: patience}); err != nil {
		t.Errorf("after %d calls that were taken back a ping gives %v", many, err)
	}
}

// TestStopEndsCalls stops the gateway under a call.
func TestStopEndsCalls(t *testing.T) {
	t.Parallel()
	c := start(t, nil)
	d := c.device(sim.UDP, c.cfg.UDP[0], func(cfg *sim.Config) { cfg.Behaviour = sim.AckThenHang }).on()
	eventually(t, "the device is connected", d.connected)
	ended := make(chan error)
	began := make(chan struct{})
	go func() {
		close(began)
		_, err := c.gateway.Call(context.WithoutCancel(t.Context()), bus.Call{Device: d.id, Kind: bus.Function, Name: "echo", Timeout: time.Hour})
		ended <- err
	}()
	<-began
	c.gateway.Stop()
	if err := <-ended; fault.KindOf(err) != fault.Unavailable {
		t.Errorf("the call ends with %v", err)
	}
	c.gateway.Stop() // again does nothing
}

// TestWrongProtocol speaks to the devices' ports what devices do not.
func TestWrongProtocol(t *testing.T) {
	t.Parallel()
	c := start(t, nil)
	for _, said := range []string{
		"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
	} {
		conn, err := net.Dial("tcp", c.cfg.TCP[0])
		must(t, err)
		_, err = io.WriteString(conn, said)
		must(t, err)
		must(t, conn.SetReadDeadline(time.Now().Add(patience)))
		answer, err := io.ReadAll(conn)
		conn.Close()
		if len(answer) != 40 || isTimeout(err) {
			t.Errorf("%.10q is answered with %d bytes, want the 40 random ones that everybody gets (%v)", said, len(answer), err)
		}
	}
	conn, err := net.Dial("udp", c.cfg.UDP[0])
	must(t, err)
	defer conn.Close()
	for _, said := range [][]byte{[]byte("GET / HTTP/1.1\r\n"), {0x40, 1, 0, 1}, bytes.Repeat([]byte{22}, 3000), {}} {
		_, err = conn.Write(said)
		must(t, err)
	}
	const name = "cyan_gateway_attempts_total"
	eventually(t, "all are counted", func() bool {
		return c.metric(name, string(device.WrongProtocol)) == 3 && c.metric("cyan_gateway_dropped_total", "not_ours") == 2
	})
	tries, err := c.store.Attempts(t.Context(), device.ID{}, time.Time{}, 0)
	must(t, err)
	for _, try := range tries {
		if from, err := netip.ParseAddrPort(try.Source); try.Reason != device.WrongProtocol || err != nil || !from.Addr().IsLoopback() {
			t.Errorf("attempt %+v", try)
		}
	}
}

func isTimeout(err error) bool {
	var e net.Error
	return errors.As(err, &e) && e.Timeout()
}

// TestStreamsEnd opens streams that say nothing, a piece at a time, and more
// than may be open: none outlives the gateway.
func TestStreamsEnd(t *testing.T) {
	t.Parallel()
	c := start(t, func(cfg *gateway.Config) { cfg.Lanes, cfg.Streams = 1, 3 })
	var open []net.Conn
	for range 5 {
		conn, err := net.Dial("tcp", c.cfg.TCP[0])
		must(t, err)
		defer conn.Close()
		open = append(open, conn)
	}
	nonces := 0
	for _, conn := range open {
		must(t, conn.SetReadDeadline(time.Now().Add(patience)))
		var nonce [40]byte
		if _, err := io.ReadFull(conn, nonce[:]); err == nil {
			nonces++
		}
	}
	if nonces != 3 {
		t.Errorf("%d of 5 streams were let in, want 3", nonces)
	}
	c.gateway.Stop()
	for _, conn := range open {
		if _, err := conn.Read(make([]byte, 1)); err == nil || isTimeout(err) {
			t.Errorf("a stream goes on after the gateway: %v", err)
		}
	}
}
