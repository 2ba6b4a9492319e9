package api

import (
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
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
