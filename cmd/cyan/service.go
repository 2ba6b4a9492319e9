package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/client"
	"github.com/cyan-cloud/cyan/wire/rest"
)

func (c *cli) serviceVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use: "service", Short: "Accounts of programs, which may do what you say and no more",
		Long: `A service account is a program's own: it acts for you, within the scopes that you
give it, its tokens have no second factor to ask for and live on when your own end,
and the audit log tells it from you.`,
	}
	cmd.AddCommand(c.serviceCreateVerb(), c.serviceListVerb(), c.serviceTokenVerb(), c.serviceDeleteVerb())
	return family(cmd)
}

func (c *cli) serviceCreateVerb() *cobra.Command {
	var scopes []string
	var lifetime string
	cmd := &cobra.Command{
		Use: "create NAME", Short: "Make a service account, and show its token once",
		Args: takes(1, 1, "NAME"),
		Long: `Makes a service account and prints its first token, which is shown this once. It
never expires unless --expires-in says so. --scope is what it may do, such as
devices:list or devices.function:call.`,
		Example: `  cyan account service create grafana --scope devices:list,devices.variable:get
  cyan account service create nightly --scope events:get --expires-in 90d`,
		RunE: func(cmd *cobra.Command, args []string) error {
			var g client.Grant
			if err := parseLifetime(lifetime, &g); err != nil {
				return err
			}
			if len(scopes) == 0 {
				return misuse("what may "+args[0]+" do?", "--scope devices:list, for one; docs/guide/scopes.md has all of them")
			}
			remote, err := c.remote()
			if err != nil {
				return err
			}
			t, err := remote.AddService(cmd.Context(), args[0], scopes, g.ExpiresIn)
			if err != nil {
				return err
			}
			return c.showServiceToken(t)
		},
	}
	cmd.Flags().StringSliceVar(&scopes, "scope", nil, "`rights` that it has, with commas between")
	lifetimeFlag(cmd, &lifetime)
	c.targetFlags(cmd)
	return cmd
}

func lifetimeFlag(cmd *cobra.Command, lifetime *string) {
	cmd.Flags().StringVar(lifetime, "expires-in", "never", "`time` that the token is good for, such as 90d")
}

// showServiceToken prints a token of a service account, as those of people are
// printed.
func (c *cli) showServiceToken(t rest.ServiceToken) error {
	until := expiry(rest.Token{ExpiresIn: t.ExpiresIn})
	expires := "never expires"
	if !until.IsZero() {
		expires = "expires " + c.stamp(until)
	}
	c.say("the token of service account %s %s; it is shown this once", t.ServiceAccount.Name, expires)
	return c.show(struct {
		created
		ServiceAccount string `json:"service_account"`
	}{created{t.Token, rest.At(until), t.ServiceAccount.Scopes}, t.ServiceAccount.ID}, "%s", t.Token)
}

func (c *cli) serviceListVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use: "list [NAME]", Short: "Your service accounts, or one with its tokens", Args: takes(0, 1, "[NAME]"),
		Example: "  cyan account service list\n  cyan account service list grafana",
		RunE: func(cmd *cobra.Command, args []string) error {
			remote, err := c.remote()
			if err != nil {
				return err
			}
			if len(args) == 1 {
				v, err := remote.Service(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				return c.showService(v)
			}
			list, err := remote.Services(cmd.Context())
			if err != nil {
				return err
			}
			if len(list) == 0 {
				c.say("you have no service accounts; cyan account service create makes one")
			}
			for _, v := range list {
				if err := c.showService(v); err != nil {
					return err
				}
			}
			return nil
		},
	}
	c.targetFlags(cmd)
	return cmd
}

// showService describes a service account to a person.
func (c *cli) showService(v rest.ServiceAccount) error {
	lines := []string{v.Name + "  " + v.ID, c.wrapped("  made "+c.stamp(v.CreatedAt.Time)+", may "+strings.Join(v.Scopes, ", "), "    ")}
	for _, t := range v.Tokens {
		lines = append(lines, c.tokenLine(t))
	}
	return c.show(v, "%s", strings.Join(lines, "\n"))
}

func (c *cli) serviceTokenVerb() *cobra.Command {
	var lifetime string
	cmd := &cobra.Command{
		Use: "token NAME", Short: "Make another token of a service account, and show it once",
		Args: takes(1, 1, "NAME"),
		Long: `Makes another token of a service account, so that a program can go over to it before
the old one ends: cyan token revoke.`,
		Example: "  cyan account service token grafana\n  cyan account service token grafana --expires-in 90d",
		RunE: func(cmd *cobra.Command, args []string) error {
			var g client.Grant
			if err := parseLifetime(lifetime, &g); err != nil {
				return err
			}
			remote, err := c.remote()
			if err != nil {
				return err
			}
			t, err := remote.AddServiceToken(cmd.Context(), args[0], g.ExpiresIn)
			if err != nil {
				return err
			}
			return c.showServiceToken(t)
		},
	}
	lifetimeFlag(cmd, &lifetime)
	c.targetFlags(cmd)
	return cmd
}

func (c *cli) serviceDeleteVerb() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: "delete NAME", Short: "End a service account and its tokens", Args: takes(1, 1, "NAME"),
		Long:    `Ends a service account and all its tokens, at once. On a terminal it asks first.`,
		Example: "  cyan account service delete grafana",
		RunE: func(cmd *cobra.Command, args []string) error {
			remote, err := c.remote()
			if err != nil {
				return err
			}
			if !yes && !c.agreed("end "+args[0]+" and its tokens?") {
				return misuse("nothing is ended", "--yes says it without being asked")
			}
			if err := remote.DeleteService(cmd.Context(), args[0]); err != nil {
				return err
			}
			return c.show(map[string]any{"ok": true, "service_account": args[0]}, "service account %s and its tokens have ended", args[0])
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	c.targetFlags(cmd)
	return cmd
}
