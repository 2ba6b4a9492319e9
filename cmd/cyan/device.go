package main

import (
	"bufio"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/wire/rest"
)

func (c *cli) deviceVerb() *cobra.Command {
	cmd := &cobra.Command{Use: "device", Short: "Register, name and hand on devices"}
	cmd.AddCommand(
		c.deviceProvisionVerb(), c.deviceAddVerb(), c.deviceRemoveVerb(), c.deviceRenameVerb(), c.deviceNoteVerb(),
		c.deviceSignalVerb(), c.deviceHealVerb(), c.deviceImportVerb(), c.deviceExportVerb(), c.deviceTransferVerb(), c.deviceCountVerb(),
	)
	return family(cmd)
}

// deviceID reads a device's id from the command line.
func deviceID(word string) (string, error) {
	id, err := sim.ParseID(word)
	if err != nil {
		return "", misuse(word+" is no device id", "24 hexadecimal digits, as particle identify prints them")
	}
	return id.String(), nil
}

func (c *cli) deviceAddVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use: "add ID", Short: "Make a device that is nobody's yours",
		Args: takes(1, 1, "ID"),
		Long: `Claims a device whose key the cloud knows already, or that it let in by itself.
A new device is registered with its key: cyan device provision.`,
		Example: "  cyan device add 0123456789abcdef01234567",
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := deviceID(args[0])
			if err != nil {
				return err
			}
			remote, err := c.remote()
			if err != nil {
				return err
			}
			done, err := remote.Claim(cmd.Context(), id)
			if err != nil {
				return err
			}
			return c.show(done, "device %s is yours", done.ID)
		},
	}
	c.targetFlags(cmd)
	return cmd
}

func (c *cli) deviceRemoveVerb() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: "remove DEVICE…", Short: "Give devices up: they are nobody's then",
		Args: takes(1, 1000, "DEVICE…"),
		Long: `Gives devices up. Each keeps its key and can connect, and whoever adds it next has
it. On a terminal it asks first.`,
		Example:           "  cyan device remove oven\n  cyan device remove oven smoker --yes",
		ValidArgsFunction: c.deviceWords(nil),
		RunE: func(cmd *cobra.Command, args []string) error {
			remote, err := c.remote()
			if err != nil {
				return err
			}
			if !yes && !c.agreed("give up "+strings.Join(args, ", ")+"?") {
				return misuse("nothing is given up", "--yes says it without being asked")
			}
			for _, device := range args {
				if err := remote.Unclaim(cmd.Context(), device); err != nil {
					return err
				}
				if err := c.show(map[string]any{"ok": true, "device": device}, "device %s is nobody's now", device); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	c.targetFlags(cmd)
	return cmd
}

// agreed asks a person; without a terminal there is nobody who could agree.
func (c *cli) agreed(question string) bool {
	if !terminal(c.in) {
		return false
	}
	c.ask(question + " [y/N] ")
	line, _ := bufio.NewReader(c.in).ReadString('\n') // no answer is no
	return slices.Contains([]string{"y", "yes"}, strings.ToLower(strings.TrimSpace(line)))
}

func (c *cli) deviceProvisionVerb() *cobra.Command {
	var key string
	cmd := &cobra.Command{
		Use: "provision ID", Short: "Register a device with its public key, as yours",
		Args: takes(1, 1, "ID"),
		Long: `Tells the cloud the public key of a device, which becomes yours if nobody has it.
FILE may be the public key, or the private one that "particle keys save" wrote:
only the public half leaves this machine. Doing it again changes nothing.`,
		Example: `  particle keys save board.der          # in DFU mode
  cyan device provision 0123456789abcdef01234567 --key board.der`,
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := deviceID(args[0])
			if err != nil {
				return err
			}
			if key == "" {
				return misuse("cyan device provision needs --key FILE", "the device's key, in PEM or DER")
			}
			public, err := publicHalf(key)
			if err != nil {
				return err
			}
			remote, err := c.remote()
			if err != nil {
				return err
			}
			done, err := remote.Provision(cmd.Context(), id, public)
			if err != nil {
				return err
			}
			return c.show(done, "device %s is yours, with the %s key sha256:%s", done.ID, done.Algorithm, done.Fingerprint)
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "`file` of its key, PEM or DER, public or private")
	c.targetFlags(cmd)
	return cmd
}

func (c *cli) deviceRenameVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use: "rename DEVICE NAME", Short: "Name a device",
		Args:    takes(2, 2, "DEVICE NAME"),
		Long:    `Names a device, which every verb then takes for its id, in any case of letters.`,
		Example: "  cyan device rename 0123456789abcdef01234567 oven",

		ValidArgsFunction: c.deviceWords(nil),
		RunE: func(cmd *cobra.Command, args []string) error {
			remote, err := c.remote()
			if err != nil {
				return err
			}
			done, err := remote.Rename(cmd.Context(), args[0], args[1])
			if err != nil {
				return err
			}
			return c.show(done, "device %s is %s", done.ID, done.Name)
		},
	}
	c.targetFlags(cmd)
	return cmd
}

func (c *cli) deviceNoteVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use: "note DEVICE TEXT", Short: "Keep a note about a device",
		Args:    takes(2, 2, "DEVICE TEXT"),
		Long:    `Keeps a text about a device in place of the one before; "" deletes it.`,
		Example: "  cyan device note oven 'kitchen, left of the door'",

		ValidArgsFunction: c.deviceWords(nil),
		RunE: func(cmd *cobra.Command, args []string) error {
			remote, err := c.remote()
			if err != nil {
				return err
			}
			done, err := remote.Annotate(cmd.Context(), args[0], args[1])
			if err != nil {
				return err
			}
			return c.show(done, "noted about device %s", done.ID)
		},
	}
	c.targetFlags(cmd)
	return cmd
}

func (c *cli) deviceSignalVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use: "signal DEVICE on|off", Short: "Make a device show itself by its light",
		Args:    takes(2, 2, "DEVICE on|off"),
		Long:    `Makes a device's light go through all colours, so that you see which one it is.`,
		Example: "  cyan device signal oven on\n  cyan device signal oven off",

		ValidArgsFunction: c.deviceWords(func(rest.Device) []string { return []string{"on", "off"} }),
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[1] != "on" && args[1] != "off" {
				return misuse("on or off, not "+args[1], "cyan device signal "+args[0]+" on")
			}
			remote, err := c.remote()
			if err != nil {
				return err
			}
			done, err := remote.Signal(cmd.Context(), args[0], args[1] == "on")
			if err != nil {
				return err
			}
			return c.show(done, "the signal of device %s is %s", done.ID, args[1])
		},
	}
	c.targetFlags(cmd)
	return cmd
}
