package main

import (
	"github.com/spf13/cobra"
)

func (c *cli) claimVerb() *cobra.Command {
	cmd := &cobra.Command{Use: "claim", Short: "Codes by which devices that are set up become yours"}
	cmd.AddCommand(c.claimCodeVerb())
	return family(cmd)
}

func (c *cli) claimCodeVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use: "code", Aliases: []string{"create"}, Short: "Make a code for one device, good for an hour", Args: takes(0, 0, ""),
		Long: `Makes a claim code. A set-up program gives it to a device, which sends it when it
connects, and is yours then if it is nobody's. The code is for one device and good
for an hour. A device that is connected already: cyan device add.`,
		Example: "  cyan claim code\n  code=$(cyan claim code | jq -r .claim_code)",
		RunE: func(cmd *cobra.Command, _ []string) error {
			remote, err := c.remote()
			if err != nil {
				return err
			}
			code, err := remote.ClaimCode(cmd.Context())
			if err != nil {
				return err
			}
			c.say("for one device, until %s", c.stamp(code.ExpiresAt.Time))
			return c.show(code, "%s", code.Code)
		},
	}
	c.targetFlags(cmd)
	return cmd
}
