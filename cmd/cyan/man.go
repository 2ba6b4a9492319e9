package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cyan-cloud/cyan/internal/build"
)

func (c *cli) manVerb() *cobra.Command {
	return &cobra.Command{
		Use: "man FOLDER", Short: "Write the manual pages", Args: takes(1, 1, "FOLDER"),
		Long: `Writes a manual page for each verb into a folder, which is made if need be:
cyan.1, cyan-call.1, cyan-device-import.1 … They say what the help says.`,
		Example: "  cyan man /usr/local/share/man/man1\n  cyan man pages && man -l pages/cyan.1",
		RunE: func(cmd *cobra.Command, args []string) error {
			pages := manual(cmd.Root())
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			for _, p := range pages {
				if err := os.WriteFile(filepath.Join(args[0], p.name), []byte(p.text), 0o644); err != nil {
					return errors.Join(fmt.Errorf("the page %s is not written", p.name), err)
				}
			}
			c.print("%d pages are in %s", len(pages), args[0])
			return nil
		},
	}
}

// page is a manual page, as roff.
type page struct{ name, text string }

// manual gives the pages of a command and of all below it.
func manual(cmd *cobra.Command) []page {
	name := strings.ReplaceAll(cmd.CommandPath(), " ", "-")
	pages := []page{{name + ".1", roff(cmd, name)}}
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			pages = append(pages, manual(sub)...)
		}
	}
	return pages
}

// roff writes a command's page.
func roff(cmd *cobra.Command, name string) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %q 1 \"\" %q \"cyan\"\n", strings.ToUpper(name), "cyan "+build.Current().Version)
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roffText(name), roffText(cmd.Short))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n", roffText(cmd.UseLine()))
	if text := cmd.Long; text != "" {
		fmt.Fprintf(&b, ".SH DESCRIPTION\n%s\n", roffText(strings.ReplaceAll(text, "\n\n", "\n.PP\n")))
	}
	var below []string
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			below = append(below, fmt.Sprintf(".TP\n.BR %s (1)\n%s\n", roffText(name+"-"+sub.Name()), roffText(sub.Short)))
		}
	}
	section(&b, "COMMANDS", below)
	section(&b, "OPTIONS", roffFlags(cmd.NonInheritedFlags()))
	section(&b, "GLOBAL OPTIONS", roffFlags(cmd.InheritedFlags()))
	if cmd.Example != "" {
		fmt.Fprintf(&b, ".SH EXAMPLES\n.nf\n%s\n.fi\n", roffText(cmd.Example))
	}
	if !cmd.HasParent() {
		var codes []string
		for _, m := range exitMeanings {
			codes = append(codes, fmt.Sprintf(".TP\n.B %d\n%s\n", m.code, roffText(m.meaning)))
		}
		section(&b, "EXIT STATUS", codes)
		return b.String()
	}
	fmt.Fprintf(&b, ".SH SEE ALSO\n.BR %s (1)\n", roffText(strings.ReplaceAll(cmd.Parent().CommandPath(), " ", "-")))
	return b.String()
}

func section(b *strings.Builder, title string, items []string) {
	if len(items) > 0 {
		fmt.Fprintf(b, ".SH %s\n%s", title, strings.Join(items, ""))
	}
}

// roffFlags lists flags, each with the variable of the environment that sets it.
func roffFlags(flags *pflag.FlagSet) []string {
	var items []string
	flags.VisitAll(func(f *pflag.Flag) {
		value, usage := pflag.UnquoteUsage(f)
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		if value != "" {
			name += " " + value
		}
		items = append(items, fmt.Sprintf(".TP\n.B %s\n%s\n", roffText(name), roffText(usage)))
	})
	return items
}

// roffText escapes what roff would take for its own.
func roffText(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(s)
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		if line != ".PP" && (strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'")) {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
