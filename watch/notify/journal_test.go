package notify_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/cyan-cloud/cyan/watch/journal"
	"github.com/cyan-cloud/cyan/watch/notify"
)

// TestJournal: the watchtower's own journal is one, and gives a pipeline its
// memory back.
func TestJournal(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, settings)
		b.stop()
		for _, n := range []notify.Notice{outage("n1", notify.Trigger), outage("n2", notify.Resolve)} {
			j, err := journal.Open[notify.Record](dir, journal.Config{})
			if err != nil {
				t.Fatal(err)
			}
			p, err := notify.Open(b.config, j)
			if err != nil {
				t.Fatal(err)
			}
			b.Pipeline = p
			b.run()
			b.notify(n)
			b.wait(time.Second)
			b.stop()
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if in := b.pager.Incidents(); len(in) != 1 || !in[0].Resolved {
			t.Errorf("over a restart: %+v", in)
		}
	})
}
