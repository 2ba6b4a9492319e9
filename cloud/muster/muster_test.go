package muster_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/muster"
	"github.com/cyan-cloud/cyan/sim"
)

// fleet is devices and what a bus says of them.
type fleet struct {
	mu     sync.Mutex
	fn     func(*event.Event)
	states map[device.ID]device.State
}

func (f *fleet) Subscribe(fn func(*event.Event)) (cancel func(), err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fn = fn
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.fn = nil
	}, nil
}

func (f *fleet) States(_ context.Context, ids []device.ID) (map[device.ID]device.State, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := map[device.ID]device.State{}
	for _, id := range ids {
		if s, ok := f.states[id]; ok {
			out[id] = s
		}
	}
	return out, nil
}

// DevicesByID has every third device be of one owner.
func (f *fleet) DevicesByID(_ context.Context, ids []device.ID) (list []device.Device, err error) {
	for _, id := range ids {
		list = append(list, device.Device{ID: id, Owner: account.ID([]string{"ada", "ben", "cy"}[id[0]%3])})
	}
	return list, nil
}

func (f *fleet) is(n int, st device.State) {
	f.mu.Lock()
	defer f.mu.Unlock()
	id := nth(n)
	f.states[id] = st
	if f.fn != nil {
		f.fn(&event.Event{Name: "spark/status", Source: event.FromCloud, Device: id})
	}
}

// forget is a cloud that knows nothing any more.
func (f *fleet) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.states = map[device.ID]device.State{}
}

func nth(n int) device.ID { return device.ID{byte(n), byte(n >> 8), 7} }

// online is a device that is connected and has answered; every third is on UDP.
func online(n int) device.State {
	st := device.State{Word: device.Online, Since: time.Now(), LastSeen: time.Now(), ProvenAt: time.Now(), KeepAlive: 15 * time.Second, Transport: "tcp"}
	if n%3 == 0 {
		st.Transport, st.KeepAlive = "udp", 25*time.Second
	}
	return st
}

func offline(why device.Reason) device.State {
	return device.State{Word: device.Offline, Since: time.Now(), Reason: why, Transport: "tcp"}
}

// rest lets simulated time pass.
func rest(d time.Duration) { time.Sleep(d); synctest.Wait() } //nolint:forbidigo // in a bubble

