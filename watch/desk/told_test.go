package desk_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/watch/desk"
	"github.com/cyan-cloud/cyan/watch/incident"
	"github.com/cyan-cloud/cyan/watch/maintenance"
	pager "github.com/cyan-cloud/cyan/watch/notify"
	"github.com/cyan-cloud/cyan/watch/notify/notifytest"
	"github.com/cyan-cloud/cyan/watch/oncall"
	"github.com/cyan-cloud/cyan/watch/signal"
	"github.com/cyan-cloud/cyan/watch/status"
)

// TestWindowIsTold: who subscribes hears of a window when it is announced, a day
// and an hour before, when it begins, when its time is over and what came of it,
// each once, and nobody is paged.
func TestWindowIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var team notifytest.Hook
		settings, err := pager.ParseSettings([]byte("notify:\n  stages: [[team]]\n  outlets:\n    team: {type: webhook, url: \"https://team.example.com/hook\", secrets: [whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw]}\n"))
		if err != nil {
			t.Fatal(err)
		}
		data := t.TempDir()
		calls, err := oncall.Open(oncall.Config{Settings: settings, Data: data, Page: "https://status.example.com", Transport: notifytest.Hosts{"team.example.com": &team}})
		if err != nil {
			t.Fatal(err)
		}
		d, err := desk.Open(desk.Config{Data: data, Page: status.Page{URL: "https://status.example.com"}, Told: calls.Told, Planned: calls.Planned})
		if err != nil {
			t.Fatal(err)
		}
		calls.At(d)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- calls.Run(ctx) }() // ends below
		starts := time.Now().Add(3 * 24 * time.Hour)
		plan := maintenance.Window{
			Kind: maintenance.Planned, Title: "New database", Reason: "It moves.", Who: "ana", Zone: "UTC", Starts: starts, Ends: starts.Add(time.Hour),
			Effects: []maintenance.Effect{{Capability: signal.Calls, Worst: signal.Partial}},
		}
		_, err = d.Person(func(now time.Time, _ *incident.Book, c *maintenance.Calendar) (desk.Record, error) {
			ch, err := c.Plan(now, plan)
			return desk.Record{Window: &ch}, err
		})
		if err != nil {
			t.Fatal(err)
		}
		for until := starts.Add(2 * time.Hour); time.Now().Before(until); {
			<-time.After(10 * time.Minute)
			now := time.Now()
			if now.After(starts) {
				for n := range 3 {
					d.Noted(&signal.Result{
						Vantage: "local", Story: signal.Held, Started: now.Add(time.Duration(n-2) * time.Second), Ended: now, OK: true,
						Steps: []signal.Step{{Name: signal.StepCall, OK: true}},
					})
				}
			}
			d.Judged(now, nil)
			synctest.Wait()
		}
		cancel()
		if err := errors.Join(<-done, d.Close()); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, x := range team.Taken() {
			var e struct {
				Type      string
				Timestamp time.Time
				Data      struct{ Summary string }
			}
			if err := json.Unmarshal(x.Body, &e); err != nil {
				t.Fatal(err)
			}
			_, what, _ := strings.Cut(e.Data.Summary, "New database ")
			got = append(got, e.Timestamp.Sub(starts).Round(time.Minute).String()+" "+e.Type+" "+what)
		}
		want := []string{
			"-72h0m0s change (scheduled): " + plan.Announcement(),
			"-24h0m0s change (scheduled): Reminder. " + plan.Announcement(),
			"-1h0m0s change (scheduled): Reminder. " + plan.Announcement(),
			"0s change (in progress): It has begun.",
			"1h0m0s change (verifying): Its time is over; what it touched is checked.",
			"1h10m0s change (completed): Completed: everything that it touched is measured to work.",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
