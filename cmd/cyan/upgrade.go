package main

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/app"
)

func (c *cli) upgradeVerb() *cobra.Command {
	var order app.Order
	var data string
	var dryRun bool
	cmd := &cobra.Command{
		Use: "upgrade", Short: "Put a new program in the place of a running cloud", Args: takes(0, 0, ""),
		Long: `Has the cloud that runs on the data folder start a new program, with the same
arguments, and hand everything over to it: sockets, the sessions of all devices,
calls under way. No device notices. The old process answers what people have
asked it already and ends.

Whatever goes wrong on the way, the old process goes on as if nothing had been,
and this verb says what it was and ends with exit code 1.

The same is done by the signal SIGUSR2, and by systemctl reload where the unit
has Type=notify-reload (docs/runbook/upgrade.md).`,
		Example: `  cyan upgrade                              the program as it is on the disk now
  cyan upgrade --binary /opt/cyan/2.1/cyan
  cyan upgrade --dry-run                    how many devices it would touch
  cyan upgrade --data /var/lib/cyan --json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			order.Do, order.Who = app.DoUpgrade, author()
			if order.Binary != "" {
				order.Binary = absolute(order.Binary)
				if _, err := os.Stat(order.Binary); err != nil {
					return misuse("there is no program "+order.Binary, "--binary is the path of the new cyan")
				}
			}
			if dryRun {
				return c.wouldHandOver(cmd.Context(), absolute(data), order.Binary)
			}
			r, err := app.Ask(cmd.Context(), absolute(data), order, nil)
			if err != nil {
				return &problem{exitFailed, "the upgrade did not take place: " + err.Error(), []string{
					"the cloud that was running goes on, if there was one: no device has noticed",
					"its log says more; docs/runbook/upgrade.md has what to do",
				}, err}
			}
			if c.json {
				return c.emit(r)
			}
			c.print("process %d runs %s in the place of %s", r.PID, r.To, r.From)
			c.print("  sessions         %d handed over, %d lost", r.Sessions, r.Disconnects)
			c.print("  nobody served    for %s", fmt.Sprintf("%.1f ms", r.FreezeMS))
			return nil
		},
	}
	cmd.Flags().StringVar(&data, "data", app.Options{}.WithDefaults().Data, "data `folder` of the cloud")
	cmd.Flags().StringVar(&order.Binary, "binary", "", "`program` to start (default the one that runs, as it is on the disk now)")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only say what it would touch")
	return cmd
}

// wouldHandOver says what an upgrade would touch.
func (c *cli) wouldHandOver(ctx context.Context, data, binary string) error {
	r, err := app.Ask(ctx, data, app.Order{Do: app.DoAsk, Who: author()}, nil)
	if err != nil {
		return err
	}
	if binary == "" {
		binary = "its own program, as it is on the disk now"
	}
	touched := map[string]any{"pid": r.PID, "from": r.From, "binary": binary, "udp": r.Sessions, "tcp": r.Left, "disconnects": 0}
	return c.show(touched, "process %d, which runs %s, would hand over to %s:\n  devices          %d on UDP, %d on TCP; none would be disconnected",
		r.PID, r.From, binary, r.Sessions, r.Left)
}

// author is who gives an order, for the record.
func author() string {
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	host, _ := os.Hostname()
	return name + "@" + filepath.Base(host)
}
