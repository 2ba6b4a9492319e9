package main

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/watch/desk"
	"github.com/cyan-cloud/cyan/watch/maintenance"
	"github.com/cyan-cloud/cyan/watch/signal"
)

func (c *cli) maintenanceVerb() *cobra.Command {
	var at deskAt
	cmd := &cobra.Command{
		Use: "maintenance", Short: "Maintenance: windows in which what is announced may fail",
		Long: `Talks to a running watchtower, on its machine, as cyan incident does. A window
holds back pages for what it declared, between the times that it declared, and
for nothing else: what begins before, is worse, is another capability or goes on
after the announced end is an incident.`,
	}
	at.flags(cmd)
	cmd.AddCommand(c.maintenancePlanVerb(&at), c.maintenanceListVerb(&at),
		c.maintenanceEndVerb(&at, "cancel", "Take back a window that has not begun", "It is not needed any more."),
		c.maintenanceEndVerb(&at, "finish", "Say that the work is done: what fails is an incident again", ""))
	return family(cmd)
}

func (c *cli) maintenancePlanVerb(at *deskAt) *cobra.Command {
	var plan maintenance.Window
	var kind, starts, ends string
	var length time.Duration
	var effects []string
	cmd := &cobra.Command{
		Use: "plan TITLE", Short: "Announce a window", Args: takes(1, 1, "a title, in quotes"),
		Long: `Announces a window on the page at once. Times have their zone: RFC 3339, or a
date, a time and a zone by name. An effect is a capability and how bad it gets at
worst. Less than a day ahead, --kind says whether it is short_notice or emergency.

Capabilities: ` + capabilityNames() + ".",
		Example: `  cyan maintenance plan 'New database' --reason 'It moves to a bigger machine.' \
      --start '2026-12-01 04:00 Europe/Berlin' --for 1h --effect function-calls=partial_outage`,
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := at.open()
			if err != nil {
				return err
			}
			plan.Title, plan.Who, plan.Kind = args[0], at.by, maintenance.Kind(kind)
			if plan.Starts, plan.Zone, err = maintenance.ParseTime(starts); err != nil {
				return misuse("--start: "+err.Error(), "--start '2026-12-01 04:00 Europe/Berlin'")
			}
			if plan.Ends = plan.Starts.Add(length); ends != "" {
				if plan.Ends, _, err = maintenance.ParseTime(ends); err != nil {
					return misuse("--end: "+err.Error(), "--end '2026-12-01 05:00 Europe/Berlin'")
				}
			}
			if plan.Effects, err = parseEffects(effects); err != nil {
				return err
			}
			w, err := d.Plan(cmd.Context(), plan)
			if err != nil {
				return refused(err)
			}
			return c.oneWindow(&w)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&starts, "start", "", "`time` with its zone")
	flags.StringVar(&ends, "end", "", "`time` with its zone (default --for after the start)")
	flags.DurationVar(&length, "for", time.Hour, "how long")
	flags.StringVar(&plan.Reason, "reason", "", "why, for those whom it hits")
	flags.StringVar(&kind, "kind", string(maintenance.Planned), "planned, short_notice or emergency")
	flags.StringArrayVar(&effects, "effect", nil, "what may fail, as `capability=state`; several times for several")
	flags.StringVar(&plan.Remedies, "remedies", "", "the `incident` that it puts right")
	return cmd
}

// parseEffects reads what a window declares.
func parseEffects(list []string) ([]maintenance.Effect, error) {
	var effects []maintenance.Effect
	for _, text := range list {
		capability, state, ok := strings.Cut(text, "=")
		if !ok {
			return nil, misuse("an effect is a capability and a state: "+text, "--effect function-calls=partial_outage")
		}
		ask, err := claim(capability, state, "")
		if err != nil {
			return nil, err
		}
		effects = append(effects, maintenance.Effect{Capability: ask.Capability, Worst: ask.Severity})
	}
	if len(effects) == 0 {
		return nil, misuse("say what may fail: a window that declares nothing holds nothing back", "--effect "+string(signal.Calls)+"=partial_outage")
	}
	return effects, nil
}

func (c *cli) maintenanceListVerb(at *deskAt) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List windows, the newest start first", Args: takes(0, 0, ""),
		Example: "  cyan maintenance list",
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := at.open()
			if err != nil {
				return err
			}
			list, err := d.Windows(cmd.Context())
			if err != nil {
				return refused(err)
			}
			for i := range list {
				if err := c.oneWindow(&list[i]); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// maintenanceEndVerb makes a verb that ends a window before its time.
func (c *cli) maintenanceEndVerb(at *deskAt, verb, short, words string) *cobra.Command {
	cmd := &cobra.Command{
		Use: verb + " WINDOW", Short: short, Args: takes(1, 1, "a window's number or id"),
		Example: "  cyan maintenance " + verb + " 3",
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := at.open()
			if err != nil {
				return err
			}
			w, err := d.AskWindow(cmd.Context(), args[0], verb, desk.Ask{Who: at.by, Words: words})
			if err != nil {
				return refused(err)
			}
			return c.oneWindow(&w)
		},
	}
	if words != "" {
		cmd.Flags().StringVar(&words, "why", words, "words for the page")
	}
	return cmd
}

// oneWindow shows a window.
func (c *cli) oneWindow(w *maintenance.Window) error {
	if c.json {
		return c.emit(w)
	}
	c.print("%d  %s  %s  %s to %s  %s", w.Number, w.ID, padded(plainly(string(w.Status)), 11), c.stamp(w.Starts), c.stamp(w.Ends), w.Title)
	c.print("   %s", w.Announcement())
	return nil
}
