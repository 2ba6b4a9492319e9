package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// reportMost bounds how long a report may be, in bytes.
const reportMost = 16 << 20

func (c *cli) reportVerb() *cobra.Command {
	var site, month string
	cmd := &cobra.Command{
		Use: "report", Short: "The month, for those who answer for it", Args: takes(0, 0, ""),
		Long: `Prints the monthly report that the watchtower makes of what it measured, as
Markdown: how available each capability was, with partial outages counted in full,
how long it took to detect, page and publish each incident, how many minutes the
watchtower was ahead of the first customer who reported it, and who told whom. It
reads the status page, needs no login, and is there as a page, too: /reports/.

When a customer told of an incident first is known if somebody writes it down:
cyan incident reported.`,
		Example: "  cyan report\n  cyan report --month 2026-11 > november.md\n  cyan report --month 2026-11 --json | jq .customers_told_us_first",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if month == "" {
				month = time.Now().UTC().AddDate(0, 0, -time.Now().UTC().Day()).Format("2006-01")
			}
			if _, err := time.Parse("2006-01", month); err != nil {
				return misuse("--month "+month+" is no month", "such as 2026-11")
			}
			form := ".md"
			if c.json {
				form = ".json"
			}
			text, err := fetchReport(cmd.Context(), site, month+form)
			switch {
			case err != nil:
				return err
			case c.json:
				return c.emit(json.RawMessage(text))
			}
			c.print("%s", strings.TrimSuffix(string(text), "\n"))
			return nil
		},
	}
	cmd.Flags().StringVar(&site, "status-url", defaultStatus, "`URL` of the status page")
	cmd.Flags().StringVar(&month, "month", "", "`month`, such as 2026-11 (default the last that is over)")
	return cmd
}

// fetchReport gets a report from a watchtower.
func fetchReport(ctx context.Context, site, name string) ([]byte, error) {
	answer, err := fromPage(ctx, site, "/reports/"+url.PathEscape(name), reportMost)
	if err != nil {
		return nil, err
	}
	switch answer.status {
	case http.StatusOK:
		return answer.text, nil
	case http.StatusNotFound:
		return nil, fail(exitNotFound, "there is no report of that month at "+site, "has it begun? is --status-url the watchtower's, and not a copy of its page?")
	default:
		return nil, fail(exitUnreachable, "there is no report at "+site+": it answered "+answer.String(), "is --status-url the watchtower's?")
	}
}
