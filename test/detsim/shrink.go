package detsim

import "slices"

// Shrink looks for a smaller plan that breaks the same invariant: without
// faults, and with fewer devices. It gives up after so many runs.
func Shrink(keys *keyring, plan *Plan, invariant string, runs int) *Plan {
	breaks := func(p *Plan) bool {
		runs--
		return Run(keys, p).Invariant == invariant
	}
	small := *plan
	small.Trace = nil
	for size := len(small.Faults); size > 0 && runs > 0; size /= 2 {
		for at := 0; at < len(small.Faults) && runs > 0; {
			next := small
			next.Faults = slices.Delete(slices.Clone(small.Faults), at, min(at+size, len(small.Faults)))
			if breaks(&next) {
				small = next
			} else {
				at += size
			}
		}
	}
	for runs > 0 && small.Devices > 4 {
		next := small
		next.Devices = small.Devices / 2
		if !breaks(&next) {
			break
		}
		small = next
	}
	return &small
}
