package main

import (
	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/wire/rest"
)

func (c *cli) doctorVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use: "doctor DEVICE", Short: "Why a device cannot be reached, whose fault that is, and what to do",
		Args: takes(1, 1, "DEVICE"),
		Long: `Looks at the cloud, at what is registered, at the device's session and at its
last tries to connect, sends it a ping if it has a session, and gives one
verdict. The exit code tells it to scripts:

   0  the device is connected and answers
  10  the cloud is at fault: leave the device alone
  11  the network, or the device's power
  12  keys: the device's, or the server's key in it
  13  its firmware: the application hangs, or its start-up does not end
  14  it sleeps, or has said goodbye
  15  it is not registered, or has no key on file
  20  nothing that is known explains it`,
		Example: "  cyan doctor oven\n  cyan doctor oven --json | jq .next",

		ValidArgsFunction: c.deviceWords(nil),
		RunE: func(cmd *cobra.Command, args []string) error {
			remote, err := c.remote()
			if err != nil {
				return err
			}
			done := c.waiting("examining " + args[0])
			v, err := remote.Doctor(cmd.Context(), args[0])
			done()
			if err != nil {
				return err
			}
			if c.json {
				if err := c.emit(v); err != nil {
					return err
				}
				return verdictOf(&v)
			}
			c.print("%s", c.wrapped(v.Says, "  "))
			c.print("%s", c.wrapped("Next: "+v.Next, "  "))
			c.print("")
			c.print("verdict: %s (%s)", v.Verdict, v.Confidence)
			for _, saw := range v.Evidence {
				c.print("%s", c.wrapped("  - "+saw, "    "))
			}
			return verdictOf(&v)
		},
	}
	c.targetFlags(cmd)
	return cmd
}

// verdictOf ends the command with the verdict's exit code.
func verdictOf(v *rest.Verdict) error {
	if v.ExitCode == 0 {
		return nil
	}
	name := string(v.Name)
	if name == "" {
		name = v.Device
	}
	return fail(exitCode(v.ExitCode), "the verdict on "+name+" is "+v.Verdict)
}

func (c *cli) deviceHealVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use: "heal DEVICE off|network|reboot", Short: "Let the cloud restart a device whose application does not answer",
		Args: takes(2, 2, "DEVICE off|network|reboot"),
		Long: `When three calls in a row were not answered by a device's application although
its system answers, the cloud may have it reset its network interfaces, or
itself. That is off, because the device may be an oven: whoever owns it decides.
What needs no leave, such as telling a device that does not hear us to connect
anew, is done in any case.`,
		Example: "  cyan device heal smoker reboot\n  cyan device heal oven off",
		RunE: func(cmd *cobra.Command, args []string) error {
			remote, err := c.remote()
			if err != nil {
				return err
			}
			done, err := remote.AllowRestart(cmd.Context(), args[0], args[1])
			if err != nil {
				return err
			}
			words := map[string]string{"off": "is not restarted", "network": "resets its network", "reboot": "is restarted"}
			return c.show(done, "device %s %s when its application does not answer", args[0], words[args[1]])
		},
	}
	c.targetFlags(cmd)
	return cmd
}
