package oncall

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/watch/maintenance"
	pager "github.com/cyan-cloud/cyan/watch/notify"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// Deploys gives what was done to the cloud itself since a time: starts, stops,
// crashes, upgrades, drains. A client of the API is one.
type Deploys interface {
	Annotations(ctx context.Context, since time.Time) (rest.Annotations, error)
}

const (
	deploysEvery = 15 * time.Second
	asking       = 5 * time.Second
	// changesFor is how far back changes are told that may not have been: the
	// pipeline knows for longer which ones were.
	changesFor = 24 * time.Hour
	// overlap is asked for again each time, because a node's clock may be behind
	// and its line come late. Its ids tell what is known.
	overlap = 10 * time.Minute
)

// windowNotice is a line of a window's history, for those who want to see
// changes beside alerts.
func windowNotice(w *maintenance.Window, e *maintenance.Entry, page string) pager.Notice {
	n := pager.Notice{
		ID: fmt.Sprintf("wt:maint:%s:%s:%d", w.ID, e.Status, e.At.UnixNano()), Kind: pager.Change, At: e.At,
		Summary: fmt.Sprintf("Maintenance %d, %s (%s): %s", w.Number, strings.TrimSuffix(w.Title, "."), strings.ReplaceAll(string(e.Status), "_", " "), e.Text),
		Links:   []pager.Link{{Text: fmt.Sprintf("maintenance %d", w.Number), URL: page + "/m/" + strconv.Itoa(w.Number)}},
		Details: []pager.Detail{
			{Name: "begins", Value: w.Starts.UTC().Format("2006-01-02 15:04:05 UTC")},
			{Name: "ends", Value: w.Ends.UTC().Format("2006-01-02 15:04:05 UTC")},
			{Name: "reason", Value: w.Reason},
		},
	}
	for _, effect := range w.Effects {
		n.Details = append(n.Details, pager.Detail{Name: "may fail", Value: fmt.Sprintf("%s, at worst: %s", effect.Capability, strings.ReplaceAll(effect.Worst.String(), "_", " "))})
	}
	if e.Who != "" {
		n.Details = append(n.Details, pager.Detail{Name: "by", Value: e.Who})
	}
	return n
}

// catchUpWindows tells what was written down of windows and may not have been
// told.
func (c *Oncall) catchUpWindows(windows []maintenance.Window, now time.Time) {
	for at := range windows {
		w := &windows[at]
		for n := range w.Timeline {
			if e := &w.Timeline[n]; now.Sub(e.At) < changesFor {
				c.check(c.pipeline.Notify(windowNotice(w, e, c.cfg.Page)))
			}
		}
	}
}

// deeds are what was done to the cloud, in words.
var deeds = map[string]string{
	"start": "The cloud has started", "stop": "The cloud has been stopped", "crash": "The cloud has started again after a crash",
	"upgrade": "The cloud has been upgraded", "drain": "The cloud is being drained", "undrain": "A drain of the cloud was taken back",
	"drill": "A drill: an ingress that only canaries use is broken on purpose, or is whole again; nothing is wrong",
}

// deployNotice is something that was done to the cloud.
func deployNotice(a *rest.Annotation) pager.Notice {
	n := pager.Notice{ID: "wt:deploy:" + a.ID, Kind: pager.Change, At: a.At.Time, Summary: deeds[a.Kind]}
	if n.Summary == "" {
		n.Summary = "The cloud: " + a.Kind
	}
	switch {
	case a.From != "" && a.To != "":
		n.Summary += fmt.Sprintf(", from %s to %s", a.From, a.To)
	case a.To != "":
		n.Summary += fmt.Sprintf(", %s", a.To)
	}
	if a.Node != "" {
		n.Summary += " (" + a.Node + ")"
	}
	if a.Author != "" {
		n.Details = append(n.Details, pager.Detail{Name: "by", Value: string(a.Author)})
	}
	for _, count := range []struct {
		name string
		of   *int
	}{{"sessions that went on", a.Sessions}, {"devices that were disconnected", a.Ended}} {
		if count.of != nil {
			n.Details = append(n.Details, pager.Detail{Name: count.name, Value: strconv.Itoa(*count.of)})
		}
	}
	if a.FreezeMS > 0 {
		n.Details = append(n.Details, pager.Detail{Name: "nobody served for", Value: strconv.FormatFloat(a.FreezeMS, 'f', 1, 64) + " ms"})
	}
	if a.Detail != "" {
		n.Details = append(n.Details, pager.Detail{Name: "detail", Value: string(a.Detail)})
	}
	return n
}

// watchDeploys tells what is done to the cloud, each once. A cloud that does not
// answer tells when it does: that it is down is the canaries' matter.
func (c *Oncall) watchDeploys(ctx context.Context) {
	tick := time.NewTicker(c.cfg.DeploysEvery)
	defer tick.Stop()
	since := time.Now().Add(-changesFor)
	for {
		timed, cancel := context.WithTimeout(ctx, asking)
		asked := time.Now()
		list, err := c.cfg.Deploys.Annotations(timed, since)
		cancel()
		if err != nil {
			c.cfg.Logger.Debug("what is done to the cloud", "err", err)
		} else {
			for at := len(list.Annotations) - 1; at >= 0; at-- { // the oldest first
				c.check(c.pipeline.Notify(deployNotice(&list.Annotations[at])))
			}
			since = asked.Add(-overlap)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
