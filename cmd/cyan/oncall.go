package main

import (
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/app"
)

// onCall is where the watchtower is that the verbs talk to.
type onCall struct{ url, data, by string }

func (c *cli) oncallVerb() *cobra.Command {
	var at onCall
	cmd := &cobra.Command{
		Use: "oncall", Short: "Who is paged, whether that works, and who has the alert",
		Long: `Talks to a running watchtower, on its machine: what allows it is a file in the
watchtower's data folder. It needs no login and nothing of the cloud, which may be
what is broken.`,
	}
	flags := cmd.PersistentFlags()
	flags.StringVar(&at.url, "watch-url", "http://127.0.0.1:8090", "`URL` of the watchtower")
	flags.StringVar(&at.data, "watch-data", "./cyan-watch", "the watchtower's data `folder`")
	flags.StringVar(&at.by, "by", "", "who you are (default your name on this machine)")
	cmd.AddCommand(c.oncallRotaVerb(&at), c.oncallOwnersVerb(&at), c.oncallTestVerb(&at), c.oncallStatusVerb(&at), c.oncallAckVerb(&at))
	return family(cmd)
}

// open finds the watchtower.
func (a *onCall) open() (*app.Oncall, error) {
	if a.by == "" {
		a.by = "somebody"
		if me, err := user.Current(); err == nil {
			a.by = me.Username
		}
	}
	o, err := app.OpenOncall(a.url, a.data)
	if err != nil {
		return nil, advise(err, "run it where the watchtower runs, as its user, with its --watch-data")
	}
	return o, nil
}

func (c *cli) oncallTestVerb(at *onCall) *cobra.Command {
	return &cobra.Command{
		Use: "test", Short: "Send a test page by every outlet, and show what each said", Args: takes(0, 0, ""),
		Long: `Pages by every outlet of every stage at once, with a page that says that it is a
test, and prints what each provider answered: that, and that your telephone rang,
is the proof. The test is over by itself after five minutes. An outlet that was
given up is given another chance. Ends with 18 if some outlets failed, 10 if all.`,
		Example: "  cyan oncall test\n  cyan oncall test --json | jq 'select(.ok | not)'",
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := at.open()
			if err != nil {
				return err
			}
			done := c.waiting("paging by every outlet")
			results, err := o.Test(cmd.Context(), at.by)
			done()
			if err != nil {
				return err
			}
			good := 0
			for _, r := range results {
				word := "FAILED"
				if r.OK {
					word, good = "ok", good+1
				}
				if err := c.show(r, "%s%s%8s  %s", padded(r.Outlet, 20), padded(word, 8), r.Took.Round(time.Millisecond), r.Words); err != nil {
					return err
				}
			}
			switch {
			case len(results) == 0:
				return fail(exitCloud, "nobody would be paged: there is no outlet", "docs/guide/watchtower.md shows how to set one")
			case good == 0:
				return fail(exitCloud, "no outlet took the page: nobody can be reached")
			case good < len(results):
				return fail(exitPartly, "some outlets did not take the page")
			}
			return nil
		},
	}
}

func (c *cli) oncallStatusVerb(at *onCall) *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Whether people can be reached, and which alerts are open", Args: takes(0, 0, ""),
		Long: `Shows each outlet and dead man's switch, and each open alert with who was told,
when, and what the provider answered. Ends with 10 when it is red: when somebody
has to look after who is paged.`,
		Example: "  cyan oncall status\n  cyan oncall status --json | jq .why",
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := at.open()
			if err != nil {
				return err
			}
			s, err := o.Status(cmd.Context())
			if err != nil {
				return err
			}
			if c.json {
				err = c.emit(s)
			} else {
				for _, line := range s.Lines(c.stamp) {
					c.print("%s", line)
				}
			}
			if err == nil && s.Red {
				err = fail(exitCloud, "red: "+strings.Join(s.Why, "; "))
			}
			return err
		},
	}
}

func (c *cli) oncallAckVerb(at *onCall) *cobra.Command {
	return &cobra.Command{
		Use: "ack ALERT", Short: "Say that you have an alert", Args: takes(1, 1, "ALERT"),
		Long: `Says that you look after an alert: nobody else is called for it, and its incident
shows who has it since when. ALERT is the key that the page and cyan oncall status
show.`,
		Example: "  cyan oncall ack wt:inc:2026-11-22T13:02Z:connect\n  cyan oncall ack wt:inc:2026-11-22T13:02Z:connect --by Ada",
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := at.open()
			if err != nil {
				return err
			}
			if err := o.Acknowledge(cmd.Context(), args[0], at.by); err != nil {
				return advise(err, "cyan oncall status lists what is open")
			}
			return c.show(map[string]string{"acknowledged": args[0], "by": at.by}, "%s has %s", at.by, args[0])
		},
	}
}
