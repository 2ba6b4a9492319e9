package census

import (
	"time"

	"github.com/cyan-cloud/cyan/watch/incident"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// early is how long before the first failure that anybody saw the disconnect
// may be that it began with.
const early = 2 * time.Minute

// RollOf sums up the disconnects since a time; nil: there was none. A device
// that two of them hit counts as two that were hit and as one that is missing.
func RollOf(list []rest.Recovery, since time.Time) *incident.Recovery {
	var sum *incident.Recovery
	for i := range list {
		v := &list[i]
		if v.At.Before(since.Add(-early)) {
			continue
		}
		if sum == nil {
			sum = new(incident.Recovery)
		}
		sum.Affected += v.Affected
		sum.Owners = max(sum.Owners, v.Owners)
		sum.Connected += v.Connected
		sum.Answering += v.Answering
		sum.Missing += v.Missing
		sum.Listed += v.Listed
		sum.Until = later(sum.Until, v.Until.Time)
	}
	return sum
}
