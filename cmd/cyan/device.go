package main

import (
	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/sim"
)

func (c *cli) deviceVerb() *cobra.Command {
	cmd := &cobra.Command{Use: "device", Short: "Register and name devices"}
	cmd.AddCommand(c.deviceProvisionVerb(), c.deviceRenameVerb())
	return family(cmd)
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
			id, err := sim.ParseID(args[0])
			if err != nil {
				return misuse(args[0]+" is no device id", "24 hexadecimal digits, as particle identify prints them")
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
			done, err := remote.Provision(cmd.Context(), id.String(), public)
			if err != nil {
				return err
			}
			if c.json {
				return c.emit(done)
			}
			c.print("device %s is yours, with the %s key sha256:%s", done.ID, done.Algorithm, done.Fingerprint)
			return nil
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
		RunE: func(cmd *cobra.Command, args []string) error {
			remote, err := c.remote()
			if err != nil {
				return err
			}
			done, err := remote.Rename(cmd.Context(), args[0], args[1])
			if err != nil {
				return err
			}
			if c.json {
				return c.emit(done)
			}
			c.print("device %s is %s", done.ID, done.Name)
			return nil
		},
	}
	c.targetFlags(cmd)
	return cmd
}
