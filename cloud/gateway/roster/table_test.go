package roster_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/gateway/roster"
)

// TestTable compares the table with four maps.
func TestTable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tab := roster.New()
		conns, states, traits := map[device.ID]uint64{}, map[device.ID]device.Word{}, map[device.ID]device.Traits{}
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
					delete(traits, id)
				}
			},
			"sort": func(t *rapid.T) {
				id, c := id(), conn.Draw(t, "conn")
				kind := device.Traits{
					Owner: rapid.SampledFrom([]account.ID{"", "alice"}).Draw(t, "owner"), Product: uint16(rapid.IntRange(0, 1).Draw(t, "product")),
				}
				if tab.Sort(id, c, kind); conns[id] == c {
					traits[id] = kind
				}
			},
			"show": func(t *rapid.T) {
				id, c := id(), conn.Draw(t, "conn")
				word := rapid.SampledFrom([]device.Word{device.Online, device.Limbo, device.Unknown, device.Offline}).Draw(t, "word")
				if held := tab.Show(id, c, &device.State{Word: word}); held != (conns[id] == c) {
					t.Fatalf("%d shows what %d has: %v", c, conns[id], held)
				}
				if conns[id] == 0 || conns[id] == c {
					states[id] = word
				}
			},
			"": func(t *rapid.T) {
				connected, limbo := 0, 0
				want, got := map[device.Traits]device.Headcount{}, map[device.Traits]device.Headcount{}
				for id, c := range conns {
					e, ok := tab.Holder(id)
					if !ok || e.Conn != c || e.Lane != int(c) || e.State.Word != states[id] {
						t.Fatalf("%v: %+v, want connection %d that is %v", id, e, c, states[id])
					}
					if st := (device.State{Word: states[id]}); st.Connected() {
						connected++
					}
					n := device.Headcount{}
					switch states[id] {
					case device.Online:
						n.Online = 1
					case device.Limbo:
						limbo++
						n.Limbo = 1
					case device.Unknown:
						n.Unheard = 1
					default:
						continue
					}
					n.Add(want[traits[id]])
					want[traits[id]] = n
				}
				tab.Tally(func(kind device.Traits, n device.Headcount) {
					n.Add(got[kind])
					got[kind] = n
				})
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatal(diff)
				}
				if a, b := tab.Count(); a != connected || b != limbo {
					t.Fatalf("%d connected, %d in limbo; want %d, %d", a, b, connected, limbo)
				}
			},
		})
	})
}

// TestStrangeVersionsAreBounded has each device say another version again and
// again: a class that nobody is of any more makes room.
func TestStrangeVersionsAreBounded(t *testing.T) {
	tab := roster.New()
	const devices, rounds = 4, 1 << 16
	for i := range devices {
		id := device.ID{0: byte(i)}
		tab.Take(id, 0, 1)
		tab.Show(id, 1, &device.State{Word: device.Online})
	}
	for n := range rounds {
		for i := range devices {
			tab.Sort(device.ID{0: byte(i)}, 1, device.Traits{Owner: "alice", Firmware: uint16(n), System: uint16(1 + i)})
		}
	}
	kinds, all := 0, 0
	tab.Tally(func(kind device.Traits, n device.Headcount) {
		if kinds++; kind.Owner == "alice" {
			all += n.Online
		}
	})
	if kinds != devices || all != devices {
		t.Errorf("%d devices of alice's of %d kinds, want %d", all, kinds, devices)
	}
}

// BenchmarkTally counts a million devices that are of five owners, five
// products and five versions, as it is done once a second.
func BenchmarkTally(b *testing.B) {
	tab := roster.New()
	const devices = 1_000_000
	for i := range devices {
		id := device.ID{0: byte(i >> 16), 5: byte(i), 11: byte(i >> 8)}
		tab.Take(id, 0, 1)
		tab.Sort(id, 1, device.Traits{Owner: account.ID('a' + rune(i%5)), Product: uint16(i / 5 % 5), Firmware: uint16(i / 25 % 5)})
		tab.Show(id, 1, &device.State{Word: device.Online})
	}
	b.ReportAllocs()
	for b.Loop() {
		sum := 0
		tab.Tally(func(_ device.Traits, n device.Headcount) { sum += n.Online })
		if sum != devices {
			b.Fatal(sum)
		}
	}
}
