package roster

import (
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
)

// Absent gives how many devices were lost since a time and are not back, and
// how many of those that do not answer need somebody to go there. Lost is who
// fell silent or was cut off after this process, which was born then, had heard
// of it; who said goodbye is not, and neither is who was away before.
func (t *Table) Absent(since, born time.Time) (missing, listed int) {
	for i := range t {
		s := &t[i]
		s.mu.RLock()
		for _, p := range s.entries.All() {
			held, reason := p.conn.get() != 0, device.Reason(s.words.text(p.reason))
			switch {
			case held && p.word == device.Limbo && reason == device.NeedsHands:
				listed++
			case !held && p.word == device.Offline && lost(reason) && !p.since.get().Before(since) && !p.seen.get().Before(born):
				missing++
			}
		}
		s.mu.RUnlock()
	}
	return missing, listed
}

// lost tells that a session ended without the device wanting it.
func lost(why device.Reason) bool {
	return why.Fault() == device.Network || why.Fault() == device.Cloud
}
