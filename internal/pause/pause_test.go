package pause_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cyan-cloud/cyan/internal/pause"
)

// TestFor: it takes as long as it is told to, or as long as ctx lives.
func TestFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for _, c := range []struct {
			wait, took time.Duration
			goesOn     bool
		}{
			{20 * time.Second, 20 * time.Second, true},
			{-time.Second, 0, true},
			{time.Hour, 40 * time.Second, false},
			{time.Hour, 0, false},
			{0, 0, false},
		} {
			began := time.Now()
			if goesOn := pause.For(ctx, c.wait); goesOn != c.goesOn || time.Since(began) != c.took {
				t.Errorf("for %v: %v after %v, want %v after %v", c.wait, goesOn, time.Since(began), c.goesOn, c.took)
			}
		}
	})
}
