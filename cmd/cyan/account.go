package main

import (
	"context"
	"crypto/rand"

	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/wire/rest"
)

func (c *cli) accountVerb() *cobra.Command {
	cmd := &cobra.Command{Use: "account", Short: "Your password and second factor, other people's accounts, programs'"}
	mfa := &cobra.Command{Use: "mfa", Short: "A second factor: codes of an authenticator app"}
	mfa.AddCommand(c.mfaEnableVerb(), c.mfaDisableVerb())
	cmd.AddCommand(c.accountPasswordVerb(), family(mfa), c.serviceVerb(), c.accountCreateVerb())
	return family(cmd)
}

func (c *cli) accountCreateVerb() *cobra.Command {
	var fromStdin bool
	cmd := &cobra.Command{
		Use: "create USERNAME", Short: "Make an account for somebody, as an administrator",
		Args: takes(1, 1, "USERNAME"),
		Long: `Makes an account for somebody. The password is random and printed once, or read
from standard input; he changes it with cyan account password.`,
		Example: "  cyan account create ada@example.com\n  cyan account create ada@example.com --password-stdin < password.txt",
		RunE: func(cmd *cobra.Command, args []string) error {
			remote, err := c.remote()
			if err != nil {
				return err
			}
			password, shown := rand.Text(), ""
			if fromStdin {
				password, err = c.password(cmd.Context(), args[0], "", true)
			} else {
				shown = password
			}
			if err != nil {
				return err
			}
			if err := remote.SignUp(cmd.Context(), args[0], password); err != nil {
				return err
			}
			return c.newPassword(args[0], shown)
		},
	}
	cmd.Flags().BoolVar(&fromStdin, "password-stdin", false, "read the password from standard input")
	c.targetFlags(cmd)
	return cmd
}

func (c *cli) accountPasswordVerb() *cobra.Command {
	var keep bool
	cmd := &cobra.Command{
		Use: "password", Short: "Change your password", Args: takes(0, 0, ""),
		Long: `Asks for your password and for a new one, on a terminal. All tokens end, the one
you are logged in with among them, unless --keep-tokens says that nobody else can
have one.`,
		Example: "  cyan account password\n  cyan account password --keep-tokens",
		RunE: func(cmd *cobra.Command, _ []string) error {
			remote, err := c.remote()
			if err != nil {
				return err
			}
			if !terminal(c.in) {
				return misuse("passwords are changed on a terminal")
			}
			var words [3]string
			for i, question := range []string{"your password: ", "the new one: ", "the new one again: "} {
				if words[i], err = c.asked(cmd.Context(), question); err != nil {
					return err
				}
			}
			if words[1] != words[2] {
				return misuse("the new password is not the same both times")
			}
			if err := remote.SetPassword(cmd.Context(), words[0], words[1], !keep); err != nil {
				return err
			}
			if !keep {
				c.say("all tokens have ended: cyan login")
			}
			return c.show(rest.OK{OK: true}, "the password is changed")
		},
	}
	cmd.Flags().BoolVar(&keep, "keep-tokens", false, "leave the tokens that there are good")
	c.targetFlags(cmd)
	return cmd
}

// asked reads the answer to a question without showing it.
func (c *cli) asked(ctx context.Context, question string) (string, error) {
	c.ask(question)
	return c.typed(ctx)
}

func (c *cli) mfaEnableVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use: "enable", Short: "Want a code at each login", Args: takes(0, 0, ""),
		Long: `Shows a secret to put into an authenticator app, and asks for the code that it
shows then. From there on a login wants such a code beside the password, or one
of the recovery codes that this prints once: keep them where the app is not.`,
		Example: "  cyan account mfa enable",
		RunE: func(cmd *cobra.Command, _ []string) error {
			remote, err := c.remote()
			if err != nil {
				return err
			}
			if !terminal(c.in) {
				return misuse("a second factor is set up on a terminal")
			}
			e, err := remote.StartMFA(cmd.Context())
			if err != nil {
				return err
			}
			c.say("put this into your authenticator app:")
			if e.Secret != "" {
				c.say("  secret  %s", e.Secret)
			}
			if e.URL != "" {
				c.say("  or      %s", e.URL)
			}
			code, err := c.otp()
			if err != nil {
				return err
			}
			recovery, err := remote.FinishMFA(cmd.Context(), e.Token, code)
			if err != nil {
				return advise(err, "cyan account mfa enable begins anew; is the clock of the app right?")
			}
			c.say("logins want a code from now on")
			if len(recovery) > 0 {
				c.say("without the app, each of these is good for one login; they are shown this once:")
			}
			for _, code := range recovery {
				if err := c.show(map[string]string{"recovery_code": code}, "%s", code); err != nil {
					return err
				}
			}
			return nil
		},
	}
	c.targetFlags(cmd)
	return cmd
}

func (c *cli) mfaDisableVerb() *cobra.Command {
	var k credentials
	cmd := &cobra.Command{
		Use: "disable", Short: "Log in by the password alone again", Args: takes(0, 0, ""),
		Long:    `Asks for the password, and ends the second factor.`,
		Example: "  cyan account mfa disable\n  cyan account mfa disable --password-stdin < password.txt",
		RunE: func(cmd *cobra.Command, _ []string) error {
			remote, err := c.remote()
			if err != nil {
				return err
			}
			api, err := c.asWhom(&k)
			if err != nil {
				return err
			}
			password, err := c.password(cmd.Context(), k.username, api, k.fromStdin)
			if err != nil {
				return err
			}
			if err := remote.EndMFA(cmd.Context(), password); err != nil {
				return err
			}
			return c.show(rest.OK{OK: true}, "logins want the password alone")
		},
	}
	cmd.Flags().BoolVar(&k.fromStdin, "password-stdin", false, "read the password from standard input")
	c.targetFlags(cmd)
	return cmd
}
