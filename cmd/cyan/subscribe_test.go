package main

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A stream without events says after ten seconds that it is alive, and then
// once a minute; one that is dead claims nothing.
func TestSilentStreamSaysThatItIsAlive(t *testing.T) {
	for _, tc := range []struct {
		name   string
		events time.Duration // how often one comes; 0: never
		heard  bool          // the cloud's keep-alives come
		after  time.Duration
		want   int
	}{
		{name: "not yet", heard: true, after: 9 * time.Second, want: 0},
		{name: "in doubt", heard: true, after: 11 * time.Second, want: 1},
		{name: "still in doubt", heard: true, after: 3 * time.Minute, want: 3},
		{name: "busy", events: 4 * time.Second, heard: true, after: 3 * time.Minute, want: 0},
		{name: "dead", after: 3 * time.Minute, want: 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var talk bytes.Buffer
				c := &cli{err: &talk}
				began := time.Now()
				var last atomic.Int64
				last.Store(began.UnixMilli())
				heard := func() time.Time {
					if tc.heard {
						return time.Now().Add(-2 * time.Second)
					}
					return began.Add(-doubtAfter)
				}
				ctx, cancel := context.WithTimeout(t.Context(), tc.after)
				defer cancel()
				var publishing sync.WaitGroup
				if tc.events > 0 {
					publishing.Go(func() { // ends with ctx
						for ctx.Err() == nil {
							<-time.After(tc.events)
							last.Store(time.Now().UnixMilli())
						}
					})
				}
				c.reassure(ctx, heard, &last)
				publishing.Wait()
				if got := strings.Count(talk.String(), "the stream is alive, the cloud was heard 2 s ago\n"); got != tc.want {
					t.Errorf("said it %d times, want %d:\n%s", got, tc.want, talk.String())
				}
			})
		})
	}
}
