package dense_test

import (
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cyan-cloud/cyan/internal/dense"
)

// TestMap compares the map with one of the language.
func TestMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, want := dense.NewMap[uint16, int](), map[uint16]int{}
		key := rapid.Uint16Range(0, 600)
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				for range rapid.IntRange(1, 100).Draw(t, "times") {
					k, v := key.Draw(t, "key"), rapid.Int().Draw(t, "value")
					p := m.Put(k)
					if *p != want[k] {
						t.Fatalf("%d has %d, want %d", k, *p, want[k])
					}
					*p, want[k] = v, v
				}
			},
			"delete": func(t *rapid.T) {
				for range rapid.IntRange(1, 100).Draw(t, "times") {
					k := key.Draw(t, "key")
					_, known := want[k]
					if m.Delete(k) != known {
						t.Fatalf("%d was there: %v", k, known)
					}
					delete(want, k)
				}
			},
			"delete some": func(t *rapid.T) {
				by := rapid.Uint16Range(1, 5).Draw(t, "by")
				m.DeleteFunc(func(k uint16, _ *int) bool { return k%by == 0 })
				for k := range want {
					if k%by == 0 {
						delete(want, k)
					}
				}
			},
			"": func(t *rapid.T) {
				got := map[uint16]int{}
				for k, v := range m.All() {
					got[k] = *v
				}
				if diff := cmp.Diff(want, got); diff != "" || m.Len() != len(want) {
					t.Fatalf("%d entries, want %d: %s", m.Len(), len(want), diff)
				}
				for k := range uint16(601) {
					v, known := want[k]
					if p := m.At(k); (p != nil) != known || known && *p != v {
						t.Fatalf("%d: %v, want %d, %v", k, p, v, known)
					}
				}
			},
		})
	})
}

// TestMapIsSmall measures what an entry takes beside itself.
func TestMapIsSmall(t *testing.T) {
	const entries, size, beside = 200_000, 12 + 4, 9
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	m := dense.NewMap[[12]byte, uint32]()
	for i := range uint32(entries) {
		*m.Put([12]byte{byte(i), byte(i >> 8), byte(i >> 16)}) = i
	}
	each := float64(heap()-before) / entries
	t.Logf("%.1f bytes for an entry of %d", each, size)
	if each > size+beside {
		t.Errorf("an entry of %d bytes takes %.1f", size, each)
	}
	for i := range uint32(entries) {
		m.Delete([12]byte{byte(i), byte(i >> 8), byte(i >> 16)})
	}
	if left := int(heap() - before); left > entries {
		t.Errorf("%d bytes are left when all are deleted", left)
	}
	runtime.KeepAlive(m)
}

func TestMapAllocatesNothingToLookUp(t *testing.T) {
	m := dense.NewMap[[12]byte, uint32]()
	for i := range byte(200) {
		*m.Put([12]byte{i}) = uint32(i)
	}
	if n := testing.AllocsPerRun(100, func() {
		if v := m.At([12]byte{7}); v == nil || *v != 7 || *m.Put([12]byte{8}) != 8 || m.At([12]byte{201}) != nil {
			t.Error("not what was put in")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
