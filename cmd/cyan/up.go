package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/app"
)

const upHelp = `Starts a whole cloud on this machine, with everything embedded, and keeps it
running until it is interrupted. It takes the settings of "cyan serve".

With --demo, two virtual devices live beside it. They are registered for the
administrator, over the public API as any device; their keys and a token are kept
in the data folder, under demo. You see them connect, a function called, a
variable read and an event arrive, and get the lines to try it yourself.

The watchtower runs as a process of its own, with its folder in the data folder,
under watch; --watch=false leaves it out. What it can do, and how to run it for a
cloud that matters: cyan help watch`

// anyPort is a port of this machine that the system chooses.
const anyPort = "127.0.0.1:0"

func (c *cli) upVerb() *cobra.Command {
	var f cloudFlags
	var withDemo, once bool
	var l lookout
	cmd := &cobra.Command{
		Use: "up", Short: "Start everything on this machine, and show it", Long: upHelp, Args: takes(0, 0, ""),
		Example: `  cyan up --demo
  cyan up --demo --once           show it and end, for scripts
  cyan up --data /tmp/try --listen-api 127.0.0.1:9080`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.printConfig {
				return c.printSettings(cmd, f.meant())
			}
			if once && !withDemo {
				return misuse("--once ends after the show, and without --demo there is none", "cyan up --demo --once")
			}
			if withDemo && (f.ListenUDP == "off" || f.ListenTCP == "off") {
				return misuse("the devices of --demo need both doors, --listen-udp and --listen-tcp")
			}
			if l.on = l.on && !once; l.on && f.ListenDrillUDP == "" && f.ListenDrillTCP == "" {
				f.ListenDrillUDP, f.ListenDrillTCP = anyPort, anyPort // where cyan drill breaks what no device uses
			}
			if l.on && f.WatchtowerURL == "" {
				f.WatchtowerURL = "http://" + l.listen
			}
			a, err := c.start(cmd, &f)
			if err != nil {
				return err
			}
			defer l.start(cmd.Context(), c, a, &f)()
			if !withDemo {
				c.say("Ctrl-C stops it")
				return c.untilStopped(cmd.Context(), a)
			}
			return c.upWithDemo(cmd.Context(), a, &f, once)
		},
	}
	f.add(cmd, "warn")
	cmd.Flags().BoolVar(&withDemo, "demo", false, "with two virtual devices, to look at")
	cmd.Flags().BoolVar(&l.on, "watch", true, "with the watchtower, as a second process")
	cmd.Flags().StringVar(&l.listen, "listen-status", app.WatchOptions{}.WithDefaults().Listen, "`address` of the watchtower's status page")
	cmd.Flags().BoolVar(&once, "once", false, "end after the show of --demo")
	return cmd
}

// upWithDemo shows the virtual devices and, unless once is enough, keeps
// everything running. The devices are off before the cloud stops.
func (c *cli) upWithDemo(ctx context.Context, a *app.App, f *cloudFlags, once bool) error {
	running, leave := context.WithCancel(ctx)
	defer leave()
	d := c.newDemo(a, f)
	err := d.run(running)
	if err == nil && !once {
		c.say("Ctrl-C stops it; %s keeps everything for the next time", f.Data)
		select {
		case <-ctx.Done():
			c.say("stopping")
		case err = <-a.Failed():
		}
	}
	leave()
	d.wait()
	return errors.Join(err, a.Stop(context.WithoutCancel(ctx)))
}
