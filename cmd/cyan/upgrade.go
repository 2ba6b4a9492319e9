package main

import (
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
  cyan upgrade --data /var/lib/cyan --json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			order.Do, order.Who = app.DoUpgrade, author()
			if order.Binary != "" {
				order.Binary = absolute(order.Binary)
				if _, err := os.Stat(order.Binary); err != nil {
					return misuse("there is no program "+order.Binary, "--binary is the path of the new cyan")
				}
			}
			r, err := app.Ask(cmd.Context(), absolute(data), order)
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
	return cmd
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
