package drill_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/cloud/drill"
	"github.com/cyan-cloud/cyan/cloud/fault"
)

// TestEndsByItself: whoever began it may be gone.
func TestEndsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		b := drill.NewBook(func(d drill.Drill) {
			word := "begins"
			if !d.Ended.IsZero() {
				word = "ends after " + d.Ended.Sub(d.Began).String()
			}
			told = append(told, word)
		})
		first, err := b.Begin(drill.NewConnections, "ada", 0, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Begin(drill.NewConnections, "bob", time.Minute, time.Now()); fault.KindOf(err) != fault.Conflict {
			t.Errorf("a second one at the same time: %v", err)
		}
		time.Sleep(drill.Standard + time.Millisecond) //nolint:forbidigo // in a bubble
		synctest.Wait()
		if _, err := b.End(first.ID, time.Now()); err != nil {
			t.Errorf("ending what is over: %v", err)
		}
		second, err := b.Begin(drill.NewConnections, "bob", time.Minute, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Second) //nolint:forbidigo // in a bubble
		if _, err := b.End(second.ID, time.Now()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour) //nolint:forbidigo // in a bubble
		want := []string{"begins", "ends after 3m0s", "begins", "ends after 20s"}
		if d := cmp.Diff(want, told); d != "" {
			t.Error(d)
		}
		if list := b.List(); len(list) != 2 || list[0].Author != "bob" {
			t.Errorf("%+v", list)
		}
	})
}

// TestRefused: what is no drill does not begin.
func TestRefused(t *testing.T) {
	b := drill.NewBook(func(d drill.Drill) { t.Errorf("%+v begins", d) })
	for _, c := range []struct {
		kind string
		d    time.Duration
	}{{"everything", time.Minute}, {drill.NewConnections, time.Hour}, {drill.NewConnections, time.Second}} {
		if _, err := b.Begin(c.kind, "ada", c.d, time.Now()); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s for %v: %v", c.kind, c.d, err)
		}
	}
	if _, err := b.End("none", time.Now()); fault.KindOf(err) != fault.NotFound {
		t.Error(err)
	}
}
