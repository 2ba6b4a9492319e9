package status

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/watch/incident"
	"github.com/cyan-cloud/cyan/watch/maintenance"
	"github.com/cyan-cloud/cyan/watch/signal"
)

// Headline is the one sentence on top: how it is.
func (v *View) Headline(now time.Time) string {
	open, working := v.open(), v.working()
	switch {
	case !v.Blind.IsZero():
		return "Monitoring is blind: treat everything as unknown."
	case v.stale(now):
		return "This page is out of date: treat everything as unknown."
	case v.unmeasured():
		return "Nothing has been measured lately: treat everything as unknown."
	case len(open) > 0 && open[0].Failing():
		return open[0].Fails() + "."
	case v.Overall() > signal.Operational:
		return "Some things do not work."
	case len(open) > 0:
		return again(&open[0])
	case len(working) > 0 && working[0].Status == maintenance.InProgress:
		return "Maintenance is going on, as announced."
	case len(working) > 0:
		return "Maintenance is over; what it touched is being checked."
	case len(v.silent()) > 0:
		return "What is measured works, but not everything is measured just now."
	default:
		return "Everything works."
	}
}

// again says how it is when nothing fails any more and the incident is not
// over. That devices come back is said only where somebody counts them.
func again(i *incident.Incident) string {
	switch {
	case !i.Recovery.Counted():
		return "It works again; that is being watched before it counts as over."
	case i.Recovery.Open() > 0:
		return "It works again; devices are still coming back."
	default:
		return "It works again, and the devices that it hit answer or are listed."
	}
}

// Lede is what stands below the headline.
func (v *View) Lede(now time.Time) []string {
	open, working := v.open(), v.working()
	switch {
	case !v.Blind.IsZero():
		return []string{"No vantage can tell how the cloud is since " + incident.Clock(v.Blind, v.At) + ". What is below was true before."}
	case v.unmeasured() && !v.stale(now):
		return []string{"The watchtower has just started, or its canaries do not run."}
	case v.stale(now):
		return []string{"It was generated at " + v.At.UTC().Format("2006-01-02 15:04:05 UTC") + " and has not been since."}
	case len(open) > 0 && open[0].Failing():
		i := &open[0]
		list := []string{i.StillWorks(), "Since " + incident.Clock(i.Began, v.At) + "."}
		return filled(append(append(list, i.Advice(v.At)...), i.Next(v.At)))
	case len(open) > 0:
		i := &open[0]
		return filled(append([]string{i.Back()}, append(i.Advice(v.At), i.Next(v.At))...))
	case len(working) > 0 && working[0].Status == maintenance.InProgress:
		w := &working[0]
		return []string{w.Title + ", until " + incident.Clock(w.Ends, v.At) + ".", "What fails beyond what was announced, or after its end, is an incident."}
	case len(working) > 0:
		return []string{working[0].Title + ", which was to end at " + incident.Clock(working[0].Ends, v.At) + ".", "It is over when canaries have come through again; what does not pass is an incident."}
	case len(v.silent()) > 0:
		return filled([]string{"Nobody has looked lately at: " + strings.Join(v.silent(), ", ") + ". Treat these as unknown.", v.proof()})
	default:
		return filled([]string{v.proof()})
	}
}

// proof tells what the last device from nothing met.
func (v *View) proof() string {
	var last *signal.Result
	for i := range v.Strips {
		if s := &v.Strips[i]; s.Story == signal.ColdStart && len(s.Runs) > 0 {
			if r := &s.Runs[len(s.Runs)-1]; r.OK && (last == nil || r.Ended.After(last.Ended)) {
				last = r
			}
		}
	}
	if last == nil {
		return ""
	}
	return fmt.Sprintf("The last device that started from nothing, at %s, connected, was called, answered and said goodbye within %s.",
		last.Started.UTC().Format("15:04:05 UTC"), took(last.Took()))
}

