package alert

import "github.com/cyan-cloud/cyan/watch/signal"

// The severity table, as docs/severity.md states it: what part of the attempts
// has to come well to its end for each severity not to hold.
const (
	degradedBelow = 0.95 // in two windows in a row
	partialBelow  = 0.50
	majorBelow    = 0.02
)

// severity is what a share of success means, when what is behind it is enough
// to mean something.
func severity(success float64) signal.Severity {
	switch {
	case success < majorBelow:
		return signal.Major
	case success < partialBelow:
		return signal.Partial
	case success < degradedBelow:
		return signal.Degraded
	default:
		return signal.Operational
	}
}

// Overall is the state of the page: the worst there is of a core capability,
// but major only when every core capability is; as long as something works it
// is partial.
func Overall(of map[signal.Capability]signal.Severity) signal.Severity {
	worst, best := signal.Operational, signal.Major
	for _, c := range signal.Capabilities() {
		s := of[c]
		if !c.Core() {
			s = min(s, signal.Degraded)
		} else {
			best = min(best, s)
		}
		worst = max(worst, s)
	}
	if worst == signal.Major && best < signal.Major {
		return signal.Partial
	}
	return worst
}