// open makes a muster in a folder.
func open(t *testing.T, dir string, f *fleet, over func(muster.Recovery)) *muster.Muster {
	t.Helper()
	m, err := muster.New(muster.Config{Dir: dir, Bus: f, Facts: f, Over: func(_ context.Context, r muster.Recovery) {
		if over != nil {
			over(r)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func begin(t *testing.T, m *muster.Muster, kind muster.Kind) {
	t.Helper()
	if err := m.Begin(kind, time.Now()); err != nil {
		t.Fatal(err)
	}
}

func stop(t *testing.T, m *muster.Muster) {
	t.Helper()
	if err := m.Stop(); err != nil {
		t.Error(err)
	}
}

// bounced has so many devices connected, and a cloud that has crashed and
// serves again after a while.
func bounced(t *testing.T, dir string, f *fleet, devices int, down time.Duration, over func(muster.Recovery)) *muster.Muster {
	t.Helper()
	m := open(t, dir, f, nil)
	begin(t, m, muster.Start)
	for n := range devices {
		f.is(n, online(n))
	}
	rest(30 * time.Second)
	if list := m.Recoveries(); len(list) != 0 {
		t.Fatalf("devices have only come, and there is %+v", list)
	}
	stop(t, m)
	f.forget()
	rest(down)
	m = open(t, dir, f, over)
	begin(t, m, muster.Crash)
	return m
}

// TestRollCall crashes a cloud with devices: all are counted, those that come
// back with their times, and the one that is stuck is listed with its name, and
// with the time by which it should have been back, until a day is over.
func TestRollCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fleet{states: map[device.ID]device.State{}}
		ended := make(chan muster.Recovery, 2)
		const devices, stuck = 50, 7
		m := bounced(t, t.TempDir(), f, devices, 20*time.Second, func(r muster.Recovery) { ended <- r })
		up := time.Now()
		rest(500 * time.Millisecond)
		for n := range devices {
			if n != stuck && n != 8 {
				f.is(n, online(n))
			}
		}
		f.is(8, device.State{Word: device.Limbo, Since: time.Now(), Transport: "tcp", Reason: device.NoAnswer})
		rest(3 * time.Second)
		r := m.Recoveries()[0]
		if r.Kind != muster.Crash || r.Affected != devices || r.UDP != 17 || r.Owners != 3 || r.Back.Sum() != 48 || r.Missing != 1 || r.Connected != 1 || r.Listed != 0 {
			t.Errorf("after 3 s: %+v", r)
		}
		if d := r.Up.Sub(r.At); d < 19*time.Second || d > 31*time.Second {
			t.Errorf("the cloud was down for 20 s, and it says %v", d)
		}
		if d, ok := r.Quantile(.5); !ok || d < 450*time.Millisecond || d > 600*time.Millisecond {
			t.Errorf("half of them were back after %v, %t", d, ok)
		}
		if d, ok := r.Quantile(.99); ok {
			t.Errorf("99 %% were back after %v, and two of fifty are not", d)
		}
		f.is(8, online(8))
		rest(time.Minute)
		r = m.Recoveries()[0]
		if r.Missing != 1 || r.Connected != 0 || r.Listed != 1 {
			t.Errorf("when its own clock has run out, the one that is stuck is not listed: %+v", r)
		}
		list, more, err := m.Absent(t.Context(), nil, 10)
		want := []muster.Absent{{Device: nth(stuck), Of: r.ID, Since: r.At.Truncate(time.Second), Up: r.Up, Expected: up.Add(4*time.Second + 40*time.Second)}}
		if d := cmp.Diff(want, list); d != "" || more != 0 || err != nil {
			t.Error(d, more, err)
		}
		if list, _, _ := m.Absent(t.Context(), map[device.ID]bool{nth(1): true}, 10); len(list) != 0 {
			t.Errorf("of somebody else's: %v", list)
		}
		if len(ended) != 0 {
			t.Errorf("it is over, and one is missing: %+v", <-ended)
		}
		rest(25 * time.Hour)
		stop(t, m)
		if len(ended) != 1 {
			t.Fatalf("after a day it has ended %d times", len(ended))
		}
		if r := <-ended; r.GivenUp != 1 || r.Back.Sum() != devices-1 {
			t.Errorf("after a day: %+v", r)
		}
	})
}

// TestSecondCrash has the cloud crash again while devices are missing: they are
// missing since the first.
func TestSecondCrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, dir := &fleet{states: map[device.ID]device.State{}}, t.TempDir()
		m := bounced(t, dir, f, 10, time.Second, nil)
		rest(time.Millisecond)
		for n := range 8 {
			f.is(n, online(n))
		}
		rest(5 * time.Second)
		first := m.Recoveries()[0]
		stop(t, m)
		f.forget()
		// A crash of the machine may cut a line off, and what is known of the first
		// recovery besides may be lost.
		file, err := os.OpenFile(filepath.Join(dir, "roll"), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = file.Write([]byte{1, 2, 3})
		file.Close()
		rest(time.Second)
		m = open(t, dir, f, nil)
		begin(t, m, muster.Crash)
		rest(2 * time.Second)
		list := m.Recoveries()
		if len(list) != 2 || list[0].Affected != 8 || list[0].Missing != 8 || list[1].Missing != 2 || list[1].Affected != 10 || list[1].Back.Sum() != 8 {
			t.Errorf("after the second crash: %+v", list)
		}
		absent, _, err := m.Absent(t.Context(), nil, 100)
		if err != nil || len(absent) != 10 || absent[0].Of != first.ID || absent[1].Of != first.ID || !absent[0].Since.Equal(first.At.Truncate(time.Second)) {
			t.Errorf("%+v, %v", absent, err)
		}
		for n := range 10 {
			f.is(n, online(n))
		}
		rest(2 * time.Second)
		for _, r := range m.Recoveries() {
			if r.Over.IsZero() || r.Missing != 0 {
				t.Errorf("all are back, and it goes on: %+v", r)
			}
		}
		stop(t, m)
		m = open(t, dir, f, nil)
		if err := m.Continue(); err != nil { // as after a hand-over: nobody has left
			t.Fatal(err)
		}
		rest(2 * time.Second)
		if list := m.Recoveries(); len(list) != 2 || list[0].Over.IsZero() {
			t.Errorf("after a hand-over: %+v", list)
		}
		stop(t, m)
	})
}

