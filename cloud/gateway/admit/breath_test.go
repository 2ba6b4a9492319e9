package admit_test

import (
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/gateway/admit"
)

// TestBreath makes a pause due when there was none for admit.WorkTime, and not before.
func TestBreath(t *testing.T) {
	var b admit.Breath
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	if b.Due(now) || b.Due(now.Add(admit.WorkTime-1)) {
		t.Error("a pause is due at once")
	}
	if !b.Due(now.Add(admit.WorkTime)) {
		t.Error("none is due after the whole time")
	}
	b.Paused() // it waited for something else
	now = now.Add(time.Minute)
	if b.Due(now) || !b.Due(now.Add(admit.WorkTime)) {
		t.Error("the time does not begin anew with a pause")
	}
}
