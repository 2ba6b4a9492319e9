package gateway

import (
	"context"
	"io"
	"log/slog"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/cyan-cloud/cyan/cloud/bus"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
	"github.com/cyan-cloud/cyan/cloud/gateway/socket"
	"github.com/cyan-cloud/cyan/cloud/store"
)

// TestMailbox fills a mailbox: datagrams and events have bounds of their own,
// and what must not be lost always finds room.
func TestMailbox(t *testing.T) {
	m := newMailbox()
	many := make([]input, mailboxSize+10)
	if rest := m.putAll(many[:mailboxSize-1]); len(rest) != 0 { // the zero kind is Tick
		t.Errorf("%d ticks find no room", len(rest))
	}
	for i := range many {
		many[i].Kind = lane.Datagram
	}
	if rest := m.putAll(many); len(rest) != 10 {
		t.Errorf("%d datagrams of %d find no room, want 10", len(rest), len(many))
	}
	for i := range mailboxSize + 5 {
		if ok := m.put(input{In: lane.In{Kind: lane.Happened}}); ok != (i < mailboxSize) {
			t.Fatalf("event %d finds room: %v", i, ok)
		}
	}
	for _, k := range []lane.InKind{lane.Saved, lane.LookedUp, lane.Opened, lane.ReplyMade, lane.CallDevice, lane.StreamData, lane.Restore} {
		if !m.put(input{In: lane.In{Kind: k}}) {
			t.Errorf("input %d finds no room", k)
		}
	}
	select {
	case <-m.wake:
	default:
		t.Error("nobody is woken")
	}
	if got := len(m.takeAll(nil)); got != mailboxSize-1+2*mailboxSize+7 {
		t.Errorf("%d inputs come out", got)
	}
	if rest := m.putAll(many); len(rest) != 10 || len(m.takeAll(nil)) != mailboxSize {
		t.Errorf("when it is empty again %d find no room", len(rest))
	}
}

// TestMailboxOfFew gives to somebody else than the lane's goroutine what is
// little and quickly done, and nothing of the rest.
func TestMailboxOfFew(t *testing.T) {
	quick := []input{{In: lane.In{Kind: lane.Datagram}}, {In: lane.In{Kind: lane.CallDevice}}, {In: lane.In{Kind: lane.StreamData}}}
	slow := map[string]input{
		"part of a handshake": {In: lane.In{Kind: lane.Datagram}, knock: true},
		"an event":            {In: lane.In{Kind: lane.Happened}},
		"a job":               {job: func() {}},
		"a restored session":  {In: lane.In{Kind: lane.Restore}},
	}
	m := newMailbox()
	if _, ok := m.takeFew(nil); ok {
		t.Error("there is something in an empty one")
	}
	for name, in := range slow {
		m.putAll(quick)
		m.leave(in)
		if ins, ok := m.takeFew(nil); ok {
			t.Errorf("with %s %d are given", name, len(ins))
		}
		if n := len(m.takeAll(nil)); n != len(quick)+1 {
			t.Errorf("with %s there are %d", name, n)
		}
		m.putAll(quick)
		if ins, ok := m.takeFew(nil); !ok || len(ins) != len(quick) {
			t.Errorf("after %s the few are not given", name)
		}
	}
	for range few + 1 {
		m.leave(quick[0])
	}
	if _, ok := m.takeFew(nil); ok {
		t.Error("many are given")
	}
	select {
	case <-m.wake:
		t.Error("somebody is woken without a signal")
	default:
	}
}

// TestMailboxOrder puts and takes at random: nothing is lost and nothing
// overtakes.
func TestMailboxOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newMailbox()
		put, taken := uint32(0), uint32(0)
		var spare []input
		t.Repeat(map[string]func(*rapid.T){
			"put": func(*rapid.T) { put++; m.put(input{In: lane.In{Kind: lane.Saved, Token: put}}) },
			"take": func(t *rapid.T) {
				ins := m.takeAll(spare)
				for _, in := range ins {
					if taken++; in.Token != taken {
						t.Fatalf("%d comes where %d is due", in.Token, taken)
					}
				}
				spare = ins
			},
		})
	})
}

// TestSlowStream writes to a device that takes nothing: beyond the bound it is
// cut off, and one whose connection ends is not waited for for long.
func TestSlowStream(t *testing.T) {
	near, far := net.Pipe() // takes nothing that is not read
	defer far.Close()
	ps := &pipes{open: map[*pipe]struct{}{}}
	p := &pipe{conn: near, pipes: ps, gone: make(chan struct{})}
	piece := make([]byte, 1000)
	taken := 0
	for p.write(piece) {
		if taken++; taken > 10*maxUnsent {
			t.Fatal("it takes all there is")
		}
	}
	if most := 2 * maxUnsent / len(piece); taken < maxUnsent/len(piece) || taken > most {
		t.Errorf("%d pieces wait, want at most %d", taken, most)
	}
	p.finish()
	if n, err := io.CopyN(io.Discard, far, int64(taken*len(piece))); err != nil {
		t.Errorf("of what was written before the end %d bytes come: %v", n, err)
	}
	if _, err := far.Read(piece); err != io.EOF {
		t.Errorf("and then %v, want the end", err)
	}
	ps.close()
	if ps.add(p, func() {}) {
		t.Error("after the end a stream is let in")
	}
}

