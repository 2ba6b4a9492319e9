package maintenance

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/watch/signal"
)

const (
	// enough is how many runs in a row of each canary have to go well, all of
	// them begun after the work was over, until what it looks at is proven.
	enough = 3
	// checkWithin is how long that may take; more where canaries run seldom.
	checkWithin = 5 * time.Minute
	// silent is for how long a canary says nothing until it is not waited for;
	// more where it runs seldom. After forgot it counts as one that never was.
	silent = 3 * time.Minute
	forgot = time.Hour
)

// CheckState is how far the proof of a capability has come.
type CheckState string

// The states of a check.
const (
	Proven      CheckState = "works"
	Waiting     CheckState = "waiting"      // for runs; none has failed
	Failing     CheckState = "fails"        // a run has, and not enough went well since
	Unseen      CheckState = "unseen"       // somebody looked before, and nobody does now
	NotMeasured CheckState = "not_measured" // nobody ever looked
)

// Check is what canaries saw of a capability since the work was over.
type Check struct {
	Capability signal.Capability `json:"capability"`
	State      CheckState        `json:"state"`
	Runs       int               `json:"runs"` // that went well in a row, of the canary with the fewest
	Of         int               `json:"of"`   // so many are enough
}

// Words says it for people.
func (k Check) Words() string {
	switch k.State {
	case Proven:
		return "works"
	case Waiting:
		return strconv.Itoa(k.Runs) + " of " + strconv.Itoa(k.Of) + " runs in a row"
	case Failing:
		return "fails"
	case Unseen:
		return "nobody looks at it any more"
	default:
		return "nobody measures it"
	}
}

// Unproven tells that the work on a capability was announced, and that it has
// not passed its check yet.
func (w *Window) Unproven(c signal.Capability) bool {
	return w.Status == Verifying && w.Touches(c) && !slices.ContainsFunc(w.Checks, func(k Check) bool { return k.Capability == c && k.State == Proven })
}

// eye is a canary that looks at a capability.
type eye struct {
	story                       signal.Story
	vantage, ingress, transport string
	capability                  signal.Capability
}

// sight is what it saw lately.
type sight struct {
	good     [enough]time.Time // when its last runs in a row began that went well, the newest first
	last     time.Time         // it ended a run
	pace     time.Duration     // between its last two
	failed   time.Time         // when its last run began that did not go well
	reason   string
	evidence string
}

// Saw takes what became of a canary's run.
func (c *Calendar) Saw(r *signal.Result) {
	for _, reading := range r.Readings() {
		key := eye{r.Story, r.Vantage, r.Ingress, r.Transport, reading.Capability}
		s := c.sights[key]
		if s == nil {
			s = new(sight)
			c.sights[key] = s
		} else if r.Ended.After(s.last) {
			s.pace = r.Ended.Sub(s.last)
		}
		s.last = r.Ended
		if reading.OK {
			copy(s.good[1:], s.good[:])
			s.good[0] = r.Started
			continue
		}
		s.good = [enough]time.Time{}
		s.failed, s.reason, s.evidence = r.Started, r.Reason, r.Evidence
	}
}

// proven counts the runs in a row that began after the work was over.
func (s *sight) proven(over time.Time) (n int) {
	for _, at := range s.good {
		if at.Before(over) {
			break
		}
		n++
	}
	return n
}

// gone tells that a canary does not run any more.
func (s *sight) gone(now time.Time) bool { return now.Sub(s.last) > max(silent, 3*s.pace) }

// check gives how far the proof of a capability has come, and what failed last
// since the work was over; nil: nothing has.
func (c *Calendar) check(k signal.Capability, over, now time.Time) (Check, *sight) {
	check := Check{Capability: k, State: NotMeasured, Of: enough}
	var failed *sight
	for key, s := range c.sights {
		if key.capability != k {
			continue
		}
		if check.State == NotMeasured {
			check.State = Unseen
		}
		if !s.failed.Before(over) && !s.failed.IsZero() && s.proven(over) < enough && (failed == nil || s.failed.Before(failed.failed)) {
			failed = s
		}
		if s.gone(now) {
			continue
		}
		n := s.proven(over)
		if check.State == Unseen {
			check.State, check.Runs = Proven, n
		}
		if check.Runs = min(check.Runs, n); check.Runs < enough {
			check.State = Waiting
		}
	}
	if _, bad := c.bad[k]; bad || failed != nil {
		check.State, check.Runs = Failing, 0
	}
	return check, failed
}

