package maintenance

import "time"

// marks are how long before a window people are reminded of it.
var marks = [...]time.Duration{24 * time.Hour, time.Hour}

// remind tells that it is time to remind people of a window. Who was told less
// than an hour before the last hour needs no reminder; and a mark that passed
// while nobody ran this is made up for once, by the nearest.
func (w *Window) remind(now time.Time) bool {
	for at := len(marks) - 1; at >= 0; at-- {
		mark := w.Starts.Add(-marks[at])
		if now.Before(mark) {
			continue
		}
		return w.Reminded.Before(mark) && !w.Planned.After(mark.Add(-marks[at]))
	}
	return false
}
