package main

import "github.com/spf13/cobra"

func (c *cli) pingVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use: "ping DEVICE", Short: "Ask whether a device answers",
		Args:    takes(1, 1, "DEVICE"),
		Long:    `Sends a device a message that it has to acknowledge, application or not.`,
		Example: "  cyan ping oven\n  cyan ping oven || echo 'not there'",

		ValidArgsFunction: c.deviceWords(nil),
		RunE: func(cmd *cobra.Command, args []string) error {
			remote, err := c.remote()
			if err != nil {
				return err
			}
			done := c.waiting("waiting for " + args[0])
			answer, err := remote.Ping(cmd.Context(), args[0])
			done()
			if err != nil {
				return err
			}
			if c.json {
				if err := c.emit(answer); err != nil {
					return err
				}
			}
			if !answer.Online {
				state := answer.State
				if answer.Reason != "" {
					state += " (" + string(answer.Reason) + ")"
				}
				return fail(exitOffline, "device "+args[0]+" does not answer; it is "+state+", since "+c.stamp(answer.StateSince.Time),
					"cyan attempts "+args[0])
			}
			if !c.json {
				c.print("%s answered in %.1f ms", args[0], answer.RoundTripMS)
			}
			return nil
		},
	}
	c.targetFlags(cmd)
	return cmd
}
