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
	var kind string
	var asked windowTimes
	var effects []string
	var yes bool
	cmd := &cobra.Command{
		Use: "plan [TITLE]", Short: "Announce a window, or ask when one is best", Args: takes(0, 1, "a title, in quotes"),
		Long: `Announces a window on the page at once. Without a time it proposes some instead:
those of the next week in which least is done of what the effects touch, as the
cloud has counted it in each hour of the last eight weeks, and what that is; with
--zone as clocks show it where owners live. Times have their zone: RFC 3339, or a
date, a time and a zone by name. A time that can mean several is asked back: one
without a zone, in a zone called CST, in the hour that comes twice or never when
clocks change. On a terminal the window is shown in UTC before it is announced.

An effect is a capability and how bad it gets at worst. Less than a day ahead,
--kind says whether it is short_notice or emergency. People are reminded a day and
an hour before. The window closes when canaries have come through again; what does
not pass that check within five minutes is an incident by itself.

Capabilities: ` + capabilityNames() + ".",
		Example: `  cyan maintenance plan --for 2h --effect function-calls=partial_outage --zone Europe/Berlin --zone Asia/Tokyo
  cyan maintenance plan 'New database' --reason 'It moves to a bigger machine.' \
      --start '2026-12-01 04:00 Europe/Berlin' --for 1h --effect function-calls=partial_outage`,
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := at.open()
			if err != nil {
				return err
			}
			plan.Who, plan.Kind = at.by, maintenance.Kind(kind)
			propose := asked.starts == "" && asked.when == ""
			if plan.Effects, err = parseEffects(effects); err != nil && (!propose || len(effects) > 0) {
				return err
			}
			if propose {
				return c.propose(cmd.Context(), d, &plan, &asked)
			}
			if len(args) == 0 {
				return misuse("what is it called? a title, in quotes", cmd.CommandPath()+" 'New database' …")
			}
			plan.Title = args[0]
			if err := c.times(&plan, &asked); err != nil {
				return err
			}
			if !yes && terminal(c.in) && !c.agreed("It is "+between(&plan)+". Announce it to everybody?") {
				return misuse("nothing is announced", "--yes says it without being asked")
			}
			w, err := d.Plan(cmd.Context(), plan)
			if err != nil {
				return refused(err)
			}
			return c.oneWindow(&w)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&asked.starts, "start", "", "`time` with its zone")
	flags.StringVar(&asked.ends, "end", "", "`time` with its zone (default --for after the start)")
	flags.StringVar(&asked.when, "when", "", "both, as a `range` such as '2026-12-01 04:00 to 05:15 Europe/Berlin'")
	flags.DurationVar(&asked.length, "for", time.Hour, "how long")
	flags.StringArrayVar(&asked.zones, "zone", nil, "a `zone` of owners, such as Asia/Tokyo, that proposals are shown in; several times for several")
	flags.BoolVarP(&yes, "yes", "y", false, "do not ask")
	flags.StringVar(&plan.Reason, "reason", "", "why, for those whom it hits")
	flags.StringVar(&kind, "kind", string(maintenance.Planned), "planned, short_notice or emergency")
	flags.StringArrayVar(&effects, "effect", nil, "what may fail, as `capability=state`; several times for several")
	flags.StringVar(&plan.Remedies, "remedies", "", "the `incident` that it puts right")
	return cmd
}

// windowTimes are the flags that say when a window is.
type windowTimes struct {
	starts, ends, when string
	length             time.Duration
	zones              []string // that proposals are shown in
}

// times reads when a window is.
func (c *cli) times(plan *maintenance.Window, asked *windowTimes) error {
	if asked.when != "" {
		if asked.starts != "" || asked.ends != "" {
			return misuse("--when says both: leave --start and --end out")
		}
		from, to, err := c.stretch("when", asked.when)
		plan.Starts, plan.Ends, plan.Zone = from.At, to.At, from.Zone
		return err
	}
	start, err := c.moment("start", asked.starts)
	if err != nil {
		return err
	}
	plan.Starts, plan.Zone, plan.Ends = start.At, start.Zone, start.At.Add(asked.length)
	if asked.ends == "" {
		return nil
	}
	end, err := c.moment("end", asked.ends)
	plan.Ends = end.At
	return err
}

// between says when a window is, in UTC and as it was typed.
func between(w *maintenance.Window) string {
	text := w.Starts.UTC().Format("2006-01-02 15:04:05") + " to " + w.Ends.UTC().Format("2006-01-02 15:04:05 UTC")
	if local := w.Local(); local != "" {
		text += ", which is " + local
	}
	return text
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
