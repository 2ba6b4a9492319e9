package main

import "github.com/spf13/cobra"

func (c *cli) callVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use: "call DEVICE FUNCTION [ARGUMENT]", Short: "Call a function of a device",
		Args: takes(2, 3, "DEVICE FUNCTION [ARGUMENT]"),
		Long: `Calls a function and prints what it returned, a number. DEVICE is an id or a
name, in any case. An argument that begins with a dash stands after "--".`,
		Example: "  cyan call oven setpitf 225\n  cyan call oven adjust -- -5",

		ValidArgsFunction: c.deviceWords(functionsOf),
		RunE: func(cmd *cobra.Command, args []string) error {
			remote, err := c.remote()
			if err != nil {
				return err
			}
			argument := ""
			if len(args) > 2 {
				argument = args[2]
			}
			done := c.waiting("waiting for " + args[0])
			result, err := remote.Call(cmd.Context(), args[0], args[1], argument)
			done()
			if err != nil {
				return err
			}
			return c.show(result, "%d", result.ReturnValue)
		},
	}
	c.targetFlags(cmd)
	return cmd
}
