package detsim

import (
	"maps"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/device"
	database "github.com/cyan-cloud/cyan/cloud/store"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/sim/link"
	"github.com/cyan-cloud/cyan/test/detsim/schedule"
)

// deeds are what faults of each kind do. Doing it is given a source of chance of
// its own, so that leaving out another fault changes nothing here. What undo is
// returned is done when the time is over.
var deeds = map[schedule.Trouble]func(f *faults, r *rand.Rand, lasts time.Duration) (undo func()){
	"kill":       (*faults).kill,
	"power-cut":  (*faults).powerCut,
	"kill-twice": (*faults).killTwice,
	"stop":       (*faults).stop,
	"hand-over":  (*faults).handOver,
	"freeze":     (*faults).freeze,
	"fail-over":  (*faults).failOver,
	"store-slow": (*faults).storeSlow,
	"store-full": (*faults).storeFull,
	"store-down": (*faults).storeDown,
	"backup":     (*faults).backup,
	"clock":      (*faults).clockStep,
	"bus-cut":    (*faults).busCut,
	"loss":       (*faults).loss,
	"chaos":      (*faults).chaos,
	"cut":        (*faults).cut,
	"one-way":    (*faults).oneWay,
	"mtu":        (*faults).mtu,
	"rebind":     (*faults).rebind,
	"reboot":     (*faults).reboot,
	"long-off":   (*faults).reboot,
	"twin":       (*faults).twin,
	"storm":      (*faults).storm,
	"replay":     (*faults).replay,
	"owner":      (*faults).owner,
}

// faults does harm to the world and undoes it.
type faults struct {
	w       *World
	backups []map[device.ID]database.SessionRow
	backed  time.Duration // when the latest backup was put back
	stepped bool          // the clock was set: no backup is put back any more
	heard   []recorded    // datagrams that somebody on the path has kept
	over    []func()      // undoes whatever lasts
}

// recorded is a datagram that somebody on the path has kept.
type recorded struct {
	data []byte
	from netip.AddrPort
}

func newFaults(w *World) *faults { return &faults{w: w} }

// begin sets up the schedule.
func (f *faults) begin() {
	for _, fault := range f.w.plan.Faults {
		f.w.at(start.Add(fault.At), func() { f.happen(fault) })
	}
	f.keepBackups()
}

// keepBackups copies the database every few minutes.
func (f *faults) keepBackups() {
	f.backups = append(f.backups, f.w.store.backup())
	f.w.after(2*time.Minute, f.keepBackups)
}

// happen begins a fault.
func (f *faults) happen(fault schedule.Fault) {
	f.w.say("FAULT %s", fault)
	if undo := deeds[fault.Kind](f, rand.New(rand.NewPCG(fault.Seed, 0x6661756c74)), fault.For); undo != nil {
		f.over = append(f.over, undo)
		at := len(f.over) - 1
		f.w.after(fault.For, func() { f.undo(at) })
	}
}

func (f *faults) undo(at int) {
	if f.over[at] != nil {
		f.over[at]()
		f.over[at] = nil
	}
}

// end ends all that still goes on.
func (f *faults) end() {
	for at := range f.over {
		f.undo(at)
	}
}

// some draws devices: a few, or half of them.
func (f *faults) some(r *rand.Rand) (list []*thing) {
	share := []float64{0.05, 0.2, 0.5, 1}[r.IntN(4)]
	for _, t := range f.w.things {
		if r.Float64() < share {
			list = append(list, t)
		}
	}
	return list
}

func (f *faults) kill(_ *rand.Rand, lasts time.Duration) func() {
	return f.down(false)
}

func (f *faults) powerCut(*rand.Rand, time.Duration) func() { return f.down(true) }

// down kills the process that listens, and starts another later.
func (f *faults) down(machine bool) func() {
	if n := f.w.active; n != nil {
		n.kill(machine)
		return f.w.boot
	}
	return nil
}

