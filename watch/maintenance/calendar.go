package maintenance

import (
	"crypto/sha256"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/watch/signal"
)

// Calendar holds the windows. It belongs to one goroutine.
type Calendar struct {
	all    []*Window                              // oldest plan first
	bad    map[signal.Capability]signal.Judgement // what fails now, held back or not
	held   map[signal.Capability]bool             // which of these are held back
	own    map[signal.Capability]bool             // what did not pass its check, and no judge calls bad
	sights map[eye]*sight                         // what canaries saw last
	begun  time.Time                              // applied first
}

// New makes an empty calendar. Replay fills it with what a journal kept.
func New() *Calendar {
	return &Calendar{
		bad: make(map[signal.Capability]signal.Judgement), held: make(map[signal.Capability]bool), own: make(map[signal.Capability]bool),
		sights: map[eye]*sight{},
	}
}

// Change is something that happened to a window, with the window as it is
// since.
type Change struct {
	At     time.Time `json:"at"`
	Window Window    `json:"window"`
	Text   string    `json:"text"`
}

// Replay brings back what a change said.
func (c *Calendar) Replay(ch Change) {
	kept := ch.Window.clone()
	if w := c.find(kept.ID); w != nil {
		*w = kept
	} else {
		c.all = append(c.all, &kept)
	}
}

// List gives all windows, the newest start first. They are copies.
func (c *Calendar) List() []Window {
	list := make([]Window, 0, len(c.all))
	for _, w := range c.all {
		list = append(list, w.clone())
	}
	slices.SortStableFunc(list, func(a, b Window) int { return b.Starts.Compare(a.Starts) })
	return list
}

// Get gives a window by its id or its number.
func (c *Calendar) Get(id string) (Window, error) {
	if w := c.find(id); w != nil {
		return w.clone(), nil
	}
	return Window{}, ErrUnknown
}

// Held lists the capabilities that fail now and are held back.
func (c *Calendar) Held() []signal.Judgement {
	var list []signal.Judgement
	for _, k := range signal.Capabilities() {
		if c.held[k] {
			list = append(list, c.bad[k])
		}
	}
	return list
}

// Plan adds a window. Of the plan it takes kind, title, reason, author, zone,
// effects, start, end and what it remedies.
func (c *Calendar) Plan(now time.Time, plan Window) (Change, error) {
	if err := plan.check(now); err != nil {
		return Change{}, err
	}
	w := plan.clone()
	w.Starts, w.Ends, w.Planned, w.Status = w.Starts.UTC(), w.Ends.UTC(), now.UTC(), Scheduled
	w.Done, w.Closed, w.Reminded, w.Overran, w.Checks, w.Timeline = time.Time{}, time.Time{}, time.Time{}, false, nil, nil
	w.Number = len(c.all) + 1
	w.ID = shortID(w.Planned, w.Number)
	c.all = append(c.all, &w)
	return w.turn(now, w.Who, w.Announcement()), nil
}

// Cancel takes a window back that has not begun.
func (c *Calendar) Cancel(now time.Time, id, who, why string) (Change, error) {
	w := c.find(id)
	switch {
	case w == nil:
		return Change{}, ErrUnknown
	case strings.TrimSpace(who) == "":
		return Change{}, ErrEmpty
	case w.Status != Scheduled:
		return Change{}, ErrStarted
	}
	w.Status, w.Closed = Cancelled, now.UTC()
	return w.turn(now, who, strings.TrimSpace("Cancelled. "+why)), nil
}

// Finish ends the work before its announced end: from now on what fails is an
// incident again.
func (c *Calendar) Finish(now time.Time, id, who string) (Change, error) {
	w := c.find(id)
	switch {
	case w == nil:
		return Change{}, ErrUnknown
	case strings.TrimSpace(who) == "":
		return Change{}, ErrEmpty
	case w.Status != InProgress:
		return Change{}, ErrNotBegun
	}
	w.Status, w.Done = Verifying, now.UTC()
	return w.turn(now, who, "The work is done; what it touched is checked."), nil
}

