package oncall

import (
	"fmt"

	pager "github.com/cyan-cloud/cyan/watch/notify"
	"github.com/cyan-cloud/cyan/watch/signal"
)

// TroublePrefix begins the keys of tickets about the watchtower's own canaries.
const TroublePrefix = "wt:own:"

// Unwell hears what is wrong with the watchtower's own canaries, and when it is
// so no more. That is a warning to those who run it: it wakes nobody in the
// night, calls nobody again, and the page says nothing of it.
func (c *Oncall) Unwell(t signal.Trouble) {
	c.errand(func() { c.check(c.pipeline.Notify(troubleNotice(&t))) })
}

// troubleNotice is a ticket, or its end.
func troubleNotice(t *signal.Trouble) pager.Notice {
	n := pager.Notice{Key: TroublePrefix + t.Key, At: t.At, Severity: pager.Warning, Kind: pager.Trigger, Class: "canary", Summary: t.What}
	for _, d := range []pager.Detail{
		{Name: "since", Value: t.Since.UTC().Format("2006-01-02 15:04:05 UTC")},
		{Name: "evidence", Value: t.Evidence},
		{Name: "what helps", Value: t.Remedy},
		{Name: "outage", Value: "No: others at the same door are well. The status page says nothing of it."},
	} {
		if d.Value != "" {
			n.Details = append(n.Details, d)
		}
	}
	if t.Over {
		n.Kind, n.Summary, n.Details = pager.Resolve, "The canary is well again", nil
	}
	n.ID = fmt.Sprintf("%s:%s:%d", n.Key, n.Kind, t.At.UnixNano())
	return n
}
