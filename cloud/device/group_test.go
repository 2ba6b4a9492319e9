package device_test

import (
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
)

// TestGroupAttempts puts together what went alike and stands together.
func TestGroupAttempts(t *testing.T) {
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	var list []device.Attempt
	add := func(n int, why device.Reason) {
		for range n {
			list = append(list, device.Attempt{Transport: "tcp", Outcome: device.Failed, Reason: why, Started: noon.Add(-time.Duration(len(list)) * time.Minute)})
		}
	}
	add(47, device.KeyMismatch)
	add(1, device.PeerClosed)
	add(2, device.KeyMismatch)
	groups := device.GroupAttempts(list)
	if len(groups) != 3 || groups[0].Count != 47 || groups[1].Count != 1 || groups[2].Count != 2 {
		t.Fatalf("%+v", groups)
	}
	if got, want := groups[0].String(), "2026-11-22 11:14:00 UTC to 2026-11-22 12:00:00 UTC: 47 identical attempts over tcp failed (key_mismatch)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := groups[1].String(), "2026-11-22 11:13:00 UTC: one attempt over tcp failed (peer_closed)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
