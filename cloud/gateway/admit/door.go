package admit

import (
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
)

// The clock of a door.
const (
	doorLooks = 4 * time.Second  // how far back it looks: a door closes within 5 s
	doorTries = 3                // that failed through us in that time, and none that did not, close it
	doorFirst = 10 * time.Second // closed at least, and twice as long each time it opened in vain
	doorMost  = 60 * time.Second
	doorWaits = 5 * time.Minute // open without trouble: it is as new
)

// Door decides whether a TCP port is listened on. A device that connects and
// is then refused takes its keys for wrong, and shows that; one that cannot
// connect shows that the cloud is not reachable, which is the truth when we
// can let nobody in. So a door behind which every handshake fails through our
// fault closes, and opens again behind the queue when that may be over.
//
// The zero Door is open.
type Door struct {
	good, bad []time.Time // attempts of late that came to their end, well and through our fault
	shut      bool
	until     time.Time // when it may open, at the earliest
	wait      time.Duration
	opened    time.Time
}

// Verdict tells what an attempt that ended says of the door, if it says
// anything. Only what the store and the bus decide counts: devices and strangers
// can bring about every other failure.
func Verdict(try *device.Attempt) (well, counts bool) {
	well = try.Outcome == device.Succeeded
	return well, try.Transport == "tcp" && (well || try.Reason == device.KeyStoreUnavailable || try.Reason == device.BusUnavailable)
}

// Attempt notes one that ended: well, or through our fault. What failed through
// the device's or the network's is no news.
func (d *Door) Attempt(now time.Time, well bool) {
	if well {
		d.good = recent(append(d.good, now), now)
	} else {
		d.bad = recent(append(d.bad, now), now)
	}
}

// Shut gives a door that is closed, and opens as soon as what is behind it is
// sound.
func Shut() Door { return Door{shut: true} }

// Troubled tells whether it matters what is behind the door: it is closed, or
// may have to close.
func (d *Door) Troubled(now time.Time) bool {
	d.bad = recent(d.bad, now)
	return d.shut || len(d.bad) > 0
}

// Open tells whether the door is to be open now. sound tells whether what is
// behind it answers, such as the store; it is asked twice a second.
func (d *Door) Open(now time.Time, sound bool) bool {
	d.good, d.bad = recent(d.good, now), recent(d.bad, now)
	switch {
	case d.shut && sound && !now.Before(d.until):
		d.shut, d.opened, d.bad = false, now, d.bad[:0]
	case d.shut:
	case len(d.bad) > 0 && len(d.good) == 0 && (!sound || len(d.bad) >= doorTries):
		if d.wait = min(2*d.wait, doorMost); d.wait == 0 || now.Sub(d.opened) > doorWaits {
			d.wait = doorFirst
		}
		d.shut = true
		d.until = now.Add(d.wait)
		if !sound {
			d.until = now // it opens as soon as what is behind it answers
		}
	}
	return !d.shut
}

// recent gives those of list that are not too long ago. It grows no longer
// than there is a use for.
func recent(list []time.Time, now time.Time) []time.Time {
	for len(list) > 0 && (now.Sub(list[0]) > doorLooks || len(list) > doorTries) {
		list = list[:copy(list, list[1:])]
	}
	return list
}