// TestDeafStream ends the connection of a device that takes nothing any more:
// it is not waited for for ever.
func TestDeafStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer far.Close()
		ps := &pipes{open: map[*pipe]struct{}{}}
		p := &pipe{conn: near, pipes: ps, gone: make(chan struct{})}
		ps.add(p, func() { _, _ = near.Read(make([]byte, 1)) })
		p.write([]byte("goodbye"))
		began := time.Now()
		p.finish()
		ps.busy.Wait()
		if waited := time.Since(began); waited != lastWords || len(ps.open) != 0 {
			t.Errorf("the stream is open for %v more, and %d are left", waited, len(ps.open))
		}
	})
}

// TestStalledStream hands over a stream whose device has taken half a frame, and
// takes no more: that does not wait for it. What is left is all that is left,
// and goes on where it was, here or in another process.
func TestStalledStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer far.Close()
		ps := &pipes{open: map[*pipe]struct{}{}}
		p := &pipe{conn: near, pipes: ps, gone: make(chan struct{})}
		p.write([]byte("half a frame"))
		half := make([]byte, 4)
		if _, err := io.ReadFull(far, half); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // the writer has begun, and is stuck
		p.write([]byte(", and another"))
		left := p.silence()
		if got := string(half) + string(left); got != "half a frame, and another" {
			t.Errorf("%q has come, %q is left", half, left)
		}
		p.write([]byte(", and more")) // while nobody writes
		p.speak()
		rest := make([]byte, len(" a frame, and another, and more"))
		if _, err := io.ReadFull(far, rest); err != nil || string(rest) != " a frame, and another, and more" {
			t.Errorf("then %q comes, %v", rest, err)
		}
		p.finish()
		ps.busy.Wait()
	})
}

// TestPanic has the handling of one input panic: it costs that input only.
func TestPanic(t *testing.T) {
	g, err := Start(t.Context(), Config{Lanes: 1, Bus: noBus{}, Records: noRecords{}})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Stop()
	g.lanes[0].tell(lane.In{Kind: lane.Happened}) // without an event
	id := device.ID{1}
	g.table.Take(id, 0, 7)
	if _, err := g.Call(t.Context(), bus.Call{Device: id, Kind: bus.Ping}); err == nil || err.Error() != lane.ErrGone.Error() {
		t.Errorf("then a call gives %v", err)
	}
}

// TestDrive brings something to a lane that has nothing to do: it has happened
// when drive returns, and nobody is woken. While somebody is at the lane, before
// run runs and after it, what is brought waits for run, which is woken.
func TestDrive(t *testing.T) {
	g := &Gateway{log: slog.New(slog.DiscardHandler), started: time.Now(), share: 1}
	r := g.newRunner(0)
	bring := func() (woken bool) {
		p := packets.Get().(*socket.Packet)
		record := p.Data[:copy(p.Data[:], []byte{23, 0xfe, 0xfd, 0, 1, 12: 0})] // of a session that nobody has
		r.mail.leave(input{In: lane.In{Kind: lane.Datagram, Data: record}, buffer: p})
		r.drive()
		select {
		case <-r.mail.wake:
			return true
		default:
			return false
		}
	}
	heard := func() int { return int(r.lane.Stats().UnknownSession) }
	if woken := bring(); !woken || heard() != 0 {
		t.Errorf("before run: run is woken %v, and %d were heard", woken, heard())
	}
	r.awake, r.timer = true, time.NewTimer(time.Hour)
	if woken := bring(); woken || heard() != 2 {
		t.Errorf("with nobody at the lane: run is woken %v, and %d were heard, want 2", woken, heard())
	}
	if r.alarm.IsZero() {
		t.Error("nobody looks after the lane's timers")
	}
	r.turn.Lock()
	if woken := bring(); !woken || heard() != 2 {
		t.Errorf("with somebody at the lane: run is woken %v, and %d were heard, want 2", woken, heard())
	}
	r.turn.Unlock()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r.run(ctx) // once
	if woken := bring(); !woken || heard() != 3 {
		t.Errorf("after run: run is woken %v, and %d were heard, want 3", woken, heard())
	}
}

type noBus struct{}

func (noBus) Publish(*event.Event) error                   { return nil }
func (noBus) Subscribe(func(*event.Event)) (func(), error) { return func() {}, nil }
func (noBus) Serve(bus.Gateway) (func(), error)            { return func() {}, nil }
func (noBus) Holding(device.ID)                            {}
func (noBus) Released(device.ID)                           {}

type noRecords struct{ Records }

func (noRecords) AdoptSessions(context.Context, time.Time, func(store.SessionRow) error) error {
	return nil
}
