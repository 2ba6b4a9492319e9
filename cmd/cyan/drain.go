package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/app"
)

// drainer is one run of cyan drain.
type drainer struct {
	*cli
	data                string
	order               app.Order
	yes, dryRun, cancel bool
}

func (c *cli) drainVerb() *cobra.Command {
	d := &drainer{cli: c}
	cmd := &cobra.Command{
		Use: "drain", Short: "Empty a running cloud before its host goes, slowly", Args: takes(0, 0, ""),
		Long: `Prepares the cloud that runs on the data folder for its stop, where cyan upgrade is
not the way: the host goes, or the folder moves to another one.

First it says how many devices of how many owners it will disconnect, and asks.
Then nobody is let in any more, and devices on TCP are sent away, so many a
second and not at regular times: first those that have been silent for longest,
and none while somebody waits for its answer to a call. Devices on UDP are served
until the cloud is stopped, and their sessions go on in the process that has the
folder next: those notice nothing.

When it is done, stop the cloud. Ctrl-C takes the drain back on the way, and
cyan drain --cancel does so at any time before the stop. cyan annotations shows
who did it, and what it cost.`,
		Example: `  cyan drain --dry-run            how many devices of how many owners it would cut
  cyan drain                      asks, then shows how far it is
  cyan drain --rate 5 --yes       gently, and without being asked
  cyan drain --cancel             let devices in again`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d.data, d.order.Who = absolute(d.data), author()
			if d.order.Rate <= 0 || d.order.Rate > 10000 {
				return misuse(fmt.Sprintf("%v devices a second cannot be meant", d.order.Rate), "--rate 20")
			}
			if d.cancel {
				return d.takeBack(cmd.Context())
			}
			return d.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.StringVar(&d.data, "data", app.Options{}.WithDefaults().Data, "data `folder` of the cloud")
	f.Float64Var(&d.order.Rate, "rate", 20, "`devices` a second at most")
	f.BoolVarP(&d.yes, "yes", "y", false, "do not ask")
	f.BoolVar(&d.dryRun, "dry-run", false, "only say what it would cut")
	f.BoolVar(&d.cancel, "cancel", false, "take a drain back, also one that is done")
	cmd.MarkFlagsMutuallyExclusive("dry-run", "cancel")
	return cmd
}

// give gives an order of the given kind.
func (d *drainer) give(ctx context.Context, do string, told func(app.Report)) (app.Report, error) {
	d.order.Do = do
	return app.Ask(ctx, d.data, d.order, told)
}

// drainLine is what a drain gives as JSON.
type drainLine struct {
	Event  string `json:"event"` // would, progress, done or cancelled
	Cut    int    `json:"cut"`   // so far
	Left   int    `json:"left"`
	Busy   int    `json:"busy"` // of those, somebody waits for a call of
	Owners int    `json:"owners"`
	Kept   int    `json:"kept"` // sessions on UDP
}

func lineOfDrain(event string, r app.Report) drainLine {
	return drainLine{event, r.Disconnects, r.Left, r.Busy, r.Owners, r.Sessions}
}

func (d *drainer) run(ctx context.Context) error {
	r, err := d.give(ctx, app.DoAsk, nil)
	if err != nil {
		return err
	}
	err = d.show(lineOfDrain("would", r), "a drain disconnects %s of %s; %s on UDP keep their session\n%s",
		counted(r.Left, "device"), counted(r.Owners, "owner"), counted(r.Sessions, "device"),
		fmt.Sprintf("it takes about %.0f s; %s under way will be waited for", float64(r.Left)/d.order.Rate, counted(r.Busy, "call")))
	if err != nil || d.dryRun {
		return err
	}
	if !d.yes && !d.agreed("begin?") {
		return misuse("nothing is drained", "--yes says it without being asked")
	}
	before := r
	r, err = d.give(ctx, app.DoDrain, d.progress)
	if terminal(d.err) {
		d.say("")
	}
	switch {
	case err == nil:
		return d.show(lineOfDrain("done", r), "%s of %s disconnected; %s on UDP keep their session\nstop the cloud now, or take it back: cyan drain --cancel",
			counted(r.Disconnects, "device"), counted(before.Owners, "owner"), counted(r.Sessions, "device"))
	case ctx.Err() != nil:
		return fail(exitInterrupted, fmt.Sprintf("interrupted: %s had been disconnected, and all are let in again", counted(r.Disconnects, "device")))
	}
	return &problem{exitFailed, err.Error(), []string{"cyan annotations says what was done"}, err}
}

// progress shows how far it is.
func (d *drainer) progress(r app.Report) {
	switch {
	case d.json:
		_ = d.emit(lineOfDrain("progress", r))
	case terminal(d.err):
		writeOver(d.err, "%d disconnected, %d to go, %d in a call", r.Disconnects, r.Left, r.Busy)
	}
}

func (d *drainer) takeBack(ctx context.Context) error {
	r, err := d.give(ctx, app.DoUndrain, nil)
	if errors.Is(err, context.Canceled) {
		return err
	}
	if err != nil {
		return &problem{exitFailed, err.Error(), nil, err}
	}
	return d.show(lineOfDrain("cancelled", r), "devices are let in again; %d are connected", r.Sessions+r.Left)
}
