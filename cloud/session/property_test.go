package session_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cyan-cloud/cyan/cloud/session"
	"github.com/cyan-cloud/cyan/wire/dtls"
)

// deeds are what may happen in any order, as the lines of a transcript. %d is
// a small number.
var deeds = []string{
	"device hello 6.2.0", "device hello 2.3.1", "device hello 1.5.2", "device describes app", "device describes app f%d",
	"device describes system", "device describes nonsense", "device block %d more", "device block %d last",
	"device subscribes p%d", "device subscribes p%d", "device publishes e%d data", "device shouts e%d data", "device asks",
	"device pings", "device repeats", "device repeats", "device leaves user", "device leaves sleep %d0", "device deaf",
	"device hears", "device lazy", "device eager", "device moves 192.0.2.7:4000%d", "device resumes 192.0.2.7:4001%d",
	"device garbles", "device closes", "device answers 0 returns %d", "device answers 0 int %d", "device answers %d returns 1",
	"device answers 0 describes app", "device answers 0 block %d", "device answers 0 resets", "device answers 0 refuses 4.04",
	"cloud call * echo hi", "cloud call * slow", "cloud read * vint", "cloud ping *", "cloud describe *", "cloud signal * on",
	"cloud cancel %d", "cloud deliver e%d api data", "cloud probe", "cloud close key_replaced", "cloud admit e00fce680000000000000001",
	"store manual", "store automatic", "store broken", "persisted ok", "persisted ok", "persisted err", "tick 0.%ds", "tick %ds",
	"tick %d0s", "restart crash", "restart planned", "attacker 203.0.113.66:666",
}

// life is a world in which anything happens, with a note of what people wait for.
type life struct {
	*world
	calls int
	open  map[int]bool
}

func (l *life) begin(udp bool) {
	l.connect(udp, true, true, deviceID)
	l.open = map[int]bool{}
}

// do lets one thing happen.
func (l *life) do(deed string, n int) {
	deed = strings.ReplaceAll(deed, "%d", fmt.Sprint(n))
	words := strings.Fields(deed)
	switch words[0] {
	case "restart", "attacker":
		if !l.d.udp || l.captured == nil || l.s.Closed() {
			return
		}
		if words[0] == "restart" {
			l.open = map[int]bool{} // whoever waited has lost the process too
		}
	case "persisted":
		if l.token == 0 {
			return
		}
	}
	if strings.Contains(deed, "*") {
		l.calls++
		l.open[l.calls] = true
		words = strings.Fields(strings.ReplaceAll(deed, "*", fmt.Sprint(l.calls)))
	}
	if words[1] == "cancel" {
		n = max(l.calls-n, 0)
		words[2] = fmt.Sprint(n)
		delete(l.open, n)
	}
	if words[1] == "repeats" && l.d.last == nil || words[1] == "closes" && !l.d.udp {
		return
	}
	if strings.HasPrefix(words[1], "close") && n > 0 {
		return // or no session would grow old
	}
	fmt.Fprintf(&l.log, "> %s\n", strings.Join(words, " "))
	_ = l.run(words[0], words[1:]) // what makes no sense now does not happen
	for id := range l.open {
		if l.answered[uint64(id)] {
			delete(l.open, id)
		}
	}
}

// settle ends the session: everybody who waits must get an answer.
func (l *life) settle() {
	l.step(session.In{Kind: session.Replace})
	for id := range l.open {
		if !l.answered[uint64(id)] {
			l.t.Errorf("call %d is never answered", id)
		}
	}
	if !l.s.Deadline().IsZero() {
		l.t.Errorf("a closed session has a deadline")
	}
}

// TestAnythingMayHappen: whatever happens in whatever order, no sequence number
// is used twice, nothing that a device relies on is acknowledged before it would
// outlive a crash, every call is answered once, and a tick at the deadline moves
// the deadline. The world watches all that.
func TestAnythingMayHappen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		l := &life{world: w}
		udp := rapid.IntRange(0, 3).Draw(t, "udp") > 0
		l.begin(udp)
		l.do("device hello "+rapid.SampledFrom([]string{"6.2.0", "6.2.0", "2.3.1", "1.5.2"}).Draw(t, "system"), 0)
		l.do("device describes app", 0)
		for range rapid.IntRange(1, 100).Draw(t, "steps") {
			deed := rapid.SampledFrom(deeds).Draw(t, "deed")
			l.do(deed, rapid.IntRange(0, 9).Draw(t, "n"))
			if l.s.Closed() {
				l.settle()
				l.begin(udp)
			}
		}
		l.settle()
		if t.Failed() {
			t.Log(w.log.String())
		}
	})
}

// TestRecordRoundTrip: after a planned stop a session knows what it knew.
func TestRecordRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		l := &life{world: w}
		l.begin(true)
		for _, deed := range []string{"device hello 6.2.0", "device describes app", "tick 5s"} {
			l.do(deed, 0)
		}
		for range rapid.IntRange(0, 40).Draw(t, "steps") {
			deed := rapid.SampledFrom(deeds).Draw(t, "deed")
			l.do(deed, rapid.IntRange(0, 9).Draw(t, "n"))
		}
		if w.s.Closed() {
			return
		}
		knew := known(w.s, w.now)
		before := w.s.Record()
		next, err := dtls.NextGeneration(before.Generation, w.now)
		if err != nil {
			t.Fatal(err)
		}
		s, err := session.Restore(before, session.Restoration{Generation: next, Exact: true, Now: w.now})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(knew, known(s, w.now)); diff != "" {
			t.Errorf("(-before +after):\n%s", diff)
		}
		after := s.Record()
		if after.Generation != next || after.Device != before.Device || after.CID != before.CID {
			t.Errorf("record of %v %x %d became one of %v %x %d", before.Device, before.CID, before.Generation, after.Device, after.CID, after.Generation)
		}
	})
}

// known is what a session may not forget.
func known(s *session.Session, now time.Time) map[string]any {
	d, ok := s.Describe()
	st := s.State(now)
	return map[string]any{
		"device": s.Device(), "peer": s.Peer().String(), "hello": s.Hello(), "describe": d, "described": ok, "hears": s.Subscriptions(),
		"seen": st.LastSeen, "proven": st.ProvenAt, "keep-alive": st.KeepAlive,
	}
}
