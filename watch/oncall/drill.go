package oncall

import (
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/watch/incident"
	pager "github.com/cyan-cloud/cyan/watch/notify"
)

// drillPrefix begins the keys of what is only an exercise.
const drillPrefix = "wt:drill:"

// drillMark stands before everything that is said of a drill.
const drillMark = "DRILL, nothing is wrong: "

// Exercise is a part of the watchtower that follows drills.
type Exercise interface {
	// Accepted takes note that an outlet took the page of an incident.
	Accepted(id, outlet string, at time.Time)
}

// Exercised hears of each change of the incident of a drill. It goes to every
// outlet at once, as a test does, and says of itself what it is.
func (c *Oncall) Exercised(change incident.Change) {
	n, ok := drillNotice(&change, c.cfg.Page)
	if ok {
		c.errand(func() { c.check(c.pipeline.Notify(n)) })
	}
}

// drillNotice is what people hear of a drill: that it was noticed, and that it
// is over.
func drillNotice(c *incident.Change, page string) (pager.Notice, bool) {
	if c.Kind != incident.Opened && c.Kind != incident.Closed {
		return pager.Notice{}, false
	}
	n, ok := noticeOf(c, page)
	n.Key = drillPrefix + c.Incident.ID
	n.ID = n.Key + ":" + string(c.Kind)
	n.Test, n.Summary = true, drillMark+n.Summary
	n.Links = []pager.Link{{Text: "the drill", URL: page + "/#drill"}}
	n.Details = []pager.Detail{
		{Name: "drill", Value: "An ingress that only canaries use is broken on purpose. No device is affected, and nobody has to do anything."},
	}
	if c.Kind == incident.Opened {
		n.Kind = pager.Trigger
	}
	return n, ok
}

// rehearsed tells the exercise that an outlet took its page.
func (c *Oncall) rehearsed(n *pager.Notice, p *pager.Proof) {
	id, ok := strings.CutPrefix(n.Key, drillPrefix)
	if !ok || n.Kind != pager.Trigger || c.cfg.Exercise == nil {
		return
	}
	at := time.Now()
	c.errand(func() { c.cfg.Exercise.Accepted(id, p.Outlet, at) })
}
