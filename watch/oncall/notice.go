package oncall

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/cyan-cloud/cyan/watch/incident"
	pager "github.com/cyan-cloud/cyan/watch/notify"
	"github.com/cyan-cloud/cyan/watch/signal"
)

// The keys of alerts: one of an incident from its first page to its end.
const (
	alertPrefix = "wt:inc:"
	alertBlind  = "wt:blind"
)

func alertOf(incident string) string { return alertPrefix + incident }

// noticeOf gives what people on call shall hear of a change: a page where it is
// a partial outage or worse, and news, which go to whoever was paged. page is
// the URL of the status page. Of the same change it makes the same notice.
func noticeOf(c *incident.Change, page string) (pager.Notice, bool) {
	i := &c.Incident
	n := pager.Notice{Key: alertOf(i.ID), At: c.At}
	switch c.Kind {
	case incident.Opened, incident.Reopened, incident.Worsened, incident.Claimed:
		n.Kind = pager.Update
		if i.Severity() >= signal.Partial {
			n.Kind = pager.Trigger
		}
	case incident.Eased, incident.Named, incident.Fixed, incident.AllCallable, incident.Said, incident.Disputed, incident.Overdue:
		n.Kind = pager.Update
	case incident.Closed:
		n.Kind = pager.Resolve
	case incident.Blind:
		n.Key, n.Kind = alertBlind, pager.Trigger
	case incident.Sighted:
		n.Key, n.Kind = alertBlind, pager.Resolve
	default: // Acknowledged goes another way; the rest is the watchtower's own
		return n, false
	}
	n.ID = fmt.Sprintf("%s:%s:%d", n.Key, c.Kind, c.At.UnixNano())
	if n.Key == alertBlind {
		n.Severity, n.Summary = pager.Error, "Nobody can tell how the cloud is: every vantage has lost its own network"
		n.Links = []pager.Link{{Text: "status page", URL: page}}
		return n, true
	}
	n.Severity, n.Summary = urgency(i.Severity()), summaryOf(c)
	n.Details, n.Links = detailsOf(c), []pager.Link{{Text: fmt.Sprintf("incident %d", i.Number), URL: page + "/i/" + strconv.Itoa(i.Number)}}
	if p := worstPart(i); p != nil {
		n.Component, n.Class = string(p.Capability), p.Reason
	}
	if len(i.Culprits) > 0 {
		n.Group = i.Culprits[0].What
	}
	return n, true
}

// urgency is how much of a hurry an outage is in.
func urgency(s signal.Severity) pager.Severity {
	switch s {
	case signal.Major:
		return pager.Critical
	case signal.Partial:
		return pager.Error
	default:
		return pager.Warning
	}
}

// worstPart is the part that fails worst, the first of the page; nil: none.
func worstPart(i *incident.Incident) (worst *incident.Part) {
	for at := range i.Parts {
		if p := &i.Parts[at]; worst == nil || p.Severity() > worst.Severity() {
			worst = p
		}
	}
	return worst
}

// summaryOf says in a line what fails, since when, and how much of it.
func summaryOf(c *incident.Change) string {
	i := &c.Incident
	title := strings.TrimSuffix(i.Title(), ".")
	switch {
	case c.Kind == incident.Closed:
		return fmt.Sprintf("Resolved: %s, for %s", title, incident.Span(i.Lasted(c.At)))
	case !i.Failing():
		return fmt.Sprintf("Nothing fails any more: %s, for %s", title, incident.Span(i.Lasted(c.At)))
	}
	text := fmt.Sprintf("%s, since %s", strings.TrimSuffix(i.Fails(), "."), incident.Clock(i.Began, c.At))
	if p := worstPart(i); p.Tried > 0 {
		text += fmt.Sprintf(": %d of %d tries fail", p.Failed, p.Tried)
	}
	return text
}

// detailsOf is what helps: what was said, what the failures have in common
// (the culprits), what to do and what not.
func detailsOf(c *incident.Change) []pager.Detail {
	i := &c.Incident
	var list []pager.Detail
	add := func(name, value string) {
		if value != "" {
			list = append(list, pager.Detail{Name: name, Value: value})
		}
	}
	switch c.Kind {
	case incident.Said, incident.Claimed, incident.Disputed, incident.Overdue:
		add(string(c.Kind), c.Text)
	}
	if p := worstPart(i); p != nil {
		add("evidence", p.Evidence)
	}
	add("why", i.Why())
	add("whom", i.Who())
	if i.Failing() {
		for _, sentence := range i.Advice(c.At) {
			add("advice", sentence)
		}
	}
	return list
}

// whoOf is the person that a change is of.
func whoOf(c *incident.Change) string {
	line := c.Incident.Timeline
	if len(line) == 0 {
		return ""
	}
	return line[len(line)-1].Who
}
