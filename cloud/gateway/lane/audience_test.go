package lane

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cyan-cloud/cyan/cloud/event"
)

// An audience finds whom a look at every subscription would find.
func TestAudience(t *testing.T) {
	words := rapid.SampledFrom([]string{"", "a", "a/", "a/b", "ab", "b", "oven/", "oven/pit", "spark/", "Particle", "oven"})
	rapid.Check(t, func(t *rapid.T) {
		var a audience
		conns := make([]*conn, 6)
		wants := map[*conn]map[string]bool{}
		for i := range conns {
			conns[i] = &conn{id: uint64(i)}
			wants[conns[i]] = map[string]bool{}
		}
		someone := rapid.SampledFrom(conns)
		t.Repeat(map[string]func(*rapid.T){
			"subscribe": func(t *rapid.T) {
				c, prefix := someone.Draw(t, "who"), words.Draw(t, "prefix")
				a.add(prefix, c)
				wants[c][prefix] = true
			},
			"leave": func(t *rapid.T) {
				c := someone.Draw(t, "who")
				for _, i := range c.hears {
					i.remove(c)
				}
				c.hears = nil
				clear(wants[c])
			},
			"": func(t *rapid.T) {
				name := words.Draw(t, "name") + words.Draw(t, "more")
				if event.Reserved(name) {
					return // those are never looked for
				}
				var want []*conn
				for _, c := range conns {
					for prefix := range wants[c] {
						if strings.HasPrefix(name, prefix) && !slices.Contains(want, c) {
							want = append(want, c)
						}
					}
				}
				if got := a.of(name, nil); !slices.Equal(got, want) {
					t.Fatalf("%q is for %d connections, not %d", name, len(got), len(want))
				}
				if empty := len(a.byPrefix) == 0; empty != (len(a.lengths) == 0) {
					t.Fatalf("%d prefixes of %d lengths", len(a.byPrefix), len(a.lengths))
				}
			},
		})
	})
}

// An event's cost does not grow with devices that want others.
func TestAudienceOfManyAllocatesNothing(t *testing.T) {
	var a audience
	for i := range 1000 {
		c := &conn{id: uint64(i)}
		a.add("spark", c)
		a.add("orders", c)
	}
	if len(a.byPrefix) != 1 {
		t.Errorf("%d prefixes are indexed", len(a.byPrefix))
	}
	list := make([]*conn, 0, 8)
	if n := testing.AllocsPerRun(100, func() { list = a.of("temperature", list[:0]) }); n != 0 || len(list) != 0 {
		t.Errorf("%v allocations, %d connections", n, len(list))
	}
}
