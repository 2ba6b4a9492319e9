package main

import (
	"context"
	"fmt"
	"time"

	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// comparison is what a person sees beside what the cloud saw.
type comparison struct {
	Device  string        `json:"device"`
	State   string        `json:"state"`
	Attempt *rest.Attempt `json:"attempt"` // the last one; null: none is on record
	Verdict string        `json:"verdict"`
}

// compareSince is how far back a try counts as the one that is seen.
const compareSince = 24 * time.Hour

// compare shows what the cloud saw of a device whose light somebody looks at.
func (c *cli) compare(ctx context.Context, name string, seen []seenLight) error {
	remote, err := c.remote()
	if err != nil {
		return err
	}
	d, err := remote.Device(ctx, name)
	if err != nil {
		return err
	}
	tried, err := remote.Attempts(ctx, d.ID, time.Now().Add(-compareSince))
	if err != nil {
		return err
	}
	result := comparison{Device: d.ID, State: d.State}
	if len(tried.Attempts) > 0 {
		result.Attempt = &tried.Attempts[0]
	}
	result.Verdict = verdict(seen[len(seen)-1].LED, d, result.Attempt)
	if c.json {
		return c.emit(result)
	}
	c.print("\nthe cloud says that %s is %s", name, c.stateOf(d))
	if result.Attempt == nil {
		c.print("its last try within %s: none on record", short(compareSince))
	} else {
		c.print("its last try:")
		c.printAttempt(*result.Attempt)
	}
	c.print("%s", c.wrapped("  → "+result.Verdict, "    "))
	return nil
}

// verdict says how a light and what the cloud saw fit together.
func verdict(led sim.LED, d rest.Device, last *rest.Attempt) string {
	failed := led.Pattern == sim.Flash
	switch {
	case led.Colour == sim.Cyan && led.Pattern == sim.Breathing && !d.Online:
		return "the device believes that it is connected, and the cloud has no such session: it finds out by itself within 4 minutes " +
			"(cellular 25), or is reset. If it stays so, report it: that is the cloud's fault"
	case led.Colour == sim.Cyan && led.Pattern == sim.Breathing:
		return "both agree: it is connected"
	case d.Online:
		return "the cloud believes that it is connected: if the light does not come to breathing cyan within a minute, ask it: cyan ping " + d.ID
	case last == nil && failed && led.Colour == sim.Red:
		return "nothing of it is on record: what came did not say who it is. Either it holds another server's key, " +
			"or the handshake stopped before that; the cloud's log has such tries, with their address"
	case last == nil:
		return "nothing of it has reached the cloud: the fault is between its antenna and the cloud's port, or in the address that it was given"
	case last.Outcome == "succeeded":
		return "its last try succeeded, and the session has ended since: see why in cyan list, and whether a new try comes"
	case last.Fault == "cloud":
		return "the cloud is at fault: do not touch the device's keys. It comes back by itself"
	case last.Fault == "network":
		return "the network between them is at fault: its keys are fine"
	case last.Reason != "":
		return fmt.Sprintf("the reason is %s: docs/runbook/reasons.md says what to do about it", last.Reason)
	}
	return "that try is not over: look again in a minute"
}
