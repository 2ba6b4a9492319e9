package main

import (
	"encoding/csv"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/wire/rest"
)

func (c *cli) impactVerb() *cobra.Command {
	var from, until string
	var table bool
	cmd := &cobra.Command{
		Use: "impact [INCIDENT]", Short: "Which of your devices an outage hit", Args: takes(0, 1, "one incident, as the status page names it"),
		Long: `Tells which of your devices failed to connect through the cloud's fault, or lost
their connection to a restart of it: from when to when, how each came back, and
when it last answered since. Name an incident of the status page, or a time.`,
		Example: "  cyan impact 7f3a2c\n  cyan impact --from 2026-05-31T05:15:00Z --until 2026-05-31T07:21:00Z\n  cyan impact --from 2026-05-31T05:15:00Z --csv > hit.csv",
		RunE: func(cmd *cobra.Command, args []string) error {
			begins, err := c.instant("from", from)
			if err != nil {
				return err
			}
			ends, err := c.instant("until", until)
			if err != nil {
				return err
			}
			if (len(args) == 0) == begins.IsZero() {
				return misuse("name an incident, or say --from when", "cyan status lists incidents")
			}
			remote, err := c.remote()
			if err != nil {
				return err
			}
			var v rest.Impact
			if len(args) == 1 {
				v, err = remote.ImpactOf(cmd.Context(), args[0])
			} else {
				v, err = remote.ImpactBetween(cmd.Context(), begins, ends)
			}
			switch {
			case err != nil:
				return err
			case table:
				return c.impactTable(&v)
			case c.json:
				return c.emit(v)
			}
			c.printImpact(&v)
			return nil
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "`time` since when, such as 2026-05-31T05:15:00Z")
	cmd.Flags().StringVar(&until, "until", "", "`time` until when (default now)")
	cmd.Flags().BoolVar(&table, "csv", false, "a line for each device that was hit, with commas between")
	c.targetFlags(cmd)
	return cmd
}

// instant reads the value of a flag; empty: the zero time.
func (c *cli) instant(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := c.moment(flag, text)
	return at.At, err
}

// backWords is how a device came back.
var backWords = map[string]string{
	rest.BackSession: "came back by itself within its session", rest.BackHandshake: "came back with a new handshake", rest.BackNotYet: "is not back yet",
}

func (c *cli) printImpact(v *rest.Impact) {
	if v.Incident != nil {
		c.print("%s (%s)", v.Incident.Name, v.Incident.URL)
	}
	between := c.stamp(v.From.Time) + " – " + c.stamp(v.Until.Time)
	if v.Hit == 0 {
		c.print("None of your %d devices was hit: %s", v.Devices, between)
		return
	}
	c.print("%d of your %d devices hit, %d of them are back: %s", v.Hit, v.Devices, v.Back, between)
	for _, h := range v.Hits {
		name := string(h.Name)
		if name == "" {
			name = h.Device
		}
		line := padded(name, 20) + c.stamp(h.From.Time) + " – "
		if h.Until.IsZero() {
			line += "now"
		} else {
			line += c.stamp(h.Until.Time)
		}
		line += "  " + h.Reason + ", " + strconv.Itoa(h.Failed) + " failed; " + backWords[h.Back]
		if !h.Proof.IsZero() {
			line += ", last proven " + c.stamp(h.Proof.Time)
		}
		c.print("%s", line)
	}
	if v.Truncated {
		c.print("There were more attempts than are looked at: ask for less time.")
	}
}

func (c *cli) impactTable(v *rest.Impact) error {
	w := csv.NewWriter(c.out)
	rows := [][]string{{"device", "name", "from", "until", "failed", "reason", "back", "proof"}}
	for _, h := range v.Hits {
		rows = append(rows, []string{
			h.Device, inert(string(h.Name)), h.From.String(), h.Until.String(), strconv.Itoa(h.Failed), h.Reason, h.Back, h.Proof.String(),
		})
	}
	return w.WriteAll(rows)
}

// inert keeps a spreadsheet from taking a name for a formula.
func inert(name string) string {
	if name != "" && (name[0] == '=' || name[0] == '+' || name[0] == '-' || name[0] == '@') {
		return "'" + name
	}
	return name
}
