package census_test

import (
	"strings"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/watch/census"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// TestRestarts counts starts, however they came about, and says of the last
// how that was.
func TestRestarts(t *testing.T) {
	n := func(i int) *int { return &i }
	note := func(minute int, kind string, a rest.Annotation) rest.Annotation {
		a.At, a.Kind, a.Node = rest.At(noon.Add(time.Duration(minute)*time.Minute)), kind, "n1"
		return a
	}
	before := note(-5, "start", rest.Annotation{Sessions: n(0)}) // of the time before the watchtower
	stop := note(10, "stop", rest.Annotation{Sessions: n(5), Ended: n(2)})
	start := note(11, "start", rest.Annotation{Sessions: n(5), Ended: n(0)})
	crash := note(20, "crash", rest.Annotation{Sessions: n(6)})
	upgrade := note(30, "upgrade", rest.Annotation{Sessions: n(7), Ended: n(0), FreezeMS: 12.4})
	drain := note(40, "drain", rest.Annotation{})
	for _, c := range []struct {
		list  []rest.Annotation // newest first
		count int
		how   string
	}{
		{[]rest.Annotation{before}, 0, ""},
		{[]rest.Annotation{start, stop, before}, 1, "as somebody wanted it, stopped at 12:10 UTC: 5 sessions went on, 2 devices had to connect anew"},
		{[]rest.Annotation{crash, start, stop, before}, 2, "after a crash: 6 sessions went on"},
		{[]rest.Annotation{drain, upgrade, crash, start, stop, before}, 3, "by an upgrade: 7 sessions went on, 0 devices had to connect anew, nobody was served for 12 ms"},
	} {
		r := census.RestartsOf(c.list, noon, noon.Add(time.Hour))
		if r.Count != c.count || !strings.HasPrefix(r.How, c.how) || c.count > 0 && r.Last.Before(noon) || !r.Since.Equal(noon) {
			t.Errorf("%+v, want %d, %q", r, c.count, c.how)
		}
	}
}
