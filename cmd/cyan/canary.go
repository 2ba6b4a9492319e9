package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/app"
	"github.com/cyan-cloud/cyan/client"
)

// canaryName is the service account's, canaryScopes what it may do: what its
// devices and programs need, and nothing else.
const canaryName = "canary"

var canaryScopes = []string{
	"devices:list", "devices:get", "devices:update", "devices:import", "devices:ping",
	"devices.variable:get", "devices.function:call", "events:get", "events:send", "signals:read",
}

func (c *cli) canaryVerb() *cobra.Command {
	cmd := &cobra.Command{Use: "canary", Short: "The virtual devices that the watchtower looks with"}
	cmd.AddCommand(c.canaryInitVerb())
	return family(cmd)
}

func (c *cli) canaryInitVerb() *cobra.Command {
	var data, out string
	cmd := &cobra.Command{
		Use: "init", Short: "Make the canaries' token", Args: takes(0, 0, ""),
		Long: `Makes a service account named canary for the user who is logged in, limited to
what canaries need, and keeps its token in a file that only you can read. The
canaries' devices are made when they are run first; they are that user's, are
named canary-… and count as any.

If there is such an account already, it gets another token; those before stay
good.`,
		Example: `  cyan login --username watch@example.com && cyan canary init
  cyan canary init --out /etc/cyan/canary.token`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if out == "" {
				out = filepath.Join(data, app.FileWatchToken)
			}
			if _, err := os.Stat(out); err == nil {
				return fail(exitConflict, out+" is there already", "remove it, or take another with --out")
			} else if !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			remote, err := c.remote()
			if err != nil {
				return err
			}
			if err := hireCanary(cmd.Context(), remote, out); err != nil {
				return err
			}
			return c.show(map[string]string{"event": "made", "token_file": absolute(out)}, "%s", absolute(out))
		},
	}
	cmd.Flags().StringVar(&data, "watch-data", app.WatchOptions{}.WithDefaults().Data, "the watchtower's `folder`")
	cmd.Flags().StringVar(&out, "out", "", "`file` of the token (default token in the folder)")
	c.targetFlags(cmd)
	return cmd
}

// hireCanary makes the service account, or another token of it, and writes the
// token down.
func hireCanary(ctx context.Context, remote *client.Client, path string) error {
	made, err := remote.AddService(ctx, canaryName, canaryScopes, 0)
	if e := answerOf(err); e != nil && diagnose(err).code == exitConflict {
		made, err = remote.AddServiceToken(ctx, canaryName, 0)
	}
	if err != nil {
		return err
	}
	return writePrivate(path, []byte(made.Token+"\n"))
}
