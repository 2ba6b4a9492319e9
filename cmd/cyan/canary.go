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
	cmd := &cobra.Command{
		Use: "canary", Short: "The devices that the watchtower looks with, virtual ones and real ones",
		Long: `The watchtower looks at a cloud with virtual devices of its own, which need a token,
and with real boards, which are on a list in the watchtower's folder. The list is
followed while the watchtower runs. It may name commands: it is read from that
machine's disk and from nowhere else.`,
	}
	cmd.AddCommand(c.canaryInitVerb(), c.canaryAddVerb(), c.canaryListVerb(), c.canaryRemoveVerb())
	return family(cmd)
}

func (c *cli) canaryInitVerb() *cobra.Command {
	var data, out, person string
	cmd := &cobra.Command{
		Use: "init", Short: "Make the canaries' token", Args: takes(0, 0, ""),
		Long: `Makes a service account named canary for the user who is logged in, limited to
what canaries need, and keeps its token in a file that only you can read, and a second
one beside it (.spare), by which a token that is refused is told from a cloud that
takes none. The canaries' devices are made when they are run first; they are that user's, are
named canary-… and count as any.

If there is such an account already, it gets another token; those before stay
good.

With --person an administrator also makes an account of that name which does
nothing but log in and out, with a random password in login.password beside the
token, for --canary-username and --canary-password-file of cyan watch. Its tokens
are revoked as soon as they are made.`,
		Example: `  cyan login --username watch@example.com && cyan canary init
  cyan canary init --out /etc/cyan/canary.token
  cyan canary init --person canary@example.com`,
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
			made := map[string]string{"event": "made", "token_file": absolute(out)}
			if person != "" {
				path := loginPassword(filepath.Dir(out))
				if err := hirePerson(cmd.Context(), remote, person, path); err != nil {
					return advise(err, "the token is in "+absolute(out)+" all the same")
				}
				c.say("%s logs in with the password in %s", person, absolute(path))
				made["username"], made["password_file"] = person, absolute(path)
			}
			return c.show(made, "%s", absolute(out))
		},
	}
	cmd.Flags().StringVar(&data, "watch-data", app.WatchOptions{}.WithDefaults().Data, "the watchtower's `folder`")
	cmd.Flags().StringVar(&person, "person", "", "also make an account of this `name` that only logs in")
	cmd.Flags().StringVar(&out, "out", "", "`file` of the token (default token in the folder)")
	c.targetFlags(cmd)
	return cmd
}

// hireCanary makes the service account, or another token of it, and writes the
// token down; and a second one beside it, which tells a token that is refused
// from a cloud that takes none.
func hireCanary(ctx context.Context, remote *client.Client, path string) error {
	made, err := remote.AddService(ctx, canaryName, canaryScopes, 0)
	if e := answerOf(err); e != nil && diagnose(err).code == exitConflict {
		made, err = remote.AddServiceToken(ctx, canaryName, 0)
	}
	if err != nil {
		return err
	}
	if err := writePrivate(path, []byte(made.Token+"\n")); err != nil {
		return err
	}
	spare, err := remote.AddServiceToken(ctx, canaryName, 0)
	if err != nil {
		return err
	}
	return writePrivate(path+app.SpareSuffix, []byte(spare.Token+"\n"))
}
