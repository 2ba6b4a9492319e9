package bus

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/cyan-cloud/cyan/cloud/device"
)

// mesh is nodes whose announcements arrive in order, late, or not at all.
type mesh struct {
	nodes []*presence
	queue [][]byte
	now   time.Time
}

func newMesh(n int) *mesh {
	m := &mesh{now: time.Unix(1790000000, 0)}
	for i := range n {
		m.nodes = append(m.nodes, newPresence(string(rune('a'+i)), make(chan struct{}, 1)))
		m.nodes[i].serve(true)
	}
	return m
}

// collect puts what the node has to announce into the queue.
func (m *mesh) collect(i int, beat bool) {
	for _, a := range m.nodes[i].announcements(beat) {
		m.queue = append(m.queue, encodeAnnouncement(&a))
	}
}

// arrive hands the oldest message to all nodes; what they ask for is queued.
func (m *mesh) arrive(t *rapid.T) {
	b := m.queue[0]
	m.queue = m.queue[1:]
	for _, p := range m.nodes {
		a, err := decodeAnnouncement(b)
		if err != nil {
			t.Fatal(err)
		}
		if whom := p.hear(&a, m.now); whom != "" {
			m.queue = append(m.queue, encodeAnnouncement(&announcement{kind: annAsk, from: p.self, whom: whom}))
		}
	}
}

// settle lets heartbeats pass until nothing is left to say.
func (m *mesh) settle(t *rapid.T) {
	for range 6 {
		for i := range m.nodes {
			m.collect(i, true)
		}
		for len(m.queue) > 0 {
			m.arrive(t)
		}
	}
}

// However messages are lost or late, after some heartbeats without loss all
// nodes name the same holder of every device.
func TestPresenceConverges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newMesh(3)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			i := rapid.IntRange(0, 2).Draw(t, "node")
			id := device.ID{byte(rapid.IntRange(1, 5).Draw(t, "device"))}
			switch rapid.IntRange(0, 4).Draw(t, "what") {
			case 0:
				m.nodes[i].set(id, true)
			case 1:
				m.nodes[i].set(id, false)
			case 2:
				m.collect(i, rapid.Bool().Draw(t, "beat"))
			case 3:
				if len(m.queue) > 0 {
					m.arrive(t)
				}
			case 4:
				if len(m.queue) > 0 {
					m.queue = m.queue[1:] // lost
				}
			}
		}
		m.settle(t)
		for n := range byte(6) {
			id := device.ID{n}
			want, held := m.nodes[0].holder(id)
			for _, p := range m.nodes[1:] {
				if got, ok := p.holder(id); got != want || ok != held {
					t.Fatalf("device %d: node %s says %q, node a %q", n, p.self, got, want)
				}
			}
		}
	})
}

func TestPresenceForgetsTheSilent(t *testing.T) {
	m := newMesh(2)
	a := m.nodes[0]
	a.hear(&announcement{kind: annChanges, from: "b", changes: []change{{device.ID{1}, true}}}, m.now)
	a.set(device.ID{2}, true)
	if gone := a.expire(m.now); len(gone) != 0 {
		t.Fatalf("forgot %v, just heard", gone)
	}
	if gone := a.expire(m.now.Add(time.Nanosecond)); len(gone) != 1 || gone[0] != "b" {
		t.Fatalf("forgot %v, want b", gone)
	}
	if _, ok := a.holder(device.ID{1}); ok {
		t.Error("its device is still there")
	}
	if _, ok := a.holder(device.ID{2}); !ok {
		t.Error("the node forgot its own device")
	}
	if devices, nodes := a.stats(); devices != 1 || nodes != 1 {
		t.Errorf("%d devices, %d nodes", devices, nodes)
	}
}

func TestPresenceBoundsWhatWaits(t *testing.T) {
	p := newPresence("a", make(chan struct{}, 1))
	for i := range maxChanges + 10 {
		p.set(device.ID{byte(i >> 16), byte(i >> 8), byte(i)}, true)
	}
	if len(p.changes) > maxChanges || !p.resync {
		t.Fatalf("%d changes wait, resync %v", len(p.changes), p.resync)
	}
	n := 0
	all := p.announcements(false)
	for _, a := range all {
		if len(a.changes) > announceLimit {
			t.Fatalf("an announcement of %d devices", len(a.changes))
		}
		n += len(a.changes)
	}
	if n != maxChanges+10 || all[0].kind != annReset || all[len(all)-1].kind != annAlive {
		t.Errorf("%d devices announced; first %d, last %d", n, all[0].kind, all[len(all)-1].kind)
	}
}
