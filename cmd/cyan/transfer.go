package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/client"
	"github.com/cyan-cloud/cyan/wire/rest"
)

func (c *cli) deviceTransferVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use: "transfer", Short: "Ask for somebody's device, or hand yours over",
		Long: `Who wants another's device asks for it; the owner accepts or refuses within two
weeks. The device loses its name and notes, keeps its key, and goes on.`,
	}
	accept := func(ctx context.Context, remote *client.Client, t rest.Transfer) error {
		return remote.AnswerTransfer(ctx, t.ID, true)
	}
	refuse := func(ctx context.Context, remote *client.Client, t rest.Transfer) error {
		return remote.AnswerTransfer(ctx, t.ID, false)
	}
	withdraw := func(ctx context.Context, remote *client.Client, t rest.Transfer) error {
		return remote.WithdrawTransfer(ctx, t.ID)
	}
	cmd.AddCommand(
		c.transferRequestVerb(), c.transferListVerb(),
		c.transferEndVerb("accept", "Hand your device over to who asks for it", rest.TransferIncoming, "device %s is handed over", accept),
		c.transferEndVerb("refuse", "Keep your device", rest.TransferIncoming, "device %s stays yours", refuse),
		c.transferEndVerb("withdraw", "Ask no longer for somebody's device", rest.TransferOutgoing, "device %s is not asked for any more", withdraw),
	)
	return family(cmd)
}

func (c *cli) transferRequestVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use: "request ID", Short: "Ask the owner of a device to hand it over",
		Args: takes(1, 1, "ID"),
		Long: `Asks for a device that is somebody else's: its owner finds it in his list of
transfers. You hear nothing of who that is. One that is nobody's is yours at once.`,
		Example: "  cyan device transfer request 0123456789abcdef01234567",
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := deviceID(args[0])
			if err != nil {
				return err
			}
			remote, err := c.remote()
			if err != nil {
				return err
			}
			done, err := remote.RequestTransfer(cmd.Context(), id)
			if err != nil {
				return err
			}
			if done.TransferID == "" {
				return c.show(done, "device %s is yours", done.ID)
			}
			c.say("its owner has two weeks to answer; cyan device transfer list shows whether he has")
			return c.show(done, "device %s is asked for: transfer %s", done.ID, done.TransferID)
		},
	}
	c.targetFlags(cmd)
	return cmd
}

func (c *cli) transferListVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use: "list", Short: "Who asks for your devices, and which ones you ask for", Args: takes(0, 0, ""),
		Example: "  cyan device transfer list",
		RunE: func(cmd *cobra.Command, _ []string) error {
			remote, err := c.remote()
			if err != nil {
				return err
			}
			list, err := remote.Transfers(cmd.Context())
			if err != nil {
				return err
			}
			if len(list) == 0 {
				c.say("no transfer waits for an answer")
			}
			for _, t := range list {
				if err := c.show(t, "%s", c.transferLine(t)); err != nil {
					return err
				}
			}
			return nil
		},
	}
	c.targetFlags(cmd)
	return cmd
}

// transferLine describes a transfer to a person.
func (c *cli) transferLine(t rest.Transfer) string {
	what := "you ask for it"
	if t.Direction == rest.TransferIncoming {
		what = string(t.Username) + " asks for it"
	}
	return t.DeviceID + "  " + orDash(string(t.Name)) + "  " + what + " until " + c.stamp(t.ExpiresAt.Time) + "  (transfer " + t.ID + ")"
}

// transferEndVerb is a verb by which a transfer ends.
func (c *cli) transferEndVerb(word, short, direction, done string,
	end func(context.Context, *client.Client, rest.Transfer) error,
) *cobra.Command {
	cmd := &cobra.Command{
		Use: word + " DEVICE", Short: short, Args: takes(1, 1, "DEVICE"),
		Long:    short + ". DEVICE is its id, its name if it is yours, or the id of\nthe transfer.",
		Example: "  cyan device transfer " + word + " 0123456789abcdef01234567",
		RunE: func(cmd *cobra.Command, args []string) error {
			remote, err := c.remote()
			if err != nil {
				return err
			}
			list, err := remote.Transfers(cmd.Context())
			if err != nil {
				return err
			}
			t, err := transferOf(list, direction, args[0])
			if err != nil {
				return err
			}
			if err := end(cmd.Context(), remote, t); err != nil {
				return err
			}
			return c.show(map[string]any{"ok": true, "id": t.ID, "device_id": t.DeviceID}, done, t.DeviceID)
		},
	}
	c.targetFlags(cmd)
	return cmd
}

// transferOf finds the transfer that is meant. Several people can ask for one
// device: then it is named by its own id.
func transferOf(list []rest.Transfer, direction, asked string) (found rest.Transfer, err error) {
	var ids []string
	for _, t := range list {
		if t.Direction != direction {
			continue
		}
		if t.ID == asked || strings.EqualFold(t.DeviceID, asked) || strings.EqualFold(string(t.Name), asked) && t.Name != "" {
			found = t
			ids = append(ids, t.ID)
		}
	}
	switch {
	case len(ids) == 0:
		return found, fail(exitNotFound, "no transfer of "+asked+" waits for an answer", "cyan device transfer list")
	case len(ids) > 1:
		return found, fail(exitConflict, "several people ask for "+asked, "name the transfer: "+strings.Join(ids, " or "))
	}
	return found, nil
}
