package main

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Every verb says in its help what it is for and what each of its flags means,
// with an example of itself unless its family has some.
func TestEveryVerbIsExplained(t *testing.T) {
	root := (&cli{}).root()
	verbs := 0
	var check func(cmd *cobra.Command)
	check = func(cmd *cobra.Command) {
		for _, sub := range cmd.Commands() {
			check(sub)
		}
		if !cmd.Runnable() || cmd.Hidden || cmd.HasSubCommands() || cmd.Name() == "help" {
			return
		}
		verbs++
		path := cmd.CommandPath()
		if cmd.Short == "" || strings.HasSuffix(cmd.Short, ".") {
			t.Errorf("%s: short help %q", path, cmd.Short)
		}
		if !strings.Contains(cmd.Example, path) && (cmd.Parent() == root || cmd.Parent().Example == "") {
			t.Errorf("%s has no example of itself", path)
		}
		for line := range strings.Lines(reflow(cmd.Long, 80)) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
				t.Errorf("%s: a line of its help has %d characters: %s", path, n, line)
			}
		}
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" {
				t.Errorf("%s --%s is not explained", path, f.Name)
			}
		})
	}
	check(root)
	if verbs < 35 {
		t.Errorf("only %d verbs", verbs)
	}
}

// A word that means one thing in one verb means it in all of them.
func TestOneWordOneKindOfValue(t *testing.T) {
	kinds, where := map[string]string{}, map[string]string{}
	var check func(cmd *cobra.Command)
	check = func(cmd *cobra.Command) {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if kind, ok := kinds[f.Name]; ok && kind != f.Value.Type() {
				t.Errorf("--%s is a %s in %s and a %s in %s", f.Name, f.Value.Type(), cmd.CommandPath(), kind, where[f.Name])
			}
			kinds[f.Name], where[f.Name] = f.Value.Type(), cmd.CommandPath()
		})
		for _, sub := range cmd.Commands() {
			check(sub)
		}
	}
	check((&cli{}).root())
	if kinds["listen-tcp"] != "string" {
		t.Errorf("--listen-tcp is a %q", kinds["listen-tcp"])
	}
}
