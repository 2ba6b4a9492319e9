package main

import (
	"errors"
	"net/http"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/watch/desk"
	"github.com/cyan-cloud/cyan/watch/incident"
	"github.com/cyan-cloud/cyan/watch/signal"
)

// deskAt is where the watchtower is whose incidents and windows are meant, and
// who speaks.
type deskAt struct{ url, data, by string }

// flags adds the flags of verbs that talk to a desk.
func (a *deskAt) flags(cmd *cobra.Command) {
	flags := cmd.PersistentFlags()
	flags.StringVar(&a.url, "watch-url", defaultStatus, "`URL` of the watchtower")
	flags.StringVar(&a.data, "watch-data", "./cyan-watch", "the watchtower's data `folder`, with the key")
	flags.StringVar(&a.by, "by", "", "who you are (default your name on this machine)")
}

// open finds the desk and its key.
func (a *deskAt) open() (*desk.Client, error) {
	if a.by == "" {
		a.by = "somebody"
		if me, err := user.Current(); err == nil {
			a.by = me.Username
		}
	}
	name := filepath.Join(a.data, desk.KeyFile)
	key, err := os.ReadFile(name)
	if err != nil {
		return nil, fail(exitDenied, "the watchtower's key cannot be read: "+err.Error(), "run it where the watchtower runs, as its user, with its --watch-data")
	}
	return &desk.Client{URL: a.url, Key: strings.TrimSpace(string(key))}, nil
}

// deskExits is which exit code a refusal of the desk means.
var deskExits = map[int]exitCode{
	http.StatusUnauthorized: exitUnauthenticated, http.StatusNotFound: exitNotFound, http.StatusConflict: exitConflict, http.StatusBadRequest: exitInvalid,
}

// refused gives the exit code of what a desk refused.
func refused(err error) error {
	no, ok := errors.AsType[*desk.RefusalError](err)
	if !ok {
		return err
	}
	code, known := deskExits[no.Status]
	if !known {
		code = exitCloud
	}
	return fail(code, no.Words)
}

func (c *cli) incidentVerb() *cobra.Command {
	var at deskAt
	cmd := &cobra.Command{
		Use: "incident", Short: "Incidents: what was measured, and what people say of it",
		Long: `Talks to a running watchtower, on its machine: what allows it is a file in the
watchtower's data folder. Incidents open, turn and close by measurement. People
add words and may make them worse; nobody can make them better than they were
measured, but everybody may dispute that, and the page shows both.`,
	}
	at.flags(cmd)
	cmd.AddCommand(c.incidentListVerb(&at), c.incidentShowVerb(&at), c.incidentSayVerb(&at), c.incidentWorsenVerb(&at),
		c.incidentDeclareVerb(&at), c.incidentDisputeVerb(&at), c.incidentAckVerb(&at), c.incidentReportedVerb(&at))
	return family(cmd)
}

func (c *cli) incidentListVerb(at *deskAt) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List incidents, newest first", Args: takes(0, 0, ""),
		Example: "  cyan incident list\n  cyan incident list --json | jq 'select(.status != \"resolved\")'",
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := at.open()
			if err != nil {
				return err
			}
			list, err := d.Incidents(cmd.Context())
			if err != nil {
				return refused(err)
			}
			for i := range list {
				if err := c.oneIncident(&list[i], false); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func (c *cli) incidentShowVerb(at *deskAt) *cobra.Command {
	return &cobra.Command{
		Use: "show INCIDENT", Short: "Show an incident with its timeline", Args: takes(1, 1, "an incident's number or id"),
		Example: "  cyan incident show 31\n  cyan incident show bbp57y75c4lw --json | jq .timeline",
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := at.open()
			if err != nil {
				return err
			}
			i, err := d.Incident(cmd.Context(), args[0])
			if err != nil {
				return refused(err)
			}
			return c.oneIncident(&i, true)
		},
	}
}

// askIncident makes a verb that does something to an incident and shows it.
func (c *cli) askIncident(at *deskAt, id, verb string, cmd *cobra.Command, ask desk.Ask) error {
	d, err := at.open()
	if err != nil {
		return err
	}
	ask.Who = at.by
	i, err := d.Ask(cmd.Context(), id, verb, ask)
	if err != nil {
		return refused(err)
	}
	return c.oneIncident(&i, false)
}

