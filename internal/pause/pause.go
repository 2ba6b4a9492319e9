// Package pause waits for a while that somebody may cut short.
package pause

import (
	"context"
	"time"
)

// For waits for d, and tells whether ctx is still good.
func For(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
