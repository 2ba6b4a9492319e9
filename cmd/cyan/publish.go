package main

import (
	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/wire/rest"
)

func (c *cli) publishVerb() *cobra.Command {
	var public bool
	cmd := &cobra.Command{
		Use: "publish NAME [DATA]", Short: "Publish an event to your devices",
		Args: takes(1, 2, "NAME [DATA]"),
		Long: `Publishes an event to your devices and your streams; with --public to everybody's.
Names that begin with spark or particle are the cloud's own.`,
		Example: "  cyan publish oven/lights on\n  cyan publish weather/rain --public",
		RunE: func(cmd *cobra.Command, args []string) error {
			remote, err := c.remote()
			if err != nil {
				return err
			}
			private := !public
			e := rest.Publish{Name: args[0], Private: &private}
			if len(args) > 1 {
				e.Data = &args[1]
			}
			if err := remote.Publish(cmd.Context(), e); err != nil {
				return err
			}
			if c.json {
				return c.emit(rest.OK{OK: true})
			}
			c.say("published %s", args[0])
			return nil
		},
	}
	cmd.Flags().BoolVar(&public, "public", false, "everybody may hear it")
	c.targetFlags(cmd)
	return cmd
}
