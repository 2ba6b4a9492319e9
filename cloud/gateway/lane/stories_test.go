package lane_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
	"github.com/cyan-cloud/cyan/cloud/session"
	"github.com/cyan-cloud/cyan/sim"
)

// online connects a device and waits until its start-up is complete.
func (w *world) online(name string, cfg sim.Config) *subject {
	w.t.Helper()
	s := w.device(name, cfg, false)
	w.feel(s, sim.PowerOn{})
	w.run(20 * time.Second)
	if s.Phase() != sim.Connected {
		w.t.Fatalf("%s is %v", name, s.Phase())
	}
	return s
}

// ping asks a device for a sign of life.
func (w *world) ping(s *subject) error {
	w.t.Helper()
	a := w.call(s, session.Call{Kind: session.Ping}, 2*time.Second)
	if a == nil {
		return fmt.Errorf("no answer at all")
	}
	return a.Err
}

// TestRebinding gives a device another address behind its back, as a NAT does:
// while its handshake still lingers, and again much later. One with a
// connection id is answered there from its next word on.
func TestRebinding(t *testing.T) {
	w := newWorld(t)
	oven := w.online("oven", sim.Config{Application: sim.Oven(0)})
	for i := range 3 {
		oven.addr = netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 0, 113, byte(i)}), 6000)
		w.run(15 * time.Second) // in which it publishes
		if err := w.ping(oven); err != nil {
			t.Errorf("from its address %v a ping answers %v", oven.addr, err)
		}
		w.run(60 * time.Second)
	}
	if s := w.lane.Stats(); s.Conns != 1 {
		t.Errorf("%+v, want one connection", s)
	}
	if n := len(w.tries); n != 1 {
		t.Errorf("%d attempts recorded, want only the first: a NAT's whim is none", n)
	}
}

// TestTakeover moves a device without connection ids by its word (a record of
// type 254), and puts another one at the address that it had.
func TestTakeover(t *testing.T) {
	w := newWorld(t)
	first := w.online("first", generations(t)["udp-2.3"])
	old := first.addr
	w.reboot(first, true)
	w.run(10 * time.Second)
	if first.addr == old || w.ping(first) != nil {
		t.Fatalf("the first device is at %v, and was at %v", first.addr, old)
	}
	second := w.device("second", generations(t)["udp-2.3"], false)
	second.addr, second.stays = old, true
	w.feel(second, sim.PowerOn{})
	w.run(20 * time.Second)
	for _, s := range w.devices {
		if err := w.ping(s); err != nil {
			t.Errorf("%s answers %v", s.name, err)
		}
	}
	if s := w.lane.Stats(); s.Conns != 2 || s.UnknownSession != 0 {
		t.Errorf("%+v, want two connections", s)
	}
}

// TestBadNetwork connects devices over networks that lose, double, delay and
// so reorder datagrams; Check looks on at every step.
func TestBadNetwork(t *testing.T) {
	for _, name := range []string{"udp-6.2", "udp-2.3", "udp-1.x"} {
		for seed := range uint64(4) {
			t.Run(fmt.Sprint(name, "-", seed), func(t *testing.T) {
				w := newWorld(t)
				luck := rand.New(rand.NewPCG(seed, 1))
				w.fate = func() (int, time.Duration) {
					late := time.Duration(luck.IntN(300)) * time.Millisecond
					switch n := luck.IntN(10); {
					case n < 2:
						return 0, 0
					case n < 4:
						return 2, late
					default:
						return 1, late
					}
				}
				oven := w.device("oven", generations(t)[name], false)
				w.feel(oven, sim.PowerOn{})
				w.run(4 * time.Minute)
				w.fate = nil
				w.run(2 * time.Minute)
				if err := w.ping(oven); err != nil || oven.Phase() != sim.Connected {
					t.Errorf("the device is %v and a ping answers %v\n%s", oven.Phase(), err, w.log.String())
				}
				if s := w.lane.Stats(); s.Conns != 1 || s.HalfOpen != 0 {
					t.Errorf("%+v, want one connection", s)
				}
			})
		}
	}
}

// TestLostFinished loses the last flight of a handshake: the device repeats
// its own, be it with each message in a datagram of its own, and gets it again.
func TestLostFinished(t *testing.T) {
	for _, name := range []string{"udp-6.2", "udp-2.3"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			oven := w.device("oven", generations(t)[name], false)
			w.feel(oven, sim.PowerOn{})
			w.until(func() bool { return w.saves > 0 })
			oven.cut = true
			w.run(time.Second)
			oven.cut = false
			w.run(20 * time.Second)
			if len(w.tries) != 1 || w.tries[0].Outcome != device.Succeeded {
				t.Errorf("attempts %+v, want the first to succeed", w.tries)
			}
		})
	}
}

