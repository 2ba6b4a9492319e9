package main

import (
	"strconv"

	"github.com/spf13/cobra"
)

func (c *cli) oncallOwnersVerb(at *onCall) *cobra.Command {
	return &cobra.Command{
		Use: "owners", Short: "Owners, those first whom an outage costs most", Args: takes(0, 0, ""),
		Long: `Lists the owners of the watchtower's file --owner-pages in the order in which they
are to be helped: by what a minute of the outage that is open costs each of them.
That is the cost in the file times the share of their devices that it hits; where
that cannot be counted, because the cloud is dead, all of it. Without an outage
those come first who have most to lose.`,
		Example: "  cyan oncall owners\n  cyan oncall owners --json | jq -r 'select(.costs_per_min > 0) | .name'",
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := at.open()
			if err != nil {
				return err
			}
			list, err := o.Owners(cmd.Context())
			if err != nil {
				return err
			}
			if len(list) == 0 {
				return fail(exitNotFound, "no owners are known", "cyan watch --owner-pages names them, with cost")
			}
			for _, s := range list {
				hit := "no outage"
				switch {
				case s.Hit != nil:
					hit = strconv.Itoa(*s.Hit) + " of " + strconv.Itoa(s.Devices) + " devices out"
				case s.Incident > 0:
					hit = "nobody can count"
				}
				if err := c.show(s, "%s%10.2f/min  of %.2f  %s", padded(s.Name, 24), s.Now, s.Cost, hit); err != nil {
					return err
				}
			}
			return nil
		},
	}
}
