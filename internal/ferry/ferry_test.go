package ferry_test

import (
	"testing"

	"github.com/cyan-cloud/cyan/internal/ferry"
)

// TestNeighbours reads what a neighbouring version wrote: parts that end
// early have zeros, and what is behind the known end is left alone.
func TestNeighbours(t *testing.T) {
	type older struct{ a uint32 }
	type newer struct {
		a uint32
		b string
	}
	carryOlder := func(v *older) func(*ferry.Ferry) { return func(f *ferry.Ferry) { ferry.Number(f, &v.a) } }
	carryNewer := func(v *newer) func(*ferry.Ferry) {
		return func(f *ferry.Ferry) { ferry.Number(f, &v.a); ferry.Words(f, &v.b) }
	}
	var f ferry.Ferry
	f.Part(carryOlder(&older{7}))
	var n newer
	f = ferry.Ferry{Bytes: f.Bytes, Landing: true}
	if f.Part(carryNewer(&n)); f.Bad || n != (newer{a: 7}) {
		t.Errorf("from the older: %+v", n)
	}
	f = ferry.Ferry{}
	f.Part(carryNewer(&newer{7, "x"}))
	var o older
	f = ferry.Ferry{Bytes: f.Bytes, Landing: true}
	if f.Part(carryOlder(&o)); f.Bad || len(f.Bytes) != 0 || o != (older{7}) {
		t.Errorf("from the newer: %+v", o)
	}
}
