package outage

import (
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/store"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// TestCrashInAnIncident: the cloud crashes while something fails. Who came before
// that failed is gone since the incident began, who came while it did not before
// he came; both were there when the crash was.
func TestCrashInAnIncident(t *testing.T) {
	began := time.Date(2026, 5, 31, 12, 0, 0, 0, time.UTC)
	crash := began.Add(time.Minute)
	s := span{from: began, until: began.Add(time.Hour), incident: &rest.Incident{}}
	cuts := s.cuts([]store.Annotation{{At: crash, Kind: store.KindCrash, Ended: store.UnknownCount}})
	came := func(at time.Time) *device.Attempt {
		return &device.Attempt{Transport: "tcp", Started: at, Ended: at.Add(time.Second), Outcome: device.Succeeded}
	}
	back := came(crash.Add(2 * time.Second))
	for name, c := range map[string]struct {
		tries []*device.Attempt
		from  time.Time
	}{
		"it was there before":  {[]*device.Attempt{back}, began},
		"it came while it did": {[]*device.Attempt{came(began.Add(30 * time.Second)), back}, began.Add(31 * time.Second)},
	} {
		hit, by := s.hit(c.tries, cuts, device.State{})
		if hit == nil || by == nil || !by.at.Equal(crash) || !hit.From.Equal(c.from) || !hit.Until.Equal(back.Ended) || hit.Back != rest.BackHandshake {
			t.Errorf("%s: %+v by %+v", name, hit, by)
		}
	}
	if hit, by := s.hit([]*device.Attempt{came(began.Add(time.Second))}, cuts, device.State{}); hit != nil || by != nil {
		t.Errorf("who came and stayed was hit: %+v", hit)
	}
}