func filled(list []string) []string {
	var full []string
	for _, s := range list {
		if s != "" {
			full = append(full, s)
		}
	}
	return full
}

// State is a component's state in words.
func (v *View) state(c *Component, now time.Time) (class, text string) {
	switch {
	case v.Unknown(now) || c.Silent():
		return "unknown", "unknown"
	case v.underMaintenance(c):
		return "maintenance", "maintenance"
	case c.Severity == signal.Degraded:
		return "degraded", "works for most"
	case c.Severity == signal.Partial:
		return "partial", "fails for most"
	case c.Severity == signal.Major:
		return "major", "fails"
	default:
		return "ok", "works"
	}
}

// Words gives the number in a sentence.
func (m Measured) Words() string {
	if m.Tried == 0 {
		return "not measured"
	}
	return m.count() + " in the last " + over(m.Over)
}

// count is the number without its time.
func (m Measured) count() string {
	return fmt.Sprintf("%s of %s succeeded", percent(float64(m.OK)/float64(m.Tried)), tries(m.Tried))
}

// Words gives the numbers behind the state: of what does not work those of the
// last minutes first, because an hour hides the beginning of an outage.
func (c *Component) Words() string {
	if c.young() {
		return c.Recent.Words() + "; " + c.Measured.Words()
	}
	return c.Measured.Words()
}

// young tells that the last minutes say what the hour does not.
func (c *Component) young() bool { return c.Severity > signal.Operational && c.Recent.Tried > 0 }

func tries(n int) string {
	if n == 1 {
		return "1 try"
	}
	return strconv.Itoa(n) + " tries"
}

func over(d time.Duration) string {
	switch d {
	case time.Hour:
		return "hour"
	case time.Minute:
		return "minute"
	case 5 * time.Minute:
		return "5 minutes"
	default:
		return incident.Span(d)
	}
}

// percent never rounds up to a hundred what is less.
func percent(part float64) string {
	if part >= 1 {
		return "100 %"
	}
	if part <= 0 {
		return "0 %"
	}
	for digits := 1; digits <= 4; digits++ {
		scale := math.Pow10(digits)
		if p := math.Floor(part*100*scale) / scale; p < 100 && (digits == 4 || 100-p >= 1/scale) {
			return strconv.FormatFloat(p, 'f', digits, 64) + " %"
		}
	}
	return "100 %"
}

// took writes a short length of time.
func took(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	case d < time.Second:
		return fmt.Sprintf("%d ms", d/time.Millisecond)
	default:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
}

// steps tells what a run went through, with the time of each step.
func steps(r *signal.Result) string {
	var list []string
	for _, s := range r.Steps {
		if s.OK {
			list = append(list, string(s.Name)+" "+took(s.Took))
		} else {
			list = append(list, string(s.Name)+" failed after "+took(s.Took))
		}
	}
	return strings.Join(list, ", ")
}

// outcome tells in a line what became of a run.
func outcome(r *signal.Result) string {
	at := r.Started.UTC().Format("2006-01-02 15:04:05 UTC")
	switch {
	case r.Blind:
		return at + ": the vantage itself had no network"
	case r.OK:
		return at + ": all well in " + took(r.Took()) + ": " + steps(r)
	default:
		text := at + ": " + string(r.Failed) + " failed"
		if r.Reason != "" {
			text += " (" + r.Reason + ")"
		}
		return text + " after " + took(r.Took()) + ": " + steps(r)
	}
}

// body is the text of an update for everybody.
func body(e *incident.Entry) string {
	switch e.Kind {
	case incident.Disputed:
		return "Somebody of the cloud disputes the measurement, which stands: " + e.Text
	case incident.Claimed:
		var list []string
		for _, s := range e.Shifts {
			list = append(list, fmt.Sprintf("%s: %s.", s.Capability, strings.ReplaceAll(s.To.String(), "_", " ")))
		}
		return e.Text + " " + strings.Join(list, " ")
	default:
		return e.Text
	}
}
