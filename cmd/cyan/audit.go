package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/client"
	"github.com/cyan-cloud/cyan/wire/rest"
)

func (c *cli) auditVerb() *cobra.Command {
	var since time.Duration
	var most int
	var q client.AuditQuery
	cmd := &cobra.Command{
		Use: "audit", Short: "Who did what with your account and devices", Args: takes(0, 0, ""),
		Long: `Lists what was done, newest first: when, by whom, from where, what, and how it
ended. Logins that failed are in it. An administrator sees what everybody did with
--all. Nothing in the log can be changed.`,
		Example: `  cyan audit --since 24h
  cyan audit --all --max 0 --json > audit.jsonl`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			remote, err := c.remote()
			if err != nil {
				return err
			}
			if since > 0 {
				q.Since = time.Now().Add(-since)
			}
			return c.audit(cmd.Context(), remote, q, most)
		},
	}
	cmd.Flags().DurationVar(&since, "since", 0, "how far back")
	cmd.Flags().IntVar(&most, "max", 100, "end after this many; 0: all there are")
	cmd.Flags().BoolVar(&q.All, "all", false, "of everybody, for an administrator")
	c.targetFlags(cmd)
	return cmd
}

// auditPage is how many entries are asked for at a time.
const auditPage = 500

// audit prints entries, a page after the other, until there were enough.
func (c *cli) audit(ctx context.Context, remote *client.Client, q client.AuditQuery, most int) error {
	for n := 0; ; {
		q.Limit = auditPage
		if most > 0 {
			q.Limit = min(auditPage, most-n)
		}
		page, err := remote.Audit(ctx, q)
		if err != nil {
			return err
		}
		for _, e := range page.Entries {
			if err := c.show(e, "%s", c.auditLine(e)); err != nil {
				return err
			}
		}
		n += len(page.Entries)
		if q.Before = string(page.Next); q.Before == "" || most > 0 && n >= most {
			return nil
		}
	}
}

// auditLine writes an entry for people.
func (c *cli) auditLine(e rest.AuditEntry) string {
	who := string(e.User)
	switch {
	case e.ServiceAccount != "":
		who = "service account " + string(e.ServiceAccount)
	case who == "":
		who = "nobody that is known"
	}
	line := c.stamp(e.At.Time) + "  " + e.Action
	if e.Object != "" {
		line += " " + string(e.Object)
	}
	return c.wrapped(line+": "+e.Outcome+", by "+who+" from "+e.Source+" (request "+e.RequestID+")", "  ")
}
