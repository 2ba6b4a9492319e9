package main

import (
	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/internal/build"
)

func (c *cli) versionVerb() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Which build this is", Args: takes(0, 0, ""),
		Example: "  cyan version\n  cyan version --json",
		RunE: func(*cobra.Command, []string) error {
			if c.json {
				return c.emit(build.Current())
			}
			c.print("%s", build.Current())
			return nil
		},
	}
}