// deadline is when a window's check has to be done.
func (c *Calendar) deadline(w *Window) time.Time {
	within := checkWithin
	for key, s := range c.sights {
		if w.Touches(key.capability) {
			within = max(within, (enough+1)*s.pace)
		}
	}
	from := w.over()
	if c.begun.After(from) { // nobody has looked before this calendar was opened
		from = c.begun
	}
	return from.Add(within)
}

// verify checks what a window touched. What does not pass in time is an incident
// by itself; when everything has passed, the window is completed.
func (c *Calendar) verify(now time.Time, w *Window) (judged []signal.Judgement, changes []Change) {
	late, done := !now.Before(c.deadline(w)), true
	w.Checks = nil
	for _, k := range signal.Capabilities() {
		if !w.Touches(k) {
			continue
		}
		check, failed := c.check(k, w.over(), now)
		w.Checks = append(w.Checks, check)
		_, bad := c.bad[k]
		switch {
		case check.State == Proven:
			if c.own[k] {
				delete(c.own, k)
				judged = append(judged, signal.Judgement{At: now, Capability: k, By: signal.ByCanary, Tried: enough})
			}
			continue
		case check.State == NotMeasured && late:
			continue
		case bad && !now.Before(w.Ends):
			changes = append(changes, w.overrun(now, k.String()+" fails beyond the announced end: that is an incident.")...)
		case !bad && failed != nil && late && !c.own[k]:
			c.own[k] = true
			judged = append(judged, accuse(now, k, w, failed))
			changes = append(changes, w.overrun(now, k.String()+" has not passed its check: that is an incident.")...)
		case check.State == Unseen && late:
			changes = append(changes, w.overrun(now, "Nobody has looked at this since the work was over: "+k.String()+". Treat it as unknown.")...)
		}
		done = false
	}
	if !done {
		return judged, changes
	}
	w.Status, w.Closed = Completed, now.UTC()
	return judged, append(changes, w.turn(now, "", w.result()))
}

// accuse makes an incident of a check that did not pass. How bad it is the judge
// says, who has not called it an outage: it works for some.
func accuse(now time.Time, k signal.Capability, w *Window, s *sight) signal.Judgement {
	return signal.Judgement{
		At: now, Capability: k, Severity: signal.Degraded, Since: s.failed, By: signal.ByCanary, Reason: s.reason,
		Evidence: strings.TrimSpace("It did not pass its check after the maintenance \"" + w.Title + "\". " + s.evidence),
	}
}

// overrun writes down, once, that the window does not close in time.
func (w *Window) overrun(now time.Time, text string) []Change {
	if w.Overran {
		return nil
	}
	w.Overran = true
	return []Change{w.turn(now, "", text)}
}

// over is when the work was said to be done.
func (w *Window) over() time.Time {
	if !w.Done.IsZero() && w.Done.Before(w.Ends) {
		return w.Done
	}
	return w.Ends
}

// result says what became of a window whose check is done.
func (w *Window) result() string {
	var unknown []string
	for _, k := range w.Checks {
		if k.State == NotMeasured {
			unknown = append(unknown, k.Capability.String())
		}
	}
	switch {
	case len(unknown) == 0:
		return "Completed: everything that it touched is measured to work."
	case len(unknown) == len(w.Checks):
		return "Completed. Nobody measures what it touched: " + strings.Join(unknown, ", ") + "."
	default:
		return "Completed: what is measured of it works. Nobody measures: " + strings.Join(unknown, ", ") + "."
	}
}
