package main

import (
	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/app"
)

func (c *cli) adminVerb() *cobra.Command {
	cmd := &cobra.Command{Use: "admin", Short: "For who has the data folder, when nobody can log in any more"}
	cmd.AddCommand(c.adminPasswordVerb())
	return family(cmd)
}

func (c *cli) adminPasswordVerb() *cobra.Command {
	var o app.Options
	var r app.Reset
	var fromStdin bool
	cmd := &cobra.Command{
		Use: "password USERNAME", Short: "Give an account another password, in a cloud that is stopped",
		Args: takes(1, 1, "USERNAME"),
		Long: `Gives an account another password, without knowing the old one: who may read and
write the data folder may do that. The password is random and printed once, or
read from standard input. All tokens of the account end; --end-mfa ends its second
factor as well, if the authenticator is lost, too.

The cloud must be stopped: devices on UDP go on with their sessions when it is
back. It stands in the audit log as done from the data folder. While any
administrator can still log in, nothing needs to stop: PUT /v1/users/USERNAME.`,
		Example: `  systemctl stop cyan
  sudo -u cyan cyan admin password admin@localhost --data /var/lib/cyan
  systemctl start cyan`,
		RunE: func(cmd *cobra.Command, args []string) error {
			r.Username = args[0]
			if fromStdin {
				var err error
				if r.Password, err = c.password(cmd.Context(), r.Username, "", true); err != nil {
					return err
				}
			}
			password, err := app.ResetPassword(cmd.Context(), o, r)
			if err != nil {
				return advise(err, "a cloud that runs is stopped first; --data is the folder that cyan serve was given")
			}
			c.say("all tokens of %s have ended; it is in the audit log", r.Username)
			if fromStdin {
				password = ""
			}
			return c.newPassword(r.Username, password)
		},
	}
	cmd.Flags().StringVar(&o.Data, "data", app.Options{}.WithDefaults().Data, "`folder` of the cloud")
	cmd.Flags().StringVar(&o.Database, "database", "", "SQLite `file` (default cyan.db in the data folder)")
	cmd.Flags().BoolVar(&r.SecondFactor, "end-mfa", false, "end the second factor, too")
	cmd.Flags().BoolVar(&fromStdin, "password-stdin", false, "read the new password from standard input")
	return cmd
}

// newPassword shows a password that was made, this once.
func (c *cli) newPassword(username, password string) error {
	done := struct {
		OK       bool   `json:"ok"`
		Username string `json:"username"`
		Password string `json:"password,omitempty"`
	}{true, username, password}
	if password == "" {
		return c.show(done, "%s has the new password", username)
	}
	return c.show(done, "the password of %s is %s", username, password)
}