// TestStoreFull is a store that stops taking anything: a device that shakes
// hands then is told nothing that it could believe in, and one in its start-up
// gets no acknowledgement, until the store is back.
func TestStoreFull(t *testing.T) {
	for _, name := range []string{"udp-6.2", "udp-2.3", "udp-1.x"} {
		t.Run(name+"-handshake", func(t *testing.T) {
			w := newWorld(t)
			w.full = true
			oven := w.device("oven", generations(t)[name], false)
			w.feel(oven, sim.PowerOn{})
			w.run(5 * time.Second)
			if len(w.tries) == 0 || w.tries[0].Reason != device.KeyStoreUnavailable || stagesOf(&w.tries[0]) != "socket>key_exchange" {
				t.Errorf("attempts %+v", w.tries)
			}
			w.full = false
			w.run(60 * time.Second)
			if oven.Phase() != sim.Connected {
				t.Errorf("when the store is back the device is %v", oven.Phase())
			}
		})
		t.Run(name+"-startup", func(t *testing.T) {
			w := newWorld(t)
			oven := w.device("oven", generations(t)[name], false)
			w.feel(oven, sim.PowerOn{})
			w.until(func() bool { return len(w.saved) > 0 })
			w.full = true
			w.run(30 * time.Second)
			if len(w.tries) != 0 {
				t.Errorf("with a full store the device's attempt ended: %+v", w.tries)
			}
			if name == "udp-6.2" && oven.Phase() == sim.Connected {
				t.Error("with a full store the device believes that it is connected")
			}
			w.full = false
			w.run(60 * time.Second)
			if len(w.tries) != 1 || w.tries[0].Outcome != device.Succeeded || w.ping(oven) != nil {
				t.Errorf("when the store is back the device is %v, attempts %+v", oven.Phase(), w.tries)
			}
		})
	}
}

// TestNeverStored is what becomes of a session that the store says it will not
// take any more.
func TestNeverStored(t *testing.T) {
	for name, want := range map[string]struct {
		err   error
		words string
	}{
		"another process has it": {fault.Errorf(fault.Conflict, "later"), "offline superseded"},
		"the device is deleted":  {fault.Errorf(fault.NotFound, "gone"), "offline unknown_device"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			oven := w.online("oven", sim.Config{Application: sim.Oven(0)})
			w.broken = want.err
			oven.addr = stranger(1)
			w.run(15 * time.Second)
			if s := w.lane.Stats(); s.Conns != 0 || !strings.Contains(w.log.String(), "oven is "+want.words) {
				t.Errorf("%+v, and not %q\n%s", s, want.words, w.log.String())
			}
		})
	}
}

