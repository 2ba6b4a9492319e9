package detsim

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestAgenda plans and takes out at random, and compares with a sorted list.
func TestAgenda(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var a agenda
		var want []happening
		order := uint64(0)
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				order++
				h := happening{at: rapid.Int64Range(0, 20).Draw(t, "at"), order: order}
				a.add(h)
				at, _ := slices.BinarySearchFunc(want, h, func(x, y happening) int {
					if x.before(&y) {
						return -1
					}
					return 1
				})
				want = slices.Insert(want, at, h)
			},
			"next": func(t *rapid.T) {
				if len(want) == 0 {
					t.Skip("nothing is planned")
				}
				if got := a.next(); got.at != want[0].at || got.order != want[0].order {
					t.Fatalf("number %d at %d comes out, want number %d at %d", got.order, got.at, want[0].order, want[0].at)
				}
				want = want[1:]
			},
		})
	})
}