// Apply takes what has changed of the judgement and gives what is to be an
// incident, and what happened to windows. It is called every second: windows
// begin and end by time alone.
func (c *Calendar) Apply(now time.Time, judged []signal.Judgement) (pass []signal.Judgement, changes []Change) {
	if c.begun.IsZero() {
		c.begun = now
	}
	for key, s := range c.sights {
		if now.Sub(s.last) > forgot {
			delete(c.sights, key)
		}
	}
	for _, w := range c.all {
		changes = append(changes, w.begin(now)...)
	}
	for _, j := range judged {
		if c.own[j.Capability] && !j.Blind {
			if j.Severity == signal.Operational {
				continue // the check says when it works
			}
			delete(c.own, j.Capability)
		}
		_, failed := c.bad[j.Capability]
		loose := failed && !c.held[j.Capability] // an incident already: it stays one until it works
		if !j.Blind {
			c.note(&j)
		}
		switch {
		case j.Blind || j.Severity == signal.Operational:
			pass = append(pass, j)
		case !loose && c.holds(now, &j):
			c.held[j.Capability] = true
		default:
			delete(c.held, j.Capability)
			pass = append(pass, j)
		}
	}
	for _, w := range c.all {
		more, turned := c.advance(now, w)
		pass, changes = append(pass, more...), append(changes, turned...)
	}
	// What no window holds any more is an incident from now on.
	for _, k := range signal.Capabilities() {
		if j := c.bad[k]; c.held[k] && !c.holds(now, &j) {
			delete(c.held, k)
			j.At = now
			pass = append(pass, j)
		}
	}
	return pass, changes
}

// note remembers what fails.
func (c *Calendar) note(j *signal.Judgement) {
	if j.Severity > signal.Operational {
		c.bad[j.Capability] = *j
		return
	}
	delete(c.bad, j.Capability)
	delete(c.held, j.Capability)
}

// holds tells whether a window declared this: the capability, no better, and
// begun inside.
func (c *Calendar) holds(now time.Time, j *signal.Judgement) bool {
	return slices.ContainsFunc(c.all, func(w *Window) bool {
		return w.Active() && now.Before(w.Ends) && !j.Since.Before(w.Starts) && j.Severity <= w.declared(j.Capability)
	})
}

// begin begins a window at its time, and reminds people of it before.
func (w *Window) begin(now time.Time) []Change {
	switch {
	case w.Status != Scheduled:
		return nil
	case !now.Before(w.Starts):
		w.Status = InProgress
		return []Change{w.turn(now, "", "It has begun.")}
	case w.remind(now):
		w.Reminded = now.UTC()
		return []Change{w.turn(now, "", "Reminder. "+w.Announcement())}
	}
	return nil
}

// advance ends a window: at its announced end, and for good when everything
// that it touched has passed its check.
func (c *Calendar) advance(now time.Time, w *Window) (judged []signal.Judgement, changes []Change) {
	if w.Status == InProgress && !now.Before(w.Ends) {
		w.Status = Verifying
		changes = append(changes, w.turn(now, "", "Its time is over; what it touched is checked."))
	}
	if w.Status == Verifying {
		var more []Change
		judged, more = c.verify(now, w)
		changes = append(changes, more...)
	}
	return judged, changes
}

// turn writes down what happened.
func (w *Window) turn(now time.Time, who, text string) Change {
	w.note(now, who, text)
	return Change{now.UTC(), w.clone(), text}
}

func (c *Calendar) find(id string) *Window {
	for _, w := range c.all {
		if w.ID == id || strconv.Itoa(w.Number) == strings.TrimPrefix(id, "#") {
			return w
		}
	}
	return nil
}

func (w *Window) clone() Window {
	k := *w
	k.Effects, k.Checks = slices.Clone(w.Effects), slices.Clone(w.Checks)
	k.Timeline = slices.Clone(w.Timeline)
	return k
}

// shortID makes an id of twelve letters and digits that is always the same.
func shortID(at time.Time, number int) string {
	sum := sha256.Sum256([]byte("maintenance" + at.UTC().Format(time.RFC3339Nano) + strconv.Itoa(number)))
	text := new(big.Int).SetBytes(sum[:]).Text(36)
	return text[len(text)-12:]
}
