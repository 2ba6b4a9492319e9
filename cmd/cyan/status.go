package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/watch/incident"
	"github.com/cyan-cloud/cyan/watch/signal"
	"github.com/cyan-cloud/cyan/watch/status"
)

const defaultStatus = "http://127.0.0.1:8090"

func (c *cli) statusVerb() *cobra.Command {
	var site string
	cmd := &cobra.Command{
		Use: "status", Short: "How the cloud is, as its status page measures it", Args: takes(0, 0, ""),
		Long: `Reads the status page and nothing of the cloud: it answers while the cloud is
down, and needs no login. A page that has not heard anything new for three
minutes, or whose watchtower is blind, says nothing: then the cloud's state is
unknown.

Ends with 0 when everything works, 10 when something does not, 20 when it, or
some of it, is unknown, and 11 when the page itself cannot be reached.`,
		Example: "  cyan status\n  cyan status --status-url https://status.example.com --json | jq .components\n  cyan status >/dev/null || echo 'it is not my device'",
		RunE: func(cmd *cobra.Command, _ []string) error {
			e, err := evidence(cmd.Context(), site)
			if err != nil {
				return err
			}
			if c.json {
				err = c.emit(e)
			} else {
				c.printStatus(e)
			}
			if err != nil {
				return err
			}
			switch {
			case e.Unknown:
				return fail(exitUnclear, "the state of the cloud is unknown", "is the watchtower running? cyan oncall status")
			case e.Overall > signal.Operational:
				return fail(exitCloud, "the cloud has a fault: "+e.Headline)
			case len(e.Unmeasured) > 0:
				return fail(exitUnclear, "the state of some of the cloud is unknown", "is the watchtower well? cyan oncall status")
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&site, "status-url", defaultStatus, "`URL` of the status page")
	return cmd
}

const (
	statusPatience = 10 * time.Second
	statusMost     = 64 << 20 // bytes
)

// evidence reads what a status page knows. Whether that is old is judged here
// too: a copy on a host of files cannot.
func evidence(ctx context.Context, site string) (*status.Evidence, error) {
	answer, err := fromPage(ctx, site, "/evidence.json", statusMost)
	if err != nil {
		return nil, err
	}
	if answer.status != http.StatusOK {
		return nil, fail(exitUnreachable, "there is no status page at "+site+": it answered "+answer.String(), "is --status-url the watchtower's?")
	}
	e := new(status.Evidence)
	if err := json.Unmarshal(answer.text, e); err != nil {
		return nil, fail(exitUnreachable, "there is no status page at "+site+": "+err.Error(), "is --status-url the watchtower's?")
	}
	now := time.Now()
	if at, err := http.ParseTime(answer.date); err == nil {
		now = at // this machine's clock may be wrong; the page's host says what time it is
	}
	if now.After(e.FreshUntil) && !e.Unknown {
		e.Unknown, e.Headline = true, "This page is out of date: treat everything as unknown."
	}
	return e, nil
}

// told is what a watchtower answered.
type told struct {
	status int
	date   string // of the header
	text   []byte
}

// String gives the status with its number.
func (p told) String() string { return strconv.Itoa(p.status) + " " + http.StatusText(p.status) }

// fromPage gets what a watchtower has at a path, and so many bytes of it at most.
func fromPage(ctx context.Context, site, path string, most int64) (told, error) {
	ctx, cancel := context.WithTimeout(ctx, statusPatience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(site, "/")+path, nil)
	if err != nil {
		return told{}, misuse("--status-url is no URL: " + site)
	}
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		return told{}, err
	}
	defer w.Body.Close()
	text, err := io.ReadAll(io.LimitReader(w.Body, most))
	return told{status: w.StatusCode, date: w.Header.Get("Date"), text: text}, err
}

func (c *cli) printStatus(e *status.Evidence) {
	c.print("%s", e.Headline)
	for _, i := range e.Incidents {
		if i.Open() {
			c.print("incident %d (%s): %s", i.Number, i.Status, i.Sentence)
		}
	}
	for _, w := range e.Windows {
		if !w.Over() {
			c.print("maintenance %d (%s): %s, %s to %s", w.Number, plainly(string(w.Status)), w.Title, c.stamp(w.Starts), c.stamp(w.Ends))
		}
	}
	for _, k := range e.Components {
		state := plainly(k.Severity.String())
		if e.Unknown || k.Unknown {
			state = "unknown"
		}
		c.print("  %s%s%s", padded(k.Name, 24), padded(state, 22), status.Measured{OK: k.OK, Tried: k.Tried, Over: time.Duration(k.Seconds) * time.Second}.Words())
	}
	c.say("generated at %s, %s ago", c.stamp(e.Generated), incident.Span(max(0, time.Since(e.Generated))))
}

// plainly writes a state the way people do.
func plainly(state string) string { return strings.ReplaceAll(state, "_", " ") }
