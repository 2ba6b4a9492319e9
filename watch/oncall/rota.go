package oncall

import (
	"context"
	"fmt"
	"strings"
	"time"

	pager "github.com/cyan-cloud/cyan/watch/notify"
	"github.com/cyan-cloud/cyan/watch/rota"
)

// Plan is who is on call in the coming weeks.
type Plan struct {
	At     time.Time    `json:"at"`
	Zone   string       `json:"zone,omitempty"` // of its handovers; empty: there is no rota
	Now    []rota.Now   `json:"now"`
	Shifts []rota.Shift `json:"shifts"` // of each line from now on, in order
	Gaps   []rota.Shift `json:"gaps"`   // in which nobody is on call, and everybody is called
	Broken string       `json:"broken,omitempty"`
}

const (
	planned   = 26 * 7 * 24 * time.Hour
	rotaEvery = time.Minute
	soon      = 24 * time.Hour

	gapPrefix  = "wt:gap:"
	alertRota  = "wt:rota"
	alertDrill = "wt:drill-overdue"
)

// PlanOf gives who is on call from a time on, by a rota; nil: there is none.
func PlanOf(r *rota.Rota, now time.Time) Plan {
	p := Plan{At: now.UTC(), Now: []rota.Now{}, Shifts: []rota.Shift{}, Gaps: []rota.Shift{}}
	if r == nil {
		return p
	}
	p.Zone, p.Now = r.Zone().String(), r.On(now)
	for _, line := range r.Lines() {
		shifts := r.Shifts(line, now, now.Add(planned))
		p.Shifts = append(p.Shifts, shifts...)
		for i := range shifts {
			if shifts[i].Gap() {
				p.Gaps = append(p.Gaps, shifts[i])
			}
		}
	}
	return p
}

// plan is what `cyan oncall rota` asks for.
func (c *Oncall) plan() (any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := PlanOf(c.rota, time.Now())
	if c.rotaBroken != nil {
		p.Broken = c.rotaBroken.Error()
	}
	return p, nil
}

// watchRota follows the rota of the settings file, says gaps before they come,
// and reminds of drills, until ctx is done.
func (c *Oncall) watchRota(ctx context.Context) {
	tick := time.NewTicker(c.cfg.RotaEvery)
	defer tick.Stop()
	for {
		now := time.Now()
		c.turn()
		c.sayGaps(now)
		c.remind(now)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// turn reads the rota anew. One that has become wrong changes nothing but that
// somebody hears of it.
func (c *Oncall) turn() {
	if c.cfg.Rota == nil {
		return
	}
	r, err := c.cfg.Rota()
	for _, name := range r.All() {
		if _, ok := c.cfg.Settings.Outlets[name]; !ok {
			err = fmt.Errorf("outlet %q is new: it counts after a restart", name)
		}
	}
	c.mu.Lock()
	c.rotaBroken = err
	if err == nil {
		c.rota = r
	}
	c.mu.Unlock()
	if err == nil {
		c.pipeline.Turn(r)
		c.say(pager.Notice{Key: alertRota, Kind: pager.Resolve, Summary: "The rota can be read again"})
		return
	}
	c.say(pager.Notice{
		Key: alertRota, Kind: pager.Trigger, Severity: pager.Warning, Summary: "The rota in the settings file is wrong: the one before goes on",
		Details: []pager.Detail{{Name: "what is wrong", Value: err.Error()}},
	})
}

// sayGaps tells of each line in which nobody is on call, or soon will not be.
func (c *Oncall) sayGaps(now time.Time) {
	c.mu.Lock()
	r := c.rota
	c.mu.Unlock()
	lines := map[string]bool{}
	for _, line := range r.Lines() {
		lines[gapPrefix+line] = true
		n := pager.Notice{Key: gapPrefix + line, Kind: pager.Resolve, Summary: "Somebody is on call: " + line}
		if gap, ok := r.Gap(line, now, r.Warn()); ok {
			n = gapNotice(&gap, now)
			n.Details = append(n.Details, pager.Detail{Name: "what to do", Value: "let somebody cover it, in the section notify.rota of the settings file; cyan oncall rota shows it"})
		}
		c.say(n)
	}
	s := c.pipeline.Status()
	for i := range s.Alerts { // of lines that there are no more
		if key := s.Alerts[i].Key; strings.HasPrefix(key, gapPrefix) && !lines[key] {
			c.say(pager.Notice{Key: key, Kind: pager.Resolve, Summary: "There is no such line any more: " + strings.TrimPrefix(key, gapPrefix)})
		}
	}
}

// gapNotice says a gap: when it is seen, when a day is left, and when it begins.
func gapNotice(gap *rota.Shift, now time.Time) pager.Notice {
	until := ""
	if !gap.Until.IsZero() {
		until = " until " + gap.Until.Format("2006-01-02 15:04 UTC")
	}
	n := pager.Notice{Key: gapPrefix + gap.Line, Kind: pager.Trigger, Severity: pager.Warning, Class: "nobody-on-call"}
	from := gap.From.Format("2006-01-02 15:04 UTC")
	switch left := gap.From.Sub(now); {
	case left <= 0:
		n.Summary = "Nobody is on call" + until + ", and everybody is called: " + gap.Line
	case left <= soon:
		n.Summary = "Within a day nobody is on call, from " + from + until + ": " + gap.Line
	default:
		n.Summary = "Nobody will be on call from " + from + until + ": " + gap.Line
	}
	n.Details = []pager.Detail{{Name: "why", Value: gap.Why}}
	return n
}

// say tells what is new of an alert of the watchtower's own: it is known by its
// words.
func (c *Oncall) say(n pager.Notice) {
	now := time.Now()
	n.At, n.ID = now, fmt.Sprintf("%s:%d", n.Key, now.UnixNano())
	summary, open := "", false
	s := c.pipeline.Status()
	for i := range s.Alerts {
		if a := &s.Alerts[i]; a.Key == n.Key && a.Resolved.IsZero() {
			summary, open = a.Summary, true
		}
	}
	if open && summary == n.Summary || !open && n.Kind == pager.Resolve {
		return
	}
	if n.Links == nil {
		n.Links = []pager.Link{{Text: "status page", URL: c.cfg.Page}}
	}
	c.check(c.pipeline.Notify(n))
}
