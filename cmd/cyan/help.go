package main

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// widest is how wide a text is at most: longer lines are hard to read.
const widest = 80

// lettered sets the help in the width of the terminal, and of 80 columns where
// there is none.
func (c *cli) lettered(root *cobra.Command) *cobra.Command {
	cobra.AddTemplateFunc("flagLines", func(f *pflag.FlagSet) string { return f.FlagUsagesWrapped(min(c.columns(), widest)) })
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".FlagUsages", " | flagLines"))
	help := root.HelpFunc()
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		cmd.Long = reflow(cmd.Long, min(c.columns(), widest))
		help(cmd, args)
	})
	return root
}

// reflow fills the paragraphs of a text to a width. Lines that are indented
// are a table, and stay.
func reflow(text string, width int) string {
	var out, paragraph []string
	flush := func() {
		if len(paragraph) > 0 {
			out = append(out, wrap(strings.Join(paragraph, " "), "", width))
			paragraph = nil
		}
	}
	for line := range strings.SplitSeq(text, "\n") {
		switch {
		case line == "" || strings.HasPrefix(line, " ") || line[0] >= '0' && line[0] <= '9':
			flush()
			out = append(out, line)
		default:
			paragraph = append(paragraph, line)
		}
	}
	flush()
	return strings.Join(out, "\n")
}
