package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/wire/rest"
)

func (c *cli) listVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use: "list [FILTER]", Short: "Your devices, their state and what they can do", Args: takes(0, 1, "[FILTER]"),
		Long: `Lists your devices: state, since when and why, functions and variables. "proven"
means that the device has shown within two keep-alives that it hears us. FILTER is
online, offline, or a part of a name or an id. With --json each line is a device
as GET /v1/devices gives it.`,
		Example: "  cyan list\n  cyan list offline\n  cyan list --json | jq -r 'select(.online).id'",
		RunE: func(cmd *cobra.Command, args []string) error {
			remote, err := c.remote()
			if err != nil {
				return err
			}
			devices, err := remote.Devices(cmd.Context())
			if err != nil {
				return err
			}
			none := "you have no devices; cyan device provision registers one, cyan device import many, cyan sim runs a virtual one"
			if len(args) > 0 && len(devices) > 0 {
				devices = slices.DeleteFunc(devices, func(d rest.Device) bool { return !matches(d, args[0]) })
				none = "none of your devices is meant by " + args[0]
			}
			for _, d := range devices {
				if !c.json {
					c.printDetail(d)
				} else if err := c.emit(d); err != nil {
					return err
				}
			}
			if len(devices) == 0 {
				c.say("%s", none)
			}
			return nil
		},
	}
	c.targetFlags(cmd)
	return cmd
}

// matches tells whether a word of list means a device.
func matches(d rest.Device, word string) bool {
	switch word = strings.ToLower(word); word {
	case "online":
		return d.Online
	case "offline":
		return !d.Online
	}
	return strings.Contains(d.ID, word) || strings.Contains(strings.ToLower(string(d.Name)), word)
}

// printDetail prints a device for people.
func (c *cli) printDetail(d rest.Device) {
	c.print("%s", c.wrapped(d.ID+"  "+padded(orDash(string(d.Name)), 12)+"  "+c.stateOf(d), "  "))
	if len(d.Functions) > 0 {
		c.print("%s", c.wrapped("  functions  "+strings.Join(d.Functions, ", "), "             "))
	}
	if len(d.Variables) > 0 {
		var list []string
		for _, name := range variablesOf(d) {
			list = append(list, name+" ("+d.Variables[name]+")")
		}
		c.print("%s", c.wrapped("  variables  "+strings.Join(list, ", "), "             "))
	}
}

// stateOf says a device's state with its proof: "online over udp, proven
// 2026-11-22 15:04:05Z".
func (c *cli) stateOf(d rest.Device) string {
	s := d.State
	if d.Transport != "" {
		s += " over " + string(d.Transport)
	}
	if d.Online {
		if d.Proven {
			return s + ", proven " + c.stamp(d.ProvenAt.Time)
		}
		return s + ", unproven"
	}
	if !d.StateSince.IsZero() {
		s += " since " + c.stamp(d.StateSince.Time)
	}
	if d.Reason != "" {
		s += fmt.Sprintf(" (%s)", d.Reason)
	}
	return s
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
