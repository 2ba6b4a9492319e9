package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/wire/rest"
)

func (c *cli) annotationsVerb() *cobra.Command {
	var since time.Duration
	cmd := &cobra.Command{
		Use: "annotations", Short: "What was done to the cloud itself, and what it cost devices", Args: takes(0, 0, ""),
		Long: `Lists starts, stops, crashes and upgrades of the cloud, newest first: when and by
whom, how many devices kept their session and how many lost it.`,
		Example: "  cyan annotations\n  cyan annotations --since 720h --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			remote, err := c.remote()
			if err != nil {
				return err
			}
			answer, err := remote.Annotations(cmd.Context(), time.Now().Add(-since))
			if err != nil {
				return err
			}
			for _, a := range answer.Annotations {
				if c.json {
					err = c.emit(a)
				} else {
					c.printAnnotation(a)
				}
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().DurationVar(&since, "since", 7*24*time.Hour, "how far back")
	c.targetFlags(cmd)
	return cmd
}

func (c *cli) printAnnotation(a rest.Annotation) {
	count := func(n *int) string {
		if n == nil {
			return "?"
		}
		return strconv.Itoa(*n)
	}
	line := fmt.Sprintf("%s  %s%s", c.stamp(a.At.Time), padded(a.Kind, 9), a.Node)
	if a.From != "" {
		line += " " + string(a.From) + " →"
	}
	line += " " + string(a.To)
	if a.Author != "" {
		line += " by " + string(a.Author)
	}
	c.print("%s", line)
	text := fmt.Sprintf("  sessions that went on: %s, that ended: %s", count(a.Sessions), count(a.Ended))
	if a.FreezeMS > 0 {
		text += fmt.Sprintf("; nobody served for %.1f ms", a.FreezeMS)
	}
	c.print("%s", text)
	if a.Detail != "" {
		c.print("  %s", a.Detail)
	}
}
