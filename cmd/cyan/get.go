package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/client"
	"github.com/cyan-cloud/cyan/wire/rest"
)

func (c *cli) getVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use: "get DEVICE [VARIABLE] | [all] VARIABLE", Short: "Read variables: of one device, or of all your devices",
		Args: takes(1, 2, "DEVICE, DEVICE VARIABLE, VARIABLE or all VARIABLE"),
		Long: `Reads a variable and prints its value alone. Without VARIABLE it reads all that
the device has. Without DEVICE, or with "all" in its place, it reads the variable
of every device that has it: a line for each, with the value or the reason why
there is none. If only some gave their value, the exit code is 18.`,
		Example:           "  cyan get oven temps\n  cyan get oven\n  cyan get temps\n  cyan get all temps --json | jq -r 'select(.ok) | .result'",
		ValidArgsFunction: c.deviceWords(variablesOf),
		RunE: func(cmd *cobra.Command, args []string) error {
			remote, err := c.remote()
			if err != nil {
				return err
			}
			switch {
			case len(args) == 1:
				return c.getOneWord(cmd.Context(), remote, args[0])
			case args[0] == "all":
				return c.getEverywhere(cmd.Context(), remote, args[1])
			}
			done := c.waiting("waiting for " + args[0])
			v, err := remote.Variable(cmd.Context(), args[0], args[1])
			done()
			if err != nil {
				return err
			}
			return c.show(v, "%s", plain(v.Result))
		},
	}
	c.targetFlags(cmd)
	return cmd
}

// getOneWord finds out what a single word means: a device, if there is one of
// that name, else a variable.
func (c *cli) getOneWord(ctx context.Context, remote *client.Client, word string) error {
	devices, err := remote.Devices(ctx)
	if err != nil {
		return err
	}
	has := func(d rest.Device) bool { _, ok := d.Variables[word]; return ok }
	switch {
	case slices.ContainsFunc(devices, func(d rest.Device) bool { return isDevice(d, word) }):
		return c.getAll(ctx, remote, word)
	case slices.ContainsFunc(devices, has):
		return c.readEach(ctx, remote, slices.DeleteFunc(devices, func(d rest.Device) bool { return !has(d) }), word)
	}
	return fail(exitNotFound, word+" is neither one of your devices nor a variable that one of them has",
		"cyan list shows devices and variables")
}

// getEverywhere reads a variable of every device that has it.
func (c *cli) getEverywhere(ctx context.Context, remote *client.Client, variable string) error {
	devices, err := remote.Devices(ctx)
	if err != nil {
		return err
	}
	devices = slices.DeleteFunc(devices, func(d rest.Device) bool { _, ok := d.Variables[variable]; return !ok })
	if len(devices) == 0 {
		return fail(exitNotFound, "none of your devices has a variable "+variable, "cyan list shows each device's variables")
	}
	return c.readEach(ctx, remote, devices, variable)
}

// getAll reads every variable of a device. It ends with the first failure: the
// next ones would most likely be the same.
func (c *cli) getAll(ctx context.Context, remote *client.Client, name string) error {
	d, err := remote.Device(ctx, name)
	if err != nil {
		return err
	}
	if d.Variables == nil {
		return fail(exitNotFound, "device "+name+" has not said yet which variables it has", "it does when it connects: cyan attempts "+name)
	}
	for _, variable := range variablesOf(d) {
		done := c.waiting("waiting for " + name)
		v, err := remote.Variable(ctx, d.ID, variable)
		done()
		if err != nil {
			return err
		}
		if err := c.show(v, "%s %s", padded(variable, 12), plain(v.Result)); err != nil {
			return err
		}
	}
	return nil
}

// reading is what one of several devices gave: a value, or why there is none.
type reading struct {
	OK        bool      `json:"ok"`
	Device    string    `json:"device"`
	Name      rest.Text `json:"device_name"`
	Variable  string    `json:"name"`
	Result    any       `json:"result"` // null: there is none
	Code      string    `json:"code,omitempty"`
	Error     string    `json:"error,omitempty"`
	RequestID string    `json:"request_id,omitempty"`

	err error
}

// readersAtOnce is how many devices are asked at the same time.
const readersAtOnce = 16

// readEach reads a variable of each device, and prints what comes in the
// devices' order. What is wrong with one is no matter to the others.
func (c *cli) readEach(ctx context.Context, remote *client.Client, devices []rest.Device, variable string) error {
	done := c.waiting(fmt.Sprintf("waiting for %d devices", len(devices)))
	results := inOrder(devices, readersAtOnce, func(d rest.Device) reading { return read(ctx, remote, d, variable) })
	var readings []reading
	for r := range results {
		readings = append(readings, r)
	}
	done()
	if err := ctx.Err(); err != nil {
		return err
	}
	var failures []error
	for _, r := range readings {
		text := plain(r.Result)
		if r.err != nil {
			failures = append(failures, r.err)
			text = "no value: " + r.Error
		}
		name := string(r.Name)
		if name == "" {
			name = r.Device
		}
		if err := c.show(r, "%s %s", padded(name, 24), text); err != nil {
			return err
		}
	}
	return someFailed(failures, len(readings), "devices gave no value of "+variable)
}

func read(ctx context.Context, remote *client.Client, d rest.Device, variable string) reading {
	r := reading{Device: d.ID, Name: d.Name, Variable: variable}
	v, err := remote.Variable(ctx, d.ID, variable)
	if err != nil {
		r.err = err
		r.Error = diagnose(err).text
		if e := answerOf(err); e != nil {
			r.Error, r.Code, r.RequestID = e.Body.Description, e.Body.Code, e.Body.RequestID
		}
		return r
	}
	r.OK, r.Result = true, v.Result
	return r
}

// someFailed is the error of several things of which some went wrong: their
// common exit code if all did and for one reason, and else the one that says
// so.
func someFailed(failures []error, all int, what string) error {
	if len(failures) == 0 {
		return nil
	}
	code := diagnose(failures[0]).code
	for _, err := range failures {
		if diagnose(err).code != code {
			code = exitPartly
		}
	}
	if len(failures) < all {
		code = exitPartly
	}
	return fail(code, fmt.Sprintf("%d of %d %s", len(failures), all, what), "each line tells why")
}

// plain is a value as people write it: texts without quotes.
func plain(value any) string {
	if s, ok := value.(string); ok {
		return s
	}
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(text)
}
