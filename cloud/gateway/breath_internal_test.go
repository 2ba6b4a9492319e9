package gateway

import (
	"testing"
	"time"
)

// TestBreath makes a pause due when there was none for workTime, and not before.
func TestBreath(t *testing.T) {
	var b breath
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	if b.due(now) || b.due(now.Add(workTime-1)) {
		t.Error("a pause is due at once")
	}
	if !b.due(now.Add(workTime)) {
		t.Error("none is due after the whole time")
	}
	b.paused() // it waited for something else
	now = now.Add(time.Minute)
	if b.due(now) || !b.due(now.Add(workTime)) {
		t.Error("the time does not begin anew with a pause")
	}
	b.take()
	if b.due(now.Add(time.Minute)) {
		t.Error("nor with one that was taken")
	}
}
