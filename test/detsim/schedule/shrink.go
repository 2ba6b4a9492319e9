package schedule

import "slices"

// Shrink looks for a smaller plan that breaks the same: without faults, and with
// fewer devices. breaks runs a plan and tells. It gives up after so many runs.
func Shrink(plan *Plan, runs int, breaks func(*Plan) bool) *Plan {
	small := *plan
	small.Trace = nil
	for size := len(small.Faults); size > 0 && runs > 0; size /= 2 {
		for at := 0; at < len(small.Faults) && runs > 0; {
			next := small
			next.Faults = slices.Delete(slices.Clone(small.Faults), at, min(at+size, len(small.Faults)))
			if runs--; breaks(&next) {
				small = next
			} else {
				at += size
			}
		}
	}
	for runs > 0 && small.Devices > 4 {
		next := small
		next.Devices = small.Devices / 2
		if runs--; !breaks(&next) {
			break
		}
		small = next
	}
	return &small
}
