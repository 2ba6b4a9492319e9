package census

import (
	"fmt"
	"slices"
	"time"

	"github.com/cyan-cloud/cyan/watch/incident"
	"github.com/cyan-cloud/cyan/watch/status"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// rejoin is how long before a start the stop may be that belongs to it.
const rejoin = time.Hour

// RestartsOf counts the starts of the cloud's processes since a time, from the
// cloud's own record, newest first as it gives it.
func RestartsOf(list []rest.Annotation, since, now time.Time) status.Restarts {
	r := status.Restarts{Since: since.UTC()}
	for i := range list {
		a := &list[i]
		if !starts(a) || !a.At.After(since) {
			continue
		}
		if r.Count++; a.At.After(r.Last) {
			r.Last, r.How = a.At.UTC(), how(a, list[i+1:], now)
		}
	}
	return r
}

func starts(a *rest.Annotation) bool {
	return slices.Contains([]string{"start", "crash", "upgrade"}, a.Kind)
}

// how says in a sentence how a process started anew, and what that cost.
func how(a *rest.Annotation, earlier []rest.Annotation, now time.Time) string {
	switch a.Kind {
	case "crash":
		return "after a crash: " + kept(a) + "; how many had to connect anew nobody counted"
	case "upgrade":
		return fmt.Sprintf("by an upgrade: %s, %s, nobody was served for %.0f ms", kept(a), ended(a), a.FreezeMS)
	}
	for i := range earlier {
		if stop := &earlier[i]; stop.Kind == "stop" && stop.Node == a.Node && a.At.Sub(stop.At.Time) < rejoin {
			return fmt.Sprintf("as somebody wanted it, stopped at %s: %s, %s", incident.Clock(stop.At.Time, now), kept(a), ended(stop))
		}
	}
	return "as somebody wanted it: " + kept(a)
}

func kept(a *rest.Annotation) string {
	if a.Sessions == nil {
		return "how many sessions went on is not known"
	}
	return fmt.Sprintf("%d sessions went on", *a.Sessions)
}

func ended(a *rest.Annotation) string {
	if a.Ended == nil {
		return "how many devices had to connect anew is not known"
	}
	return fmt.Sprintf("%d devices had to connect anew", *a.Ended)
}
