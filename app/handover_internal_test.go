package app

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestRecheck: tokens are looked up at once, while the process before may revoke
// some, and once it has ended; until that look has gone well it is repeated.
func TestRecheck(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		ended := make(chan struct{})
		time.AfterFunc(12*time.Second, func() { close(ended) })
		var looks []time.Duration
		recheck(t.Context(), ended, func(context.Context) error {
			looks = append(looks, time.Since(start))
			if at := time.Since(start); at == 12*time.Second {
				return errors.New("the database is locked")
			}
			return nil
		})
		want := []time.Duration{0, 5 * time.Second, 10 * time.Second, 12 * time.Second, 15 * time.Second}
		if diff := cmp.Diff(want, looks); diff != "" {
			t.Error(diff)
		}
	})
}

// TestRecheckEnds with the process, whatever the database says.
func TestRecheckEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second)
		defer cancel()
		looks := 0
		recheck(ctx, nil, func(context.Context) error {
			looks++
			return errors.New("the database is locked")
		})
		if looks != 2 {
			t.Errorf("it looked %d times", looks)
		}
	})
}
