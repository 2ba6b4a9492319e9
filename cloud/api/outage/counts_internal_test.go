package outage

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
)

// TestQuietMinutesAreForgotten has a fleet come back, and then nothing happen:
// a minute later it can still be asked for, and three minutes later its memory
// is given back without anybody asking.
func TestQuietMinutesAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewCounts(time.Now())
		<-time.After(window)
		for n := range 100 {
			c.Attempt(&device.Attempt{Device: device.ID{11: byte(n)}, Outcome: device.Succeeded}, time.Now())
		}
		held := func() (n int) {
			c.mu.Lock()
			defer c.mu.Unlock()
			for _, m := range []*minute{c.now, c.last} {
				if m != nil {
					n += len(m.peers)
				}
			}
			return n
		}
		<-time.After(window + window/2)
		synctest.Wait()
		if m := c.full(time.Now()); m == nil || len(m.peers) != 100 || held() != 100 {
			t.Fatalf("a minute later %+v is told, and %d devices are held", m, held())
		}
		<-time.After(2 * window)
		synctest.Wait()
		if n := held(); n != 0 {
			t.Errorf("three minutes later %d devices are held", n)
		}
		if m := c.full(time.Now()); m == nil || len(m.peers) != 0 || time.Since(m.from) < window {
			t.Errorf("then %+v is told", m)
		}
	})
}
