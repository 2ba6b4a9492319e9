package admit_test

import (
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/gateway/admit"
)

// TestDoor closes a door behind which every handshake fails through our fault,
// within five seconds of the first, and opens it again.
func TestDoor(t *testing.T) {
	look := 500 * time.Millisecond
	shutAfter := func(attempts func(i int) (well, came bool), sound bool) time.Duration {
		var d admit.Door
		for i := range 20 {
			now := noon.Add(time.Duration(i) * look)
			if well, came := attempts(i); came {
				d.Attempt(now, well)
			}
			if !d.Open(now, sound) {
				return now.Sub(noon)
			}
		}
		return -1
	}
	bad := func(int) (bool, bool) { return false, true }
	if after := shutAfter(bad, true); after < 0 || after > 5*time.Second {
		t.Errorf("with every attempt failing it shuts after %v", after)
	}
	if after := shutAfter(bad, false); after != 0 {
		t.Errorf("with the store down as well it shuts after %v, want at once", after)
	}
	if after := shutAfter(func(i int) (bool, bool) { return i%4 == 0, true }, true); after >= 0 {
		t.Errorf("it shuts after %v although one in four gets in", after)
	}
	if after := shutAfter(func(i int) (bool, bool) { return false, i%8 == 0 }, true); after >= 0 {
		t.Errorf("it shuts after %v for a failure now and then", after)
	}
	if after := shutAfter(func(int) (bool, bool) { return false, false }, false); after >= 0 {
		t.Errorf("it shuts after %v although nobody tries", after)
	}
}

// TestDoorOpens opens it as soon as the store answers again; when nothing tells
// what is wrong it tries, more and more seldom.
func TestDoorOpens(t *testing.T) {
	var d admit.Door
	d.Attempt(noon, false)
	if d.Open(noon, false) {
		t.Fatal("it is open with the store down")
	}
	if d.Open(noon.Add(time.Hour), false) {
		t.Error("it opens although the store is down")
	}
	if !d.Open(noon.Add(time.Hour+time.Second), true) {
		t.Error("it stays shut although the store is back")
	}

	d = admit.Door{}
	now, last := noon, time.Duration(0)
	for round := range 4 {
		for d.Open(now, true) {
			d.Attempt(now, false)
			now = now.Add(time.Second)
		}
		shut := now
		for !d.Open(now, true) {
			now = now.Add(time.Second)
		}
		if wait := now.Sub(shut); wait < last || wait > time.Minute || round > 0 && round < 3 && wait == last {
			t.Errorf("round %d: it opens after %v, the time before after %v", round, wait, last)
		} else {
			last = wait
		}
	}
}

// TestVerdict counts only what the store decides: everything else can be
// brought about by devices and strangers.
func TestVerdict(t *testing.T) {
	try := func(transport string, outcome device.Outcome, why device.Reason) *device.Attempt {
		return &device.Attempt{Transport: transport, Outcome: outcome, Reason: why}
	}
	for name, c := range map[string]struct {
		try          *device.Attempt
		well, counts bool
	}{
		"a device that came in":             {try("tcp", device.Succeeded, ""), true, true},
		"one whose key could not be read":   {try("tcp", device.Failed, device.KeyStoreUnavailable), false, true},
		"one that is on no file":            {try("tcp", device.Failed, device.UnknownDevice), false, false},
		"one of too many":                   {try("tcp", device.Failed, device.Overloaded), false, false},
		"one that came in by another port":  {try("udp", device.Succeeded, ""), true, false},
		"one on UDP that we could not read": {try("udp", device.Failed, device.KeyStoreUnavailable), false, false},
	} {
		if well, counts := admit.Verdict(c.try); well != c.well && counts || counts != c.counts {
			t.Errorf("%s: well %v, counts %v; want %v, %v", name, well, counts, c.well, c.counts)
		}
	}
}
