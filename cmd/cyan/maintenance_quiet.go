package main

import (
	"context"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/watch/desk"
	"github.com/cyan-cloud/cyan/watch/hours"
	"github.com/cyan-cloud/cyan/watch/maintenance"
)

// proposal is a time for a window, as programs read it.
type proposal struct {
	hours.Proposal
	Local map[string]string `json:"local,omitempty"` // when it begins, by zone
}

// notice is how far ahead a window is planned that is not on short notice, with
// some time to type it in.
const notice = 24*time.Hour + 10*time.Minute

// propose shows the times at which a window is in the way of the fewest.
func (c *cli) propose(ctx context.Context, d *desk.Client, plan *maintenance.Window, asked *windowTimes) error {
	var zones []*time.Location
	for _, name := range asked.zones {
		in, err := time.LoadLocation(name)
		if err != nil || name == "" || name == "Local" {
			return misuse("there is no zone "+name, "--zone Europe/Berlin")
		}
		zones = append(zones, in)
	}
	ask := hours.Ask{After: time.Now(), Length: asked.length}
	if plan.Kind == maintenance.Planned {
		ask.After = ask.After.Add(notice)
	}
	for _, e := range plan.Effects {
		ask.Effects = append(ask.Effects, e.Capability)
	}
	list, err := d.Quiet(ctx, ask)
	if err != nil {
		return refused(err)
	}
	if len(list) == 0 {
		return misuse("--start is missing, and there is nothing to propose: the cloud has not been counted for an hour yet", "--start '2026-12-01 04:00 Europe/Berlin'")
	}
	for i := range list {
		if err := c.oneProposal(&list[i], zones); err != nil {
			return err
		}
	}
	c.say("nothing is announced yet; --start %s takes the first", list[0].Starts.UTC().Format("2006-01-02T15:04Z"))
	return nil
}

func (c *cli) oneProposal(p *hours.Proposal, zones []*time.Location) error {
	v := proposal{Proposal: *p}
	times := []string{p.Starts.UTC().Format("Mon 2006-01-02 15:04") + " to " + p.Ends.UTC().Format("15:04 UTC")}
	for _, in := range zones {
		at := p.Starts.In(in)
		if v.Local == nil {
			v.Local = map[string]string{}
		}
		v.Local[in.String()] = at.Format(time.RFC3339)
		times = append(times, at.Format("Mon 15:04")+" "+in.String())
	}
	if c.json {
		return c.emit(v)
	}
	c.print("%s", strings.Join(times, ", "))
	c.print("   %.0f calls, %.0f devices that connect, %.0f API requests, %.0f devices connected: %.0f %% of the busiest such time, by %s",
		p.Calls, p.Attempts, p.Requests, p.Connected, 100*p.Share, meanOf(p.Weeks))
	return nil
}

func meanOf(weeks int) string {
	if weeks == 1 {
		return "one week"
	}
	return "the mean of " + itoa(weeks) + " weeks"
}
