package lane_test

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
	"github.com/cyan-cloud/cyan/sim"
)

// none is a limit that nothing reaches.
const none = 1 << 20

// defences are the limits of a lane: how each is set to so many, and switched
// off, and an attack that tells how much it got.
var defences = map[string]struct {
	set    func(cfg *lane.Config, n int)
	limit  int
	off    int
	attack func(w *world) (got int)
	most   int // with the limit
	all    int // without
}{
	"half-open handshakes": {
		set: func(cfg *lane.Config, n int) { cfg.HalfOpen = n }, limit: 4, off: none, most: 4, all: 20,
		attack: func(w *world) int {
			for n := range 20 {
				w.begin(stranger(n))
			}
			return w.lane.Stats().HalfOpen
		},
	},
	"streams": {
		set: func(cfg *lane.Config, n int) { cfg.Streams = n }, limit: 4, off: none, most: 4, all: 20,
		attack: func(w *world) int {
			for n := range 20 {
				w.cloud(lane.In{Kind: lane.StreamOpened, Conn: 1<<63 | uint64(n), From: stranger(n)})
			}
			return w.lane.Stats().OpenStreams
		},
	},
	"sessions with unknown keys": {
		set: func(cfg *lane.Config, n int) { cfg.Unproven = n }, limit: 2, off: none, most: 2, all: 8,
		attack: func(w *world) int {
			for i := range 8 {
				w.feel(w.device(fmt.Sprint("stranger", i), sim.Config{Behaviour: sim.Silent}, true), sim.PowerOn{})
			}
			w.run(5 * time.Second)
			return w.lane.Stats().Unproven
		},
	},
	"handshakes from one address": {
		set: func(cfg *lane.Config, n int) { cfg.PerSource = n }, limit: 4, off: -1, most: 4, all: 20,
		attack: func(w *world) int {
			for n := range 10 {
				w.begin(port(n))
				w.cloud(lane.In{Kind: lane.StreamOpened, Conn: 1<<63 | uint64(n), From: port(100 + n)})
			}
			s := w.lane.Stats()
			return s.HalfOpen + s.OpenStreams
		},
	},
	"failures from one address": {
		set: func(cfg *lane.Config, n int) { cfg.Failures = n }, limit: 5, off: -1, most: 5, all: 20,
		attack: func(w *world) (opened int) {
			for n := range 20 {
				opened += w.badBlob(1<<63|uint64(n)<<8, port(n))
			}
			return opened
		},
	},
	"messages of one device": {
		set: func(cfg *lane.Config, n int) { cfg.DeviceRate = n }, limit: 10, off: -1, most: 111, all: 500,
		attack: func(w *world) int {
			d := w.insider(port(1))
			before := len(w.published)
			for range 500 {
				d.publish()
				w.run(2 * time.Millisecond)
			}
			return len(w.published) - before
		},
	},
}

// TestDefencesMatter makes an attack on each limit, with the limit and without:
// each holds the attack back, and it is the limit that does.
func TestDefencesMatter(t *testing.T) {
	for name, d := range defences {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			with := d.attack(newWorld(t).with(func(cfg *lane.Config) { d.set(cfg, d.limit) }))
			if with == 0 || with > d.most {
				t.Errorf("with the limit the attack gets %d, want at most %d", with, d.most)
			}
			without := d.attack(newWorld(t).with(func(cfg *lane.Config) { d.set(cfg, d.off) }))
			if without != d.all {
				t.Errorf("without it the attack gets %d, want all %d: it does not show what the limit is for", without, d.all)
			}
		})
	}
}

// badBlob opens a connection with a blob that no key opens, and gives how often
// a worker was asked to.
func (w *world) badBlob(conn uint64, from netip.AddrPort) (opened int) {
	in := lane.In{Kind: lane.StreamOpened, Conn: conn, From: from}
	w.lane.Step(w.now, &in, &w.outs)
	w.outs.Reset()
	in = lane.In{Kind: lane.StreamData, Conn: conn, Data: make([]byte, 256)}
	in.Data[0] = 1
	w.lane.Step(w.now, &in, &w.outs)
	for i := range w.outs.List {
		if w.outs.List[i].Kind == lane.OpenBlob {
			opened++
		}
	}
	w.outs.Reset()
	if opened > 0 {
		w.cloud(lane.In{Kind: lane.Opened, Conn: conn, Err: errors.New("no")})
	}
	return opened
}
