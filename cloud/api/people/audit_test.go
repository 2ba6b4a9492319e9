package people_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/api/people"
)

// notebook notes how many entries were written together, and after how long.
type notebook struct {
	began  time.Time
	writes []write
}

type write struct {
	After   time.Duration
	Entries int
}

func (n *notebook) AddEntries(_ context.Context, entries []account.Entry) error {
	n.writes = append(n.writes, write{time.Since(n.began), len(entries)})
	return nil
}

func (n *notebook) Audit(context.Context, account.AuditQuery) ([]account.Entry, error) {
	return nil, nil
}

// TestRecorderGathers: an entry after a pause is written at once, those that
// follow ten times a second, many without a rest, and none is left at the end.
func TestRecorderGathers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &notebook{began: time.Now()}
		c := people.NewRecorder(n, nil, slog.New(slog.DiscardHandler))
		record := func(entries int) {
			for range entries {
				c.Record(account.Entry{})
			}
			synctest.Wait()
		}
		<-time.After(time.Second)
		record(1)
		for range 3 {
			<-time.After(10 * time.Millisecond)
			record(2)
		}
		<-time.After(time.Second)
		record(1)
		record(1200)
		<-time.After(150 * time.Millisecond)
		record(1)
		c.Close()
		const ms = time.Millisecond
		if diff := cmp.Diff([]write{
			{1000 * ms, 1}, {1100 * ms, 6}, {2030 * ms, 1}, {2130 * ms, 500}, {2130 * ms, 500}, {2130 * ms, 200}, {2180 * ms, 1},
		}, n.writes); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
