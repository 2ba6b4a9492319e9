package lane_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/dtls"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// keys are the device's own of its session, out of its memory.
func (s *subject) keys(t testing.TB) dtls.Session {
	t.Helper()
	var memory struct{ Session []byte }
	if err := json.Unmarshal(s.Memory(), &memory); err != nil {
		t.Fatal(err)
	}
	keys, err := dtls.UnmarshalSession(memory.Session)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// chatter makes datagrams as the device would.
func (w *world) chatter(t testing.TB, s *subject) func(message []byte) []byte {
	keys := s.keys(t)
	keys.WriteSeq += 1 << 20
	return func(message []byte) []byte {
		if keys.Remaining() == 0 {
			if err := keys.SetGeneration(keys.Generation() + 1); err != nil {
				t.Fatal(err)
			}
		}
		b, err := keys.Seal(nil, dtls.ApplicationData, message)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
}

func pings(id uint16) []byte { return spark.AppendPing(nil, id) }

func events(id uint16) []byte {
	e := spark.Event{Name: "temps", Data: make([]byte, 100), HasData: true, TTL: 60}
	b, _ := spark.AppendEvent(nil, coap.Confirmable, id, &e, spark.PublishLayout(6200))
	return b
}

// TestAllocations counts what a datagram of a device and the acknowledgement
// that it gets allocate: nothing. The keys of a device that was busy lately are
// expanded already; of another one they are expanded first, twice.
func TestAllocations(t *testing.T) {
	for name, c := range map[string]struct {
		message func(id uint16) []byte
		every   time.Duration
		outs    int
		most    float64
	}{
		"idle":  {pings, 25 * time.Second, 1, 0}, // with what the table is told
		"ping":  {pings, time.Second, 0, 0},
		"event": {events, time.Second, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			oven := w.online("oven", sim.Config{})
			seal := w.chatter(t, oven)
			id := uint16(10_000)
			next := func() []byte { id++; return seal(c.message(id)) }
			list := make([][]byte, 0, 301)
			for range cap(list) {
				list = append(list, next())
			}
			got := testing.AllocsPerRun(cap(list)-1, func() {
				w.now = w.now.Add(c.every)
				in := lane.In{Kind: lane.Datagram, Data: list[0], From: oven.addr, Local: doorstep}
				list = list[1:]
				w.lane.Step(w.now, &in, &w.outs)
				if len(w.outs.Datagrams) != 1 || len(w.outs.List) < c.outs {
					t.Fatalf("%d datagrams and %d outs", len(w.outs.Datagrams), len(w.outs.List))
				}
				w.outs.Reset()
			})
			t.Logf("%s: %.1f allocations", name, got)
			if got > c.most {
				t.Errorf("%.1f allocations for each %s, want at most %v", got, name, c.most)
			}
		})
	}
}

// BenchmarkDatagram is the path of a datagram from a device and of what it is
// answered with, without the sockets.
func BenchmarkDatagram(b *testing.B) {
	for name, message := range map[string]func(id uint16) []byte{"ping": pings, "event": events} {
		b.Run(name, func(b *testing.B) {
			w := newWorld(b)
			oven := w.online("oven", sim.Config{})
			seal := w.chatter(b, oven)
			list := make([][]byte, 60_000)
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				if i%len(list) == 0 {
					b.StopTimer()
					for n := range list {
						list[n] = seal(message(uint16(n)))
					}
					b.StartTimer()
				}
				w.now = w.now.Add(250 * time.Millisecond)
				in := lane.In{Kind: lane.Datagram, Data: list[i%len(list)], From: oven.addr, Local: doorstep}
				w.lane.Step(w.now, &in, &w.outs)
				w.outs.Reset()
			}
		})
	}
}
