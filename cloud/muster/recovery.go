package muster

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
)

// Kind is what ended the connections.
type Kind string

// The kinds of disconnect.
const (
	Start      Kind = "start"      // the cloud was stopped, and started again
	Crash      Kind = "crash"      // it did not stop by itself
	Drain      Kind = "drain"      // devices were sent away because a node is to stop
	Disconnect Kind = "disconnect" // many lost their connection at once, and the cloud went on
)

// Recovery is how the devices come back after a disconnect that hit many.
type Recovery struct {
	ID   string    `json:"id"`
	Kind Kind      `json:"kind"`
	At   time.Time `json:"at"`            // when the connections ended, as well as it is known
	Up   time.Time `json:"up"`            // when the cloud served again; At, if it did all the time
	Over time.Time `json:"over,omitzero"` // when the last was back, or nobody was waited for any more; zero: it goes on

	Affected int   `json:"affected"`
	UDP      int   `json:"udp"`     // of Affected
	Owners   int   `json:"owners"`  // whose they are, as far as it has been looked up
	GivenUp  int   `json:"givenup"` // were not back when it was over
	Back     Times `json:"back"`    // how long those took that are back, since Up

	// As of now; not kept.
	Connected int       `json:"-"` // of those that are not back: they have a session and do not answer
	Missing   int       `json:"-"` // they have none
	Listed    int       `json:"-"` // of both: those whose own clock has not run out, or of whom we know why
	Until     time.Time `json:"-"` // by when the rest should be back by itself

	last time.Time // when the last lost its connection
}

// second names a recovery in the roll.
func (r *Recovery) second() uint32 { return uint32(r.At.Unix()) }

// String tells how it went, in a sentence.
func (r *Recovery) String() string {
	text := new(strings.Builder)
	fmt.Fprintf(text, "%d of %d devices that were disconnected are back", r.Back.Sum(), r.Affected)
	for _, q := range []struct {
		part float64
		word string
	}{{.5, "half of them after"}, {.95, "95 % after"}, {.99, "99 % after"}} {
		if d, ok := r.Quantile(q.part); ok {
			fmt.Fprintf(text, ", %s %.1f s", q.word, d.Seconds())
		}
	}
	if r.GivenUp > 0 {
		fmt.Fprintf(text, "; %d did not come back within a day", r.GivenUp)
	}
	return text.String()
}

// Absent is a device that is not back.
type Absent struct {
	Device device.ID
	Of     string // the recovery's id
	Since  time.Time
	Up     time.Time    // when the cloud served again
	State  device.State // as it is now
	UDP    bool
	// Expected is by when the device's own clock should bring it back. It may
	// have passed: then something keeps it away that is not the disconnect.
	Expected time.Time
}

// expect gives by when a device should be back, going by what it is now.
func (r *Recovery) expect(l *line, now device.State) time.Time {
	keep := time.Duration(l.keepAlive) * time.Second
	if now.KeepAlive > 0 {
		keep = now.KeepAlive
	}
	switch {
	case !now.Until.IsZero():
		return now.Until // it sleeps, and said until when
	case !l.udp && r.Kind == Disconnect: // who knows for how long its network was away
		return r.Up.Add(backOff(longest) + hold + handshake)
	case !l.udp:
		return r.Up.Add(pause(r.Up.Sub(r.At)) + hold + handshake)
	case keep == 0:
		keep = cellular
	}
	if r.Kind == Disconnect || now.Word == device.Offline {
		// It gives up on its session by its own clock: after three silences of
		// it where it speaks often, after one where it speaks seldom.
		return r.Up.Add(max(lostKeys, keep+answer+time.Minute))
	}
	return r.Up.Add(keep + answer)
}

// maxHeads is how many recoveries are kept.
const maxHeads = 16

// readHeads gives the recoveries that a file has; none if there is none, or it
// cannot be read: then the devices' lines are all that is left of them.
func readHeads(path string) (list []*Recovery, err error) {
	body, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal(body, &list)
	}
	return list, err
}

func writeHeads(path string, list []*Recovery) error {
	body, err := json.Marshal(list)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", body, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
