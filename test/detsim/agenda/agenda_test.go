package agenda

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestAgenda plans and takes out at random, and compares with a sorted list.
func TestAgenda(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var a Agenda
		var want []Happening
		order := uint64(0)
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				order++
				h := Happening{At: rapid.Int64Range(0, 20).Draw(t, "at"), Order: order}
				a.Add(h)
				at, _ := slices.BinarySearchFunc(want, h, func(x, y Happening) int {
					if x.before(&y) {
						return -1
					}
					return 1
				})
				want = slices.Insert(want, at, h)
			},
			"next": func(t *rapid.T) {
				if len(want) == 0 {
					return // nothing is planned
				}
				if got := a.Next(); got.At != want[0].At || got.Order != want[0].Order {
					t.Fatalf("number %d at %d comes out, want number %d at %d", got.Order, got.At, want[0].Order, want[0].At)
				}
				want = want[1:]
			},
		})
	})
}