func (c *cli) incidentSayVerb(at *deskAt) *cobra.Command {
	var identified bool
	cmd := &cobra.Command{
		Use: "say INCIDENT WORDS", Short: "Add words to an incident, for everybody to read", Args: takes(2, 2, "an incident and, in quotes, words"),
		Long:    "Puts words on the page at once. What fails, for whom and since when stands there\nalready, measured. The next update is due half an hour later.",
		Example: "  cyan incident say 31 'The key store does not answer; we are replacing it.' --identified",
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.askIncident(at, args[0], "say", cmd, desk.Ask{Words: args[1], Identified: identified})
		},
	}
	cmd.Flags().BoolVar(&identified, "identified", false, "the cause is known from now on")
	return cmd
}

func (c *cli) incidentWorsenVerb(at *deskAt) *cobra.Command {
	return &cobra.Command{
		Use: "worsen INCIDENT CAPABILITY STATE WORDS", Short: "Say that a capability is worse than measured, or take that back",
		Args:    takes(4, 4, "an incident, a capability, a state and, in quotes, words"),
		Long:    "Capabilities: " + capabilityNames() + ".\nStates: degraded_performance, partial_outage, major_outage; operational takes back what\na person said. What is better than the measurement is refused.",
		Example: "  cyan incident worsen 31 events major_outage 'No event has arrived in Asia since noon.'",
		RunE: func(cmd *cobra.Command, args []string) error {
			ask, err := claim(args[1], args[2], args[3])
			if err != nil {
				return err
			}
			return c.askIncident(at, args[0], "worsen", cmd, ask)
		},
	}
}

func (c *cli) incidentDeclareVerb(at *deskAt) *cobra.Command {
	return &cobra.Command{
		Use: "declare CAPABILITY STATE WORDS", Short: "Open an incident that nobody measured", Args: takes(3, 3, "a capability, a state and, in quotes, words"),
		Example: "  cyan incident declare events degraded_performance 'Customers tell us that events are late.'",
		RunE: func(cmd *cobra.Command, args []string) error {
			ask, err := claim(args[0], args[1], args[2])
			if err != nil {
				return err
			}
			return c.askIncident(at, "", "", cmd, ask)
		},
	}
}

func (c *cli) incidentDisputeVerb(at *deskAt) *cobra.Command {
	return &cobra.Command{
		Use: "dispute INCIDENT WORDS", Short: "Say that the measurement is wrong; the page shows both", Args: takes(2, 2, "an incident and, in quotes, words"),
		Example: "  cyan incident dispute 31 'The canary runs behind a broken router.'",
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.askIncident(at, args[0], "dispute", cmd, desk.Ask{Words: args[1]})
		},
	}
}

func (c *cli) incidentAckVerb(at *deskAt) *cobra.Command {
	return &cobra.Command{
		Use: "ack INCIDENT", Short: "Take an incident on", Args: takes(1, 1, "an incident's number or id"),
		Example: "  cyan incident ack 31 --by ana",
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.askIncident(at, args[0], "ack", cmd, desk.Ask{})
		},
	}
}

// claim reads what a person says of a capability.
func claim(capability, state, words string) (desk.Ask, error) {
	ask := desk.Ask{Capability: signal.Capability(capability), Words: words}
	if !ask.Capability.Valid() {
		return ask, misuse("there is no capability "+capability, "there are "+capabilityNames())
	}
	if err := ask.Severity.UnmarshalText([]byte(state)); err != nil {
		return ask, misuse("there is no state "+state, "there are operational, degraded_performance, partial_outage and major_outage")
	}
	return ask, nil
}

func capabilityNames() string {
	var names []string
	for _, k := range signal.Capabilities() {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}

// oneIncident shows an incident, with its timeline where that is asked for.
func (c *cli) oneIncident(i *incident.Incident, whole bool) error {
	if c.json {
		return c.emit(i)
	}
	until := ""
	if !i.Ended().IsZero() {
		until = " to " + c.stamp(i.Ended())
	}
	c.print("%d  %s  %s  %s%s  %s", i.Number, i.ID, padded(string(i.Status), 13), c.stamp(i.Began), until, i.Title())
	if i.Dispute != "" {
		c.print("   disputed: %s", i.Dispute)
	}
	if !whole {
		return nil
	}
	c.print("   the watchtower: %s", i.AheadWords())
	for at := range i.Parts {
		p := &i.Parts[at]
		c.print("   %s%s, at worst %s, by canaries and counts %s", padded(p.Capability.String(), 24), plainly(p.Severity().String()), plainly(p.Worst.String()), plainly(p.Measured.String()))
	}
	for _, e := range i.Timeline {
		so := ""
		if !e.Since.IsZero() {
			so = "so since " + c.stamp(e.Since) + ": "
		}
		c.print("   %s  %s%s%s%s", c.stamp(e.At), padded(string(e.Kind), 15), padded(e.Who, 12), so, e.Text)
	}
	return nil
}
