package main

import (
	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/watch/desk"
)

func (c *cli) incidentReportedVerb(at *deskAt) *cobra.Command {
	var when string
	cmd := &cobra.Command{
		Use: "reported INCIDENT WORDS", Short: "Write down when a customer first told of an incident", Args: takes(2, 2, "an incident and, in quotes, who said what where"),
		Long: `Writes down that a customer told of an incident, and when. Of several reports the
earliest counts. The incident then says how many minutes the watchtower was ahead
of it, or behind; so does the monthly report (cyan report). The words are in the
timeline of the incident: leave out names and addresses.`,
		Example: "  cyan incident reported 31 'A customer asks in the forum whether it is down.' --at 2026-05-31T05:15:00Z",
		RunE: func(cmd *cobra.Command, args []string) error {
			said, err := c.instant("at", when)
			if err != nil {
				return err
			}
			if said.IsZero() {
				return misuse("--at is missing: when it was said", "such as 2026-05-31T05:15:00Z or 2026-05-31T07:15:00+02:00")
			}
			return c.askIncident(at, args[0], "report", cmd, desk.Ask{Words: args[1], At: said})
		},
	}
	cmd.Flags().StringVar(&when, "at", "", "`time` at which it was said, such as 2026-05-31T05:15:00Z")
	return cmd
}
