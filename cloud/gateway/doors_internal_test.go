package gateway

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/gateway/identify"
	"github.com/cyan-cloud/cyan/internal/port"
)

// TestDoorsHear is which attempts may close the port for devices on TCP. What
// devices, strangers and mere load can bring about may not.
func TestDoorsHear(t *testing.T) {
	for _, c := range []struct {
		try  device.Attempt
		want bool
	}{
		{device.Attempt{Transport: "tcp", Outcome: device.Failed, Reason: device.KeyStoreUnavailable}, true},
		{device.Attempt{Transport: "udp", Outcome: device.Failed, Reason: device.KeyStoreUnavailable}, false},
		{device.Attempt{Transport: "tcp", Outcome: device.Failed, Reason: device.BusUnavailable}, true},
		{device.Attempt{Transport: "udp", Outcome: device.Failed, Reason: device.BusUnavailable}, false},
		{device.Attempt{Transport: "tcp", Outcome: device.Failed, Reason: device.Overloaded}, false},
		{device.Attempt{Transport: "tcp", Outcome: device.Failed, Reason: device.ServerInternal}, false},
		{device.Attempt{Transport: "tcp", Outcome: device.Failed, Reason: device.WrongServerKey}, false},
		{device.Attempt{Transport: "tcp", Outcome: device.Failed, Reason: device.PeerClosed}, false},
		{device.Attempt{Transport: "tcp", Outcome: device.Succeeded}, false},
	} {
		var d doors
		now := time.Now()
		for range 10 {
			d.ended(now, &c.try)
		}
		if got := d.rule.Troubled(now); got != c.want {
			t.Errorf("ten times %s over %s: trouble is %t, want %t", c.try.Reason, c.try.Transport, got, c.want)
		}
	}
}

// moody is a store that answers or does not.
type moody struct {
	identify.Keys
	down atomic.Bool
}

func (m *moody) KeyOf(context.Context, device.ID) (device.Key, error) {
	if m.down.Load() {
		return device.Key{}, fault.Errorf(fault.Unavailable, "no answer")
	}
	return device.Key{}, fault.Errorf(fault.NotFound, "no such device")
}

func (m *moody) Device(context.Context, device.ID) (device.Device, error) {
	return device.Device{}, fault.Errorf(fault.NotFound, "no such device")
}

// TestDoorTaken closes the port, has somebody else listen there, and sees the
// gateway open it all the same once it is free.
func TestDoorTaken(t *testing.T) {
	store := new(moody)
	g, err := Start(t.Context(), Config{Lanes: 1, Bus: noBus{}, Records: noRecords{}, Keys: store, TCP: []string{port.Free(t)}})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Stop()
	_, tcp := g.Addrs()
	at := tcp[0].String()
	is := func(open bool) {
		t.Helper()
		late, tick := time.After(time.Minute), time.NewTicker(5*time.Millisecond)
		defer tick.Stop()
		for g.ClosedSince().IsZero() != open {
			select {
			case <-tick.C:
			case <-late:
				t.Fatalf("the port does not become open=%t", open)
			}
		}
	}
	store.down.Store(true)
	g.doors.ended(g.now(), &device.Attempt{Transport: "tcp", Outcome: device.Failed, Reason: device.KeyStoreUnavailable})
	is(false)
	if err := g.Ready(t.Context()); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("with its port closed the gateway is ready: %v", err)
	}
	other, err := net.Listen("tcp", at)
	if err != nil {
		t.Fatalf("the port is closed, and cannot be had: %v", err)
	}
	store.down.Store(false)
	g.turnDoors(t.Context(), true)
	if g.ClosedSince().IsZero() {
		t.Error("the port is said to be open, and somebody else has it")
	}
	other.Close()
	is(true)
	if l, err := net.Listen("tcp", at); err == nil {
		l.Close()
		t.Error("the port is said to be open, and nobody listens")
	}
}
