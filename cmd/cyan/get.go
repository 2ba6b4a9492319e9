package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/client"
	"github.com/cyan-cloud/cyan/wire/rest"
)

func (c *cli) getVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use: "get DEVICE [VARIABLE]", Short: "Read one variable of a device, or all of them",
		Args:    takes(1, 2, "DEVICE [VARIABLE]"),
		Long:    `Reads a variable and prints its value alone. Without VARIABLE it reads them all.`,
		Example: "  cyan get oven temps\n  cyan get oven --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			remote, err := c.remote()
			if err != nil {
				return err
			}
			if len(args) == 1 {
				return c.getAll(cmd.Context(), remote, args[0])
			}
			v, err := remote.Variable(cmd.Context(), args[0], args[1])
			if err != nil {
				return err
			}
			if c.json {
				return c.emit(v)
			}
			c.print("%s", plain(v))
			return nil
		},
	}
	c.targetFlags(cmd)
	return cmd
}

// getAll reads every variable. It ends with the first failure: the next ones
// would most likely be the same.
func (c *cli) getAll(ctx context.Context, remote *client.Client, name string) error {
	d, err := remote.Device(ctx, name)
	if err != nil {
		return err
	}
	if d.Variables == nil {
		return fail(exitNotFound, "device "+name+" has not said yet which variables it has", "it does when it connects: cyan attempts "+name)
	}
	for _, variable := range slices.Sorted(maps.Keys(d.Variables)) {
		v, err := remote.Variable(ctx, d.ID, variable)
		if err != nil {
			return err
		}
		if !c.json {
			c.print("%s %s", padded(variable, 12), plain(v))
		} else if err := c.emit(v); err != nil {
			return err
		}
	}
	return nil
}

// plain is a value as people write it: texts without quotes.
func plain(v rest.Variable) string {
	if s, ok := v.Result.(string); ok {
		return s
	}
	text, err := json.Marshal(v.Result)
	if err != nil {
		return fmt.Sprint(v.Result)
	}
	return string(text)
}
