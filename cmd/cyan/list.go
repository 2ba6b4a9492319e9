package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/wire/rest"
)

func (c *cli) listVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use: "list", Short: "Your devices, their state and what they can do", Args: takes(0, 0, ""),
		Long: `Lists your devices: state, since when and why, functions and variables. "proven"
means that the device has shown within two keep-alives that it hears us. With
--json each line is a device as GET /v1/devices gives it.`,
		Example: "  cyan list\n  cyan list --json | jq -r 'select(.online).id'",
		RunE: func(cmd *cobra.Command, _ []string) error {
			remote, err := c.remote()
			if err != nil {
				return err
			}
			devices, err := remote.Devices(cmd.Context())
			if err != nil {
				return err
			}
			for _, d := range devices {
				if !c.json {
					c.printDetail(d)
				} else if err := c.emit(d); err != nil {
					return err
				}
			}
			if len(devices) == 0 {
				c.say("you have no devices; cyan device provision adds one, cyan sim a virtual one")
			}
			return nil
		},
	}
	c.targetFlags(cmd)
	return cmd
}

// printDetail prints a device for people.
func (c *cli) printDetail(d rest.Device) {
	c.print("%s  %s  %s", d.ID, padded(orDash(string(d.Name)), 12), c.stateOf(d))
	if len(d.Functions) > 0 {
		c.print("  functions  %s", strings.Join(d.Functions, ", "))
	}
	if len(d.Variables) > 0 {
		var list []string
		for _, name := range slices.Sorted(maps.Keys(d.Variables)) {
			list = append(list, name+" ("+d.Variables[name]+")")
		}
		c.print("  variables  %s", strings.Join(list, ", "))
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
