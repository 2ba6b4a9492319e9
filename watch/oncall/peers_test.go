package oncall_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/watch/notify/notifytest"
)

// TestPeers: a watchtower that is dead is paged by another, once, within a
// minute; the page says so; and that it lives again ends it, even if the one
// that paged has started anew meanwhile.
func TestPeers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &room{t: t, data: t.TempDir(), peers: []string{"http://other:8090/"}}
		r.open(false)
		r.wait(10*time.Minute, time.Minute)
		if got := r.told(); len(got) != 0 || len(r.phone.Incidents()) != 0 {
			t.Fatalf("while all is well: %v", got)
		}
		died := time.Now()
		r.peer.Set(notifytest.Trouble{Hang: time.Hour})
		r.wait(2*time.Minute, time.Second)
		in := r.phone.Incidents()
		if len(in) != 1 || in[0].Key != "wt:peer:other:8090" || in[0].Triggers != 1 || in[0].Opened.Sub(died) > time.Minute {
			t.Fatalf("the pager has %+v, %s after the death", in, time.Since(died))
		}
		if note := r.Note(); !strings.HasPrefix(note, "another watchtower is dead: other:8090 since ") {
			t.Errorf("the page says %q", note)
		}
		r.end()
		r.peer.Set(notifytest.Trouble{})
		r.open(false)
		defer func() { r.end() }()
		r.wait(time.Minute, time.Second)
		in = r.phone.Incidents()
		in[0].Opened = time.Time{}
		want := []notifytest.PagerIncident{{Key: "wt:peer:other:8090", Summary: "The watchtower at other:8090 is dead: nobody there would notice an outage", Severity: "error", Triggers: 1, Resolved: true}}
		if diff := cmp.Diff(want, in); diff != "" {
			t.Error(diff)
		}
	})
}
