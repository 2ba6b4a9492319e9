package herald

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/watch/incident"
	pager "github.com/cyan-cloud/cyan/watch/notify"
	"github.com/cyan-cloud/cyan/watch/owners"
)

// The events that an owner's programs hear of.
const (
	opened   = "incident.opened"
	updated  = "incident.updated"
	resolved = "incident.resolved"
	offline  = "device.offline"
	online   = "device.online"
)

// tell tells of an incident: when it opens, when it turns out that it hits the
// owner's devices, and when it is over.
func (h *Herald) tell(p *post, i *incident.Incident) {
	key := "cloud:" + i.ID
	k := h.cfg.Owners.Known(p.page.Path)
	if k.Asked == i.ID {
		p.roll.Last = k
	} else if p.roll.Last.Asked == i.ID {
		k = p.roll.Last // it is over, or another is worse
	}
	switch isOpen := p.open(key); {
	case i.Drill != "":
	case i.Open() && i.Failing():
		n := h.letter(p, i, &k, opened)
		switch {
		case !isOpen:
			n.Kind = pager.Trigger
		case effect(i, &k) == hits: // it was not known, or not so, when it opened
			n.Kind, n.Event = pager.Update, updated
		default:
			return
		}
		h.send(p, n)
	case !i.Open() && isOpen:
		n := h.letter(p, i, &k, resolved)
		n.Kind = pager.Resolve
		h.send(p, n)
		p.roll.Held = 0
	}
}

// What an incident does to an owner's devices, as far as is known.
const (
	unknown = "unknown"
	spares  = "spares"
	hits    = "hits"
)

func effect(i *incident.Incident, k *owners.Known) string {
	switch {
	case k.Asked != i.ID:
		return unknown
	case k.Hit > 0:
		return hits
	default:
		return spares
	}
}

// letter is what an owner reads. Its id has in it what makes it new, so that the
// same is never sent twice; an incident that opens again is new.
func (h *Herald) letter(p *post, i *incident.Incident, k *owners.Known, event string) *pager.Notice {
	again := 0
	for _, e := range i.Timeline {
		if e.Kind == incident.Reopened {
			again++
		}
	}
	does, now := effect(i, k), time.Now()
	n := &pager.Notice{
		Key: "cloud:" + i.ID, Event: event, At: now, Severity: pager.Warning, Group: p.page.Name,
		ID: fmt.Sprintf("cloud:%s:%d:%s", i.ID, again, does),
		Links: []pager.Link{
			{Text: "your page", URL: h.cfg.URL + owners.Path + p.page.Path},
			{Text: "incident " + strconv.Itoa(i.Number), URL: h.cfg.URL + "/i/" + strconv.Itoa(i.Number)},
		},
	}
	add := func(name, value string) { n.Details = append(n.Details, pager.Detail{Name: name, Value: value}) }
	if event == resolved {
		n.ID = fmt.Sprintf("cloud:%s:%d:resolved", i.ID, again)
		n.Summary = fmt.Sprintf("The cloud works again: incident %d, for %s; %s", i.Number, incident.Span(i.Lasted(now)), back(does, k))
		if p.page.Offline > 0 {
			add("alerts held", strconv.Itoa(p.roll.Held))
		}
	} else {
		n.Summary = fmt.Sprintf("The cloud is disturbed, incident %d: %s. We know", i.Number, hit(does, k))
		add("advice", strings.Join(i.Advice(now), " "))
		if p.page.Offline > 0 {
			add("devices", "You get no message for each of them while it lasts.")
		}
	}
	switch does {
	case hits:
		n.Severity = pager.Error
	case spares:
		n.Severity = pager.Info
	}
	if does != unknown {
		add("devices hit", strconv.Itoa(k.Hit))
		add("of", strconv.Itoa(k.Devices))
	}
	add("since", i.Began.UTC().Format(time.RFC3339))
	if i.Open() {
		add("next update by", i.NextBy.UTC().Format(time.RFC3339))
	}
	return n
}

// hit says how many of the owner's devices an incident hits.
func hit(does string, k *owners.Known) string {
	switch {
	case does == unknown && k.Devices > 0:
		return fmt.Sprintf("how many of your %d devices it hits cannot be counted now", k.Devices)
	case does == unknown:
		return "how many of your devices it hits cannot be counted now"
	case does == spares:
		return fmt.Sprintf("none of your %d devices is known to be hit", k.Devices)
	default:
		return fmt.Sprintf("%d of your %d devices are affected", k.Hit, k.Devices)
	}
}

// back says what became of them.
func back(does string, k *owners.Known) string {
	if does != hits {
		return "none of your devices is known to have been hit"
	}
	return fmt.Sprintf("%d of your devices were hit, %d of them are back", k.Hit, k.Back)
}
