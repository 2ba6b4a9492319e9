package api

import (
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// TestSince checks that an offline device is said to be offline since a time
// only where that time is known: after a restart of the cloud it is not.
func TestSince(t *testing.T) {
	heard := time.Date(2026, 5, 31, 5, 0, 0, 0, time.UTC)
	known := &device.Device{LastHeard: heard}
	for _, c := range []struct {
		device *device.Device
		state  device.State
		want   string
	}{
		{&device.Device{}, device.State{}, "has never connected"},
		{known, device.State{}, "is offline; it was last heard at 2026-05-31T05:00:00Z"},
		{known, lastState(known), "is offline; it was last heard at 2026-05-31T05:00:00Z"},
		{known, device.State{Word: device.Offline, Since: heard, Reason: device.PeerClosed}, "has been offline since 2026-05-31T05:00:00Z (peer closed)"},
		{known, device.State{Word: device.Asleep, Since: heard}, "has been asleep since 2026-05-31T05:00:00Z"},
	} {
		if got := since(c.device, c.state); got != c.want {
			t.Errorf("since(%+v) = %q, want %q", c.state, got, c.want)
		}
	}
}

func TestSystemVersion(t *testing.T) {
	for module, want := range map[uint16]rest.Text{0: "", 6200: "6.2.0", 5000: "5.0.0", 3301: "3.3"} {
		if got := systemVersion(module); got != want {
			t.Errorf("%d is %q, want %q", module, got, want)
		}
	}
}
