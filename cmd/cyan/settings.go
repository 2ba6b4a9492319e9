package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// notSettings are flags that only make sense on a command line.
var notSettings = []string{"help", "config", "print-config"}

// sections are parts of the settings file that are no flags; whom each is for
// reads and checks it.
var sections = []string{"notify"}

// variable is the environment variable of a flag.
func variable(flag string) string {
	return "CYAN_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// settle fills in the flags that the command line did not give, from the
// environment and then from the settings file, and remembers where each value
// came from.
func (c *cli) settle(cmd *cobra.Command) error {
	if c.config == "" {
		c.config = c.getenv(variable("config"))
	}
	file, err := c.settingsFile(cmd.Root())
	if err != nil {
		return err
	}
	c.origins = map[string]string{}
	var errs []error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		name := f.Name
		value, inFile := file[name]
		switch env := c.getenv(variable(name)); {
		case slices.Contains(notSettings, name):
		case f.Changed:
			c.origins[name] = "flag"
		case env != "":
			c.origins[name] = variable(name)
			errs = append(errs, assign(cmd, f, env, variable(name)))
		case inFile:
			c.origins[name] = c.config
			errs = append(errs, assign(cmd, f, value, name+" in "+c.config))
		default:
			c.origins[name] = "default"
		}
	})
	if c.origins["json"] == "default" && cmd.Annotations[dataVerb] == "json" && !terminal(c.out) {
		c.json = true
	}
	return errors.Join(errs...)
}

func assign(cmd *cobra.Command, f *pflag.Flag, value, where string) error {
	if err := cmd.Flags().Set(f.Name, value); err != nil {
		return misuse(fmt.Sprintf("%s: %q is no value for --%s", where, value, f.Name), f.Usage)
	}
	return nil
}

// settingsFile reads the settings file: names of flags, each with a value or a
// list of values. It may hold settings of other verbs, but no unknown ones.
func (c *cli) settingsFile(root *cobra.Command) (map[string]string, error) {
	if c.config == "" {
		return nil, nil
	}
	text, err := os.ReadFile(c.config)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, misuse("there is no settings file "+c.config, "leave out --config, or make one: cyan serve --print-config > "+c.config)
	} else if err != nil {
		return nil, err
	}
	var nodes map[string]yaml.Node
	if err := yaml.Unmarshal(text, &nodes); err != nil {
		return nil, misuse(c.config+": "+strings.TrimPrefix(err.Error(), "yaml: "), "lines look like  log-level: debug")
	}
	known := flagNames(root)
	values := map[string]string{}
	for name, node := range nodes {
		if slices.Contains(sections, name) {
			continue
		}
		if !slices.Contains(known, name) {
			return nil, misuse(fmt.Sprintf("%s:%d: there is no setting %q", c.config, node.Line, name), "the settings have the names of the flags, without dashes before them")
		}
		var list []string
		switch {
		case node.Kind == yaml.SequenceNode:
			for _, item := range node.Content {
				list = append(list, item.Value)
			}
		case node.Kind == yaml.ScalarNode && node.Tag != "!!null":
			list = []string{node.Value}
		case node.Kind != yaml.ScalarNode:
			return nil, misuse(fmt.Sprintf("%s:%d: %s is neither a value nor a list", c.config, node.Line, name))
		}
		if value := strings.Join(list, ","); value != "" {
			values[name] = value
		}
	}
	return values, nil
}

// flagNames lists the settings of all verbs.
func flagNames(cmd *cobra.Command) []string {
	var names []string
	add := func(f *pflag.Flag) {
		if !slices.Contains(notSettings, f.Name) {
			names = append(names, f.Name)
		}
	}
	cmd.Flags().VisitAll(add)
	cmd.PersistentFlags().VisitAll(add)
	for _, sub := range cmd.Commands() {
		names = append(names, flagNames(sub)...)
	}
	return names
}

// strays lists the variables of the environment that look like settings and
// are none: mistyped, most likely.
func strays(root *cobra.Command, environ []string) []string {
	known := flagNames(root)
	var out []string
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, "CYAN_") && name != variable("config") &&
			!slices.ContainsFunc(known, func(flag string) bool { return variable(flag) == name }) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// printSettings prints what flags, environment and file result in, as a
// settings file. meant has what an empty value stands for.
func (c *cli) printSettings(cmd *cobra.Command, meant map[string]string) error {
	out := map[string]any{}
	var lines []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if slices.Contains(notSettings, f.Name) {
			return
		}
		value, from := f.Value.String(), c.origins[f.Name]
		if f.Value.Type() == "bool" {
			out[f.Name] = value == "true"
		} else {
			out[f.Name], value = value, quote(value)
		}
		if v := meant[f.Name]; v != "" && f.Value.String() == "" {
			from += ": " + v
		}
		lines = append(lines, padded(f.Name+": "+value, 50)+"# "+from)
	})
	if c.json {
		return c.emit(out)
	}
	for _, line := range lines {
		c.print("%s", line)
	}
	return nil
}

// quote writes a text as a YAML scalar.
func quote(s string) string {
	b, err := yaml.Marshal(s)
	if err != nil {
		return s
	}
	return strings.TrimSpace(string(b))
}
