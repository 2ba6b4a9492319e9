package notify

import (
	"fmt"
	"time"
)

// Lines are a status for people at a terminal; stamp writes a time as they
// want it.
func (s *Status) Lines(stamp func(time.Time) string) []string {
	var list []string
	add := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	for _, o := range s.Outlets {
		stage := "informed"
		if o.Stage > 0 {
			stage = fmt.Sprintf("stage %d", o.Stage)
		}
		add("%-18s  %-8s  %-8s %d waiting, last %s  %s", o.Name, stage, o.State, o.Waiting, stamp(o.Last), o.Words)
	}
	for _, w := range s.Switches {
		state := "ok"
		if !w.Unreachable.IsZero() {
			state = "unreachable since " + stamp(w.Unreachable)
		}
		add("%-18s  %-8s  %s, last %s  %s", w.Name, "switch", state, stamp(w.Last), w.Words)
	}
	for _, a := range s.Alerts {
		add("")
		add("%s  %s", a.Severity, a.Summary)
		add("  %s, open since %s", a.Key, stamp(a.Opened))
		if a.Acked != nil {
			add("  %s has it since %s", a.Acked.By, stamp(a.Acked.At))
		}
		for _, p := range a.Proof {
			add("  %s  %s took the %s: %s", stamp(p.At), p.Outlet, p.Kind, p.Words)
		}
		for _, l := range a.Lost {
			add("  %s  %s never took the %s: %s", stamp(l.At), l.Outlet, l.Kind, l.Words)
		}
	}
	return list
}
