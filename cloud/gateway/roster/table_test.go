package roster_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/gateway/roster"
)

// TestTable compares the table with three maps.
func TestTable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tab := roster.New()
		conns, states := map[device.ID]uint64{}, map[device.ID]device.Word{}
		id := func() device.ID {
			return device.ID{5: byte(rapid.IntRange(0, 1).Draw(t, "a")), 11: byte(rapid.IntRange(0, 2).Draw(t, "b"))}
		}
		conn := rapid.Uint64Range(1, 3)
		t.Repeat(map[string]func(*rapid.T){
			"take": func(t *rapid.T) {
				id, c := id(), conn.Draw(t, "conn")
				if before := tab.Take(id, int(c), c); before.Conn != conns[id] {
					t.Fatalf("%d had the device, want %d", before.Conn, conns[id])
				}
				conns[id] = c
			},
			"drop": func(t *rapid.T) {
				id, c := id(), conn.Draw(t, "conn")
				if got := tab.Drop(id, c); got != (conns[id] == c) {
					t.Fatalf("%d lets go of what %d has: %v", c, conns[id], got)
				}
				if conns[id] == c {
					delete(conns, id)
				}
			},
			"show": func(t *rapid.T) {
				id, c := id(), conn.Draw(t, "conn")
				word := rapid.SampledFrom([]device.Word{device.Online, device.Limbo, device.Offline}).Draw(t, "word")
				if held := tab.Show(id, c, &device.State{Word: word}); held != (conns[id] == c) {
					t.Fatalf("%d shows what %d has: %v", c, conns[id], held)
				}
				if conns[id] == 0 || conns[id] == c {
					states[id] = word
				}
			},
			"": func(t *rapid.T) {
				connected, limbo := 0, 0
				for id, c := range conns {
					e, ok := tab.Holder(id)
					if !ok || e.Conn != c || e.Lane != int(c) || e.State.Word != states[id] {
						t.Fatalf("%v: %+v, want connection %d that is %v", id, e, c, states[id])
					}
					if st := (device.State{Word: states[id]}); st.Connected() {
						connected++
					}
					if states[id] == device.Limbo {
						limbo++
					}
				}
				if a, b := tab.Count(); a != connected || b != limbo {
					t.Fatalf("%d connected, %d in limbo; want %d, %d", a, b, connected, limbo)
				}
			},
		})
	})
}
