package lane

import (
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cyan-cloud/cyan/cloud/device"
)

// connBudget is how many bytes a connection may take beside its session: a chunk
// of them fills one of the sizes in which the runtime gives memory.
const connBudget = 160

func TestConnIsSmall(t *testing.T) {
	n := unsafe.Sizeof(conn{})
	t.Logf("%d bytes for a connection", n)
	if n > connBudget {
		t.Errorf("%d bytes for a connection, at most %d are wanted", n, connBudget)
	}
}

// TestBook compares a book with a map, while connections come and go and take
// each other's keys.
func TestBook(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := &room{}
		b := newBook(r, func(c *conn) device.ID { return c.device })
		want := map[device.ID]uint64{}
		var last uint64
		t.Repeat(map[string]func(*rapid.T){
			"come": func(t *rapid.T) {
				r.clean()
				last++
				c := r.admit(&conn{id: last, device: device.ID{rapid.Byte().Draw(t, "device")}})
				before := b.put(c)
				if got, known := want[c.device]; known != (before != nil) || known && before.id != got {
					t.Fatalf("%v had the key, want %d", before, got)
				}
				if before != nil {
					r.leave(before)
				}
				want[c.device] = c.id
			},
			"go": func(t *rapid.T) {
				r.clean()
				id := device.ID{rapid.Byte().Draw(t, "device")}
				if c := b.of(id); c != nil {
					b.drop(c)
					r.leave(c)
					if c.device != id {
						t.Fatal("a connection that just ended is gone in the same step")
					}
				}
				delete(want, id)
			},
			"": func(t *rapid.T) {
				got := map[device.ID]uint64{}
				for c := range b.all() {
					got[c.device] = c.id
				}
				if diff := cmp.Diff(want, got); diff != "" || b.len() != len(want) {
					t.Fatal(b.len(), diff)
				}
			},
		})
	})
}