func (f *faults) killTwice(_ *rand.Rand, lasts time.Duration) func() {
	again := f.down(false)
	if again == nil {
		return nil
	}
	f.w.after(lasts/2, f.w.boot)
	f.w.after(lasts*3/4, func() {
		if f.w.active != nil {
			f.w.active.kill(false)
		}
	})
	return again
}

func (f *faults) stop(*rand.Rand, time.Duration) func() {
	n := f.w.active
	if n == nil || n.frozen {
		return nil
	}
	n.stop()
	return f.w.boot
}

func (f *faults) handOver(_ *rand.Rand, lasts time.Duration) func() {
	if n := f.w.active; n != nil && !n.frozen {
		n.handOver(lasts)
	}
	return nil
}

func (f *faults) freeze(_ *rand.Rand, lasts time.Duration) func() {
	if n := f.w.active; n != nil && !n.frozen {
		n.freeze(lasts)
	}
	return nil
}

// failOver has another process take over from one that hangs. That comes back,
// does not know, and is killed some time later.
func (f *faults) failOver(_ *rand.Rand, lasts time.Duration) func() {
	n := f.w.active
	if n == nil || n.frozen {
		return nil
	}
	n.freeze(lasts / 2)
	f.w.active = nil
	f.w.boot()
	return func() { n.kill(true) }
}

func (f *faults) storeSlow(r *rand.Rand, _ time.Duration) func() {
	slow := time.Duration(r.Int64N(int64(8 * time.Second)))
	f.w.store.slow += slow
	return func() { f.w.store.slow -= slow }
}

func (f *faults) storeFull(*rand.Rand, time.Duration) func() {
	f.w.store.full = true
	return func() { f.w.store.full = false }
}

func (f *faults) storeDown(*rand.Rand, time.Duration) func() {
	f.w.store.down = true
	return func() { f.w.store.down = false }
}

// backup kills the cloud and puts an older copy of the database back. Whatever
// was acknowledged since is lost, and nobody can help it. A clock that was
// wrong before or is wrong then is more than generations can bear.
func (f *faults) backup(r *rand.Rand, _ time.Duration) func() {
	w := f.w
	if f.stepped || w.active == nil || len(f.backups) == 0 {
		return nil
	}
	for _, n := range w.nodes {
		n.kill(true)
	}
	w.store.queue = nil
	w.store.rows = maps.Clone(f.backups[r.IntN(len(f.backups))])
	for _, t := range w.things {
		for _, x := range w.tap.of[t.id] {
			x.excused = true
		}
	}
	f.backed = w.now.Sub(start)
	return w.boot
}

// clockStep sets the machine's clock, which the next process will see.
func (f *faults) clockStep(r *rand.Rand, _ time.Duration) func() {
	if f.backed != 0 {
		return nil
	}
	f.stepped = true
	f.w.clock = time.Duration(r.Int64N(int64(4*time.Hour))) - 2*time.Hour
	return f.down(false)
}

func (f *faults) busCut(*rand.Rand, time.Duration) func() {
	f.w.bus.cut = true
	return func() { f.w.bus.cut = false }
}

func (f *faults) loss(r *rand.Rand, _ time.Duration) func() {
	bad := usual
	bad.Loss = []float64{0.01, 0.05, 0.3}[r.IntN(3)]
	return f.weather(bad)
}

func (f *faults) chaos(r *rand.Rand, _ time.Duration) func() {
	return f.weather(link.Path{
		Delay: time.Duration(r.Int64N(int64(500 * time.Millisecond))), Jitter: time.Duration(r.Int64N(int64(600 * time.Millisecond))),
		Loss: 0.02, Duplicate: 0.1, Reorder: 0.25,
	})
}

func (f *faults) mtu(r *rand.Rand, _ time.Duration) func() {
	small := usual
	small.MTU = 300 + r.IntN(1000)
	return f.weather(small)
}