// TestTogether tells a disconnect that hits many from devices that go one by
// one, and from those that say goodbye.
func TestTogether(t *testing.T) {
	for name, c := range map[string]struct {
		leave int
		every time.Duration
		why   device.Reason
		want  muster.Kind // empty: it is none
	}{
		"many at once":          {30, 10 * time.Millisecond, device.PeerClosed, muster.Disconnect},
		"few":                   {5, 10 * time.Millisecond, device.PeerClosed, ""},
		"one by one":            {30, 20 * time.Second, device.PeerClosed, ""},
		"many to sleep":         {30, 10 * time.Millisecond, device.DeviceSleep, ""},
		"many that are drained": {3, 10 * time.Second, device.ServerShutdown, muster.Drain},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fleet{states: map[device.ID]device.State{}}
				m := open(t, t.TempDir(), f, nil)
				begin(t, m, muster.Start)
				for n := range 100 {
					f.is(n, online(n))
				}
				rest(time.Minute)
				for n := range c.leave {
					f.is(n, offline(c.why))
					rest(c.every)
				}
				rest(2 * time.Second)
				list := m.Recoveries()
				switch {
				case c.want == "" && len(list) > 0:
					t.Errorf("nothing has happened to many, and it says %+v", list)
				case c.want != "" && (len(list) != 1 || list[0].Kind != c.want || list[0].Affected != c.leave || list[0].Missing != c.leave):
					t.Errorf("%d have left, and it says %+v", c.leave, list)
				}
				for n := range c.leave {
					f.is(n, online(n))
				}
				rest(2 * time.Minute)
				for _, r := range m.Recoveries() {
					if r.Over.IsZero() || r.Back.Sum() != c.leave {
						t.Errorf("all are back: %+v", r)
					}
				}
				stop(t, m)
			})
		})
	}
}

// TestCurve compares what is expected with virtual devices, which have Device
// OS's back-off and were at any point of it, after outages of any length: at no
// time is the difference more than a tenth of them.
func TestCurve(t *testing.T) {
	for _, down := range []time.Duration{time.Second, 20 * time.Second, 2 * time.Minute, 10 * time.Minute, time.Hour} {
		const devices = 1000
		r := muster.Recovery{At: time.Unix(0, 0), Up: time.Unix(0, 0).Add(down), Affected: devices}
		var took []time.Duration
		for n := range devices {
			at, failures := time.Duration(0), 0
			for at < down {
				failures++
				at += sim.Backoff(failures)
			}
			late := sim.Backoff(failures) * time.Duration(n) / devices // its tries took a while
			for at-sim.Backoff(failures)+late >= down {
				at -= sim.Backoff(failures)
			}
			took = append(took, at+late-down)
		}
		for _, p := range r.Curve(r.Up.Add(time.Hour)) {
			back := 0
			for _, d := range took {
				if d <= p.After {
					back++
				}
			}
			if diff := back - p.Expected; diff > devices/10 || diff < -devices/10 {
				t.Errorf("down for %v, after %v: %d of %d are back, %d were expected", down, p.After, back, devices, p.Expected)
			}
		}
	}
}
