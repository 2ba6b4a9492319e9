package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/wire/rest"
)

// completionExamples say how each shell loads what "cyan completion" prints.
var completionExamples = map[string]string{
	"bash":       "  source <(cyan completion bash)\n  cyan completion bash > /etc/bash_completion.d/cyan",
	"zsh":        "  cyan completion zsh > \"${fpath[1]}/_cyan\"",
	"fish":       "  cyan completion fish > ~/.config/fish/completions/cyan.fish",
	"powershell": "  cyan completion powershell | Out-String | Invoke-Expression",
}

// completed adds the verb that prints completions for shells.
func completed(root *cobra.Command) *cobra.Command {
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		if cmd.Name() != "completion" {
			continue
		}
		cmd.Short = "Print what makes a shell complete cyan's words, device names among them"
		cmd.Example = completionExamples["bash"]
		for _, shell := range cmd.Commands() {
			shell.Example = completionExamples[shell.Name()]
		}
	}
	return root
}

// completionPatience is how long somebody who pressed TAB waits.
const completionPatience = 2 * time.Second

// deviceWords completes a device, and behind it what the device has by that
// name: its functions, its variables, or nothing.
func (c *cli) deviceWords(has func(rest.Device) []string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		devices := c.devicesForTab(cmd)
		var words []cobra.Completion
		for _, d := range devices {
			switch {
			case len(args) == 0 && d.Name != "":
				words = append(words, cobra.CompletionWithDesc(string(d.Name), d.State))
			case len(args) == 0:
				words = append(words, cobra.CompletionWithDesc(d.ID, d.State))
			case len(args) == 1 && has != nil && isDevice(d, args[0]):
				words = append(words, has(d)...)
			}
		}
		return words, cobra.ShellCompDirectiveNoFileComp
	}
}

// devicesForTab asks for the devices, and gives none if that does not work:
// there is nowhere to say why.
func (c *cli) devicesForTab(cmd *cobra.Command) []rest.Device {
	if c.settle(cmd) != nil {
		return nil
	}
	remote, err := c.remote()
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(cmd.Context()), completionPatience)
	defer cancel()
	devices, err := remote.Devices(ctx)
	if err != nil {
		return nil
	}
	return devices
}

// isDevice tells whether a word means the device: its id or its name, in any
// case of letters.
func isDevice(d rest.Device, word string) bool {
	return strings.EqualFold(d.ID, word) || d.Name != "" && strings.EqualFold(string(d.Name), word)
}

func functionsOf(d rest.Device) []string { return d.Functions }

func variablesOf(d rest.Device) []string {
	var names []string
	for name := range d.Variables {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
