package main

import (
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/client"
	"github.com/cyan-cloud/cyan/wire/rest"
)

func (c *cli) tokenVerb() *cobra.Command {
	cmd := &cobra.Command{Use: "token", Short: "Access tokens for programs and scripts"}
	cmd.AddCommand(c.tokenCreateVerb(), c.tokenListVerb(), c.tokenRevokeVerb())
	return family(cmd)
}

// created is a new token as a line of output.
type created struct {
	Token   string    `json:"token"`
	Expires rest.Time `json:"expires_at"` // null: never
	Scopes  []string  `json:"scopes"`     // empty: everything that the user may do
}

func (c *cli) tokenCreateVerb() *cobra.Command {
	var k credentials
	var lifetime string
	var scopes []string
	cmd := &cobra.Command{
		Use: "create", Short: "Make a token, and show it once", Args: takes(0, 0, ""),
		Long: `Asks for the password and prints a new token, which is shown this once: the cloud
keeps only a hash of it. It does not replace the one of cyan login. --expires-in
takes durations such as 90d, 12h or never; --scope limits what the token is good
for, such as devices:list or events:get.`,
		Example: `  cyan token create --expires-in 30d
  cyan token create --expires-in never --scope devices:list,devices.variable:get
  token=$(cyan token create --password-stdin < password.txt | jq -r .token)`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			g := client.Grant{Scopes: scopes}
			if err := parseLifetime(lifetime, &g); err != nil {
				return err
			}
			api, err := c.asWhom(&k)
			if err != nil {
				return err
			}
			token, err := c.authenticate(cmd.Context(), api, k, g)
			if err != nil {
				return err
			}
			until := expiry(token)
			if until.IsZero() {
				c.say("the token of %s never expires; it is shown this once", k.username)
			} else {
				c.say("the token of %s expires %s; it is shown this once", k.username, c.stamp(until))
			}
			if scopes == nil {
				scopes = []string{}
			}
			return c.show(created{token.AccessToken, rest.At(until), scopes}, "%s", token.AccessToken)
		},
	}
	k.flags(cmd, "")
	cmd.Flags().StringVar(&lifetime, "expires-in", "", "`time` that it is good for, such as 90d or never (default what the cloud gives)")
	cmd.Flags().StringSliceVar(&scopes, "scope", nil, "`rights` that it is limited to, with commas between (default all of the user's)")
	c.targetFlags(cmd)
	return cmd
}

// parseLifetime reads what --expires-in takes.
func parseLifetime(word string, g *client.Grant) error {
	switch word {
	case "":
		return nil
	case "never":
		g.Endless = true
		return nil
	}
	var err error
	if days, ok := strings.CutSuffix(word, "d"); ok {
		var n int
		n, err = strconv.Atoi(days)
		g.ExpiresIn = time.Duration(n) * 24 * time.Hour
	} else {
		g.ExpiresIn, err = time.ParseDuration(word)
	}
	if err != nil || g.ExpiresIn < time.Second {
		return misuse("--expires-in "+word+" is no time to come", "such as 90d, 12h or never")
	}
	return nil
}

// asWhom finds out which cloud is meant, and for which user if none was named:
// the one who is logged in there.
func (c *cli) asWhom(k *credentials) (api string, err error) {
	api, _, err = c.aim()
	if err != nil {
		return "", err
	}
	stored, err := loadProfile(c.target.profile)
	if err != nil {
		return "", err
	}
	if k.username == "" && stored.API == api {
		k.username = stored.Username
	}
	if k.username == "" {
		return "", misuse("nobody is logged in at "+api+": whose tokens?", "--username NAME")
	}
	c.warnPlain(api)
	return api, nil
}

func (c *cli) tokenListVerb() *cobra.Command {
	var k credentials
	cmd := &cobra.Command{
		Use: "list", Short: "Your tokens, when they end and when they were last used", Args: takes(0, 0, ""),
		Long: `Asks for the password and lists your tokens, newest first. The tokens themselves
cannot be shown: the first word of a line names one for cyan token revoke.`,
		Example: "  cyan token list\n  cyan token list --password-stdin --json < password.txt",
		RunE: func(cmd *cobra.Command, _ []string) error {
			api, err := c.asWhom(&k)
			if err != nil {
				return err
			}
			password, err := c.password(cmd.Context(), k.username, api, k.fromStdin)
			if err != nil {
				return err
			}
			tokens, err := clientOf(api, "").Tokens(cmd.Context(), k.username, password, k.otp)
			if e := answerOf(err); e != nil && e.MFAToken != "" && k.otp == "" {
				if k.otp, err = c.otp(); err == nil {
					tokens, err = clientOf(api, "").Tokens(cmd.Context(), k.username, password, k.otp)
				}
			}
			if err != nil {
				return err
			}
			for _, t := range tokens {
				if err := c.show(t, "%s", c.tokenLine(t)); err != nil {
					return err
				}
			}
			return nil
		},
	}
	k.flags(cmd, "")
	c.targetFlags(cmd)
	return cmd
}

// tokenLine describes a token to a person.
func (c *cli) tokenLine(t rest.ListedToken) string {
	line := t.Token + "  " + orDash(t.Client) + "\n  made " + c.stamp(t.CreatedAt.Time) + ", last used " + c.stamp(t.LastUsed.Time) +
		", expires " + c.stamp(t.ExpiresAt.Time)
	if len(t.Scopes) > 0 {
		line += "\n  only for " + strings.Join(t.Scopes, ", ")
	}
	return line
}

func (c *cli) tokenRevokeVerb() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use: "revoke TOKEN… | --all", Short: "End tokens at once", Args: takes(0, 1000, "TOKEN…"),
		Long: `Ends tokens. TOKEN is a token itself, or what cyan token list calls it. --all ends
all of yours, the one you are logged in with among them.`,
		Example: "  cyan token revoke 81b637d8fcd2c6da6359e6963113a1170de795e4\n  cyan token revoke --all",
		RunE: func(cmd *cobra.Command, args []string) error {
			if all == (len(args) > 0) {
				return misuse("which token, or --all?", "cyan token list names them")
			}
			remote, err := c.remote()
			if err != nil {
				return err
			}
			if all {
				if err := remote.RevokeTokens(cmd.Context()); err != nil {
					return err
				}
				c.say("you are logged out; cyan login makes a new token")
				return c.show(rest.OK{OK: true}, "all tokens are revoked")
			}
			for _, token := range args {
				if err := remote.RevokeToken(cmd.Context(), token); err != nil {
					return err
				}
			}
			return c.show(rest.OK{OK: true}, "revoked, if there was such a token: %d", len(args))
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "all of your tokens")
	c.targetFlags(cmd)
	return cmd
}