// weather is a network that is bad for everybody.
func (f *faults) weather(p link.Path) func() {
	f.w.setWeather(p)
	return func() { f.w.setWeather(usual) }
}

func (f *faults) cut(r *rand.Rand, _ time.Duration) func() { return f.block(f.some(r), true, true) }

func (f *faults) oneWay(r *rand.Rand, _ time.Duration) func() {
	up := r.IntN(2) == 0
	return f.block(f.some(r), up, !up)
}

// block cuts the ways of some devices.
func (f *faults) block(list []*thing, up, down bool) func() {
	change := func(by int) {
		for _, t := range list {
			f.w.cut(t, up, down, by)
		}
	}
	change(1)
	return func() { change(-1) }
}

func (f *faults) rebind(r *rand.Rand, _ time.Duration) func() {
	for _, t := range f.some(r) {
		f.w.net.Rebind(t.inside)
	}
	return nil
}

func (f *faults) reboot(r *rand.Rand, _ time.Duration) func() {
	list := f.some(r)
	forgets := r.IntN(4) == 0
	for _, t := range list {
		t.keep()
		t.powerOff()
		if forgets {
			t.memory = nil
		}
	}
	return func() {
		for _, t := range list {
			t.powerOn()
		}
	}
}

// twin switches on a second device with the keys and the memory of another.
func (f *faults) twin(r *rand.Rand, _ time.Duration) func() {
	t := f.w.things[r.IntN(len(f.w.things))]
	if !t.on || t.doubled {
		return nil
	}
	t.doubled = true
	other := &thing{
		w: f.w, index: t.index, name: t.name + "-twin", id: t.id, kind: t.kind, cfg: t.cfg, first: t, doubled: true,
		done: map[uint64]int{}, got: map[string]int{}, memory: t.keep(), outside: t.outside,
		inside: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, byte(t.index >> 8), byte(t.index)}), 40000),
	}
	other.cfg.Application = other.application()
	f.w.behind[other.inside.Addr()] = []*thing{other}
	f.w.behind[other.outside] = append(f.w.behind[other.outside], other)
	f.w.net.NAT(other.inside.Addr(), other.outside, 0)
	other.powerOn()
	return other.powerOff
}

// storm takes the network from every device, and gives it back to all at once.
func (f *faults) storm(*rand.Rand, time.Duration) func() {
	all := f.w.things
	for _, t := range all {
		t.feel(sim.NetworkDown{})
	}
	return func() {
		for _, t := range all {
			t.feel(sim.NetworkUp{})
		}
	}
}

// owner has devices change hands, and back.
func (f *faults) owner(r *rand.Rand, _ time.Duration) func() {
	list := f.some(r)
	change := func(to account.ID) {
		for _, t := range list {
			if _, ok := f.w.store.owners[t.id]; ok {
				f.w.store.owners[t.id] = to
				f.w.bus.changed(t.id)
			}
		}
	}
	change("another")
	return func() { change("owner") }
}

// replay is somebody on the path who has kept datagrams and sends them once
// more, from where they came from or from elsewhere.
func (f *faults) replay(r *rand.Rand, _ time.Duration) func() {
	from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 0, 113, byte(r.IntN(250))}), 4000)
	for range 200 {
		if len(f.heard) == 0 {
			return nil
		}
		d := f.heard[r.IntN(len(f.heard))]
		if r.IntN(2) == 0 {
			d.from = from
		}
		if n := f.w.active; n != nil {
			n.datagram(link.Packet{At: f.w.now, From: d.from, To: doorUDP, Data: d.data})
		}
	}
	return nil
}

// overhear keeps a datagram on its way to the cloud, for replay.
func (f *faults) overhear(p link.Packet) {
	const most = 3000
	r := recorded{p.Data, p.From}
	if len(f.heard) < most {
		f.heard = append(f.heard, r)
		return
	}
	f.heard[f.w.order%most] = r
}
