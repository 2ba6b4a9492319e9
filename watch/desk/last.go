package desk

import (
	"maps"
	"slices"

	"github.com/cyan-cloud/cyan/watch/signal"
	"github.com/cyan-cloud/cyan/watch/status"
)

// LastDrill is the last exercise; false: there was none.
func (d *Desk) LastDrill() (status.Drill, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.drill == nil {
		return status.Drill{}, false
	}
	return *d.drill, true
}

// Days gives what each capability was like on the days that the page shows,
// oldest first.
func (d *Desk) Days() map[signal.Capability][]status.Day {
	d.mu.Lock()
	defer d.mu.Unlock()
	days := maps.Clone(d.days.Days)
	for c := range days {
		days[c] = slices.Clone(days[c])
	}
	return days
}