// TestFanOut is which device gets which event.
func TestFanOut(t *testing.T) {
	w := newWorld(t)
	scoped := func(all bool) sim.Config {
		return sim.Config{Profile: profile(t, "os-2.3"), Application: sim.Application{
			Subscriptions: []sim.Subscription{{Prefix: "oven/", All: all}},
		}}
	}
	mine, all := w.online("mine", scoped(false)), w.online("all", scoped(true))
	other := w.device("other", scoped(false), false)
	w.owners[other.id] = "stranger"
	nobody := w.device("nobody", scoped(true), false)
	w.owners[nobody.id] = ""
	for _, s := range []*subject{other, nobody} {
		w.feel(s, sim.PowerOn{})
	}
	w.run(20 * time.Second)

	for _, c := range []struct {
		event event.Event
		want  []*subject
	}{
		{event.Event{Name: "oven/lid", Owner: "maker"}, []*subject{mine, all}},
		{event.Event{Name: "oven/lid", Owner: "maker", Public: true}, []*subject{mine, all, nobody}},
		{event.Event{Name: "oven/lid", Owner: "stranger"}, []*subject{other}},
		{event.Event{Name: "oven/lid", Owner: "stranger", Public: true}, []*subject{other, all, nobody}},
		{event.Event{Name: "oven/lid", Public: true}, []*subject{all, nobody}},
		{event.Event{Name: "oven/lid"}, nil},
		{event.Event{Name: "oven", Owner: "maker"}, nil},
		{event.Event{Name: "Oven/lid", Owner: "maker"}, nil},
		{event.Event{Name: "spark/status", Owner: "maker", Source: event.FromCloud}, nil},
		{event.Event{Name: "particle/device/name", Owner: "maker", Source: event.FromCloud}, nil},
		{event.Event{Name: "SPARK/device/reset", Owner: "maker"}, nil},
		{event.Event{Name: "spark/device/key/restore", Owner: "maker", Source: event.FromCloud}, nil},
		{event.Event{Name: "/spark/device/key/restore", Owner: "maker", Source: event.FromCloud}, nil},
	} {
		var want, got []string
		for _, s := range c.want {
			want = append(want, s.name)
		}
		for _, s := range w.devices {
			s.notes, s.heard = nil, 0
		}
		e := c.event
		e.Data, e.HasData, e.TTL = []byte("open"), true, time.Minute
		w.cloud(lane.In{Kind: lane.Happened, Event: &e})
		w.run(2 * time.Second)
		for _, s := range w.devices {
			if s.heard > 0 {
				got = append(got, s.name)
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s of %q, public %v, went to %v, want %v", e.Name, e.Owner, e.Public, got, want)
		}
	}
}

// TestOwnerChanged moves a device from one owner to the next: its events and
// those for it go with it, also when it changes hands in its start-up.
func TestOwnerChanged(t *testing.T) {
	for _, name := range []string{"connected", "arriving"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			oven := w.device("oven", sim.Config{Application: sim.Oven(0)}, false)
			w.feel(oven, sim.PowerOn{})
			w.until(func() bool { return len(w.saved) > 0 })
			if name == "connected" {
				w.run(20 * time.Second)
			}
			w.cloud(lane.In{Kind: lane.OwnerChanged, Device: oven.id, Owner: "buyer"})
			w.run(20 * time.Second)
			for owner, want := range map[account.ID]bool{"maker": false, "buyer": true} {
				oven.notes = nil
				w.cloud(lane.In{Kind: lane.Happened, Event: &event.Event{Name: "oven/lid", Owner: owner, TTL: time.Minute}})
				w.run(2 * time.Second)
				if got := strings.Contains(strings.Join(oven.notes, "\n"), "oven/lid"); got != want {
					t.Errorf("an event of %s reached the device: %v", owner, got)
				}
			}
			if last := w.published[len(w.published)-1]; last.Owner != "buyer" {
				t.Errorf("its events are %q's", last.Owner)
			}
		})
	}
}

// TestKeyReplaced gives a device another key. Whatever was made with the old
// one ends: its session, a handshake that waits for the store, and one that is
// done and has yet to say Hello.
func TestKeyReplaced(t *testing.T) {
	replace := func(w *world, s *subject) {
		w.keys[s.id] = device.Key{Algorithm: device.ECC, SPKI: []byte("another")}
		w.cloud(lane.In{Kind: lane.CloseDevice, Device: s.id, Reason: device.KeyReplaced})
	}
	begin := map[string]func(w *world, s *subject){
		"connected": func(w *world, s *subject) { w.run(20 * time.Second) },
		"stored":    func(w *world, s *subject) { w.until(func() bool { return len(w.saved) > 0 }) },
		"asking": func(w *world, s *subject) {
			w.slow = time.Second
			w.until(func() bool { return w.saves > 0 })
		},
	}
	for name, until := range begin {
		for _, behaviour := range []sim.Behaviour{sim.WellBehaved, sim.Silent} {
			for _, transport := range []sim.Transport{sim.UDP, sim.TCP} {
				if transport == sim.TCP && name != "connected" {
					continue
				}
				t.Run(fmt.Sprint(name, "-", behaviour, "-", transport), func(t *testing.T) {
					w := newWorld(t)
					cfg := sim.Config{Transport: transport, Behaviour: behaviour}
					if transport == sim.TCP {
						cfg.Profile = profile(t, "os-2.3")
					}
					oven := w.device("oven", cfg, false)
					w.feel(oven, sim.PowerOn{})
					until(w, oven)
					replace(w, oven)
					if s := w.lane.Stats(); s.Conns != 0 {
						t.Fatalf("%+v, want no connection", s)
					}
					w.run(3 * time.Second)
					oven.gone = true
					w.run(100 * time.Second)
					if len(w.saved) != 0 {
						t.Error("the old key's session is still stored")
					}
					for _, try := range w.tries {
						if try.Outcome == device.Succeeded && name != "connected" {
							t.Errorf("let in: %+v", try)
						}
					}
				})
			}
		}
	}
}

// TestGarbageRecords takes up what is no session: it is counted, and the
// devices shake hands as if nothing had been there.
func TestGarbageRecords(t *testing.T) {
	w := newWorld(t)
	oven := w.online("oven", sim.Config{})
	good := w.saved[oven.id]
	restore := func(r session.Record) {
		w.cloud(lane.In{Kind: lane.Restore, Row: &lane.Restored{
			Record: r, Owner: "maker", How: session.Restoration{Generation: r.Generation + 1, Seed: 1, Now: w.now},
		}})
	}
	w.with(func(*lane.Config) {})
	bad := uint64(0)
	for n := range len(good.Blob) {
		r := good
		r.Blob = good.Blob[:n]
		restore(r)
		bad++
	}
	for _, blob := range [][]byte{nil, {}, []byte("garbage"), make([]byte, 100_000), append(slices.Clone(good.Blob), 0)} {
		r := good
		r.Blob = blob
		restore(r)
		bad++
	}
	r := good
	r.Device[0]++ // another device's row
	restore(r)
	bad++
	if s := w.lane.Stats(); s.Unreadable != bad || s.Conns != 0 || w.drops[lane.DropUnreadable] != int(bad) {
		t.Errorf("%d records of no use: %+v", bad, s)
	}
	restore(good)
	if err := w.ping(oven); err != nil || w.lane.Stats().Conns != 1 {
		t.Errorf("the good one: a ping answers %v", err)
	}
}

// TestCrashAndMove is a crash of the cloud while the device's NAT forgets it. A
// session is cautious then, and a device without connection ids is found only
// where it was: it has to be found where it is asked, too.
func TestCrashAndMove(t *testing.T) {
	for _, name := range []string{"udp-6.2", "udp-2.3", "udp-1.x"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			oven := w.online("oven", generations(t)[name])
			oven.addr = stranger(0)
			w.restart()
			w.run(2 * time.Minute)
			if err := w.ping(oven); err != nil {
				t.Errorf("two minutes later a ping answers %v\n%s", err, w.log.String())
			}
			for _, try := range w.tries[1:] {
				if try.Reason != device.Resumed {
					t.Errorf("the device shook hands: %+v", try)
				}
			}
		})
	}
}

// stop is a planned stop of the cloud, and its next life; lives tells how many
// others came to nothing between.
func (w *world) stop(lives int) {
	w.say("the cloud is stopped")
	list := w.lane.LastRecords()
	w.life++
	w.lane = lane.New(w.cfg)
	for _, r := range list {
		stored := r.Generation
		for range 1 + lives {
			stored = r.Generation
			r.Generation++
		}
		w.cloud(lane.In{Kind: lane.Restore, Row: &lane.Restored{Record: r, Owner: w.owners[r.Device], How: session.Restoration{
			Generation: r.Generation, Exact: r.IsLast(stored), Seed: 3, Now: w.now,
		}}})
	}
}

// TestPlannedStop restarts the cloud with what it knew to the last: the first
// word of a device counts, and no earlier one does again. When another life
// came between that was not stored, nothing is sure.
func TestPlannedStop(t *testing.T) {
	for name, lives := range map[string]int{"stop": 0, "a life between": 1} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			oven := w.online("oven", sim.Config{})
			other := w.device("on tcp", generations(t)["tcp-2.3"], false)
			w.feel(other, sim.PowerOn{})
			w.run(10 * time.Second)
			seal := w.chatter(t, oven)
			before, after := seal(events(5001)), seal(events(5002))
			temps := func() (n int) {
				for _, e := range w.published {
					if e.Name == "temps" {
						n++
					}
				}
				return n
			}
			say := func(datagram []byte) int {
				n := temps()
				w.cloud(lane.In{Kind: lane.Datagram, Data: datagram, From: oven.addr, Local: doorstep})
				return temps() - n
			}
			if say(before) != 1 {
				t.Fatal("an event is not published")
			}
			w.stop(lives)
			if n := w.lane.Stats().Conns; n != 1 {
				t.Errorf("%d sessions are taken up, want that on UDP", n)
			}
			if say(before) != 0 {
				t.Error("an event of before is published again")
			}
			if got, want := say(after), 1-lives; got != want {
				t.Errorf("%d events of after are published, want %d", got, want)
			}
		})
	}
}
