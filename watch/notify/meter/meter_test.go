package meter_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/cyan-cloud/cyan/watch/notify"
	"github.com/cyan-cloud/cyan/watch/notify/meter"
	"github.com/cyan-cloud/cyan/watch/notify/notifytest"
)

const settings = `
notify:
  stages: [[phone], [team]]
  outlets:
    phone: {type: pagerduty, routing_key: 0123456789abcdef0123456789abcdef}
    team: {type: webhook, url: "https://team.example.com/hook", secrets: [whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw]}
`

// scrape gives the lines of the metrics that are not about buckets.
func scrape(t *testing.T, m *meter.Meter) []string {
	t.Helper()
	numbers := prometheus.NewPedanticRegistry()
	numbers.MustRegister(m)
	w := httptest.NewRecorder()
	promhttp.HandlerFor(numbers, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody))
	return slices.DeleteFunc(strings.Split(strings.TrimSpace(w.Body.String()), "\n"), func(line string) bool {
		return strings.HasPrefix(line, "#") || strings.Contains(line, "_bucket") && !strings.Contains(line, `le="10"`)
	})
}

// TestNumbers: a page that the first outlet refuses for long, that the second
// takes, and that nobody acknowledges; the numbers outlive the process.
func TestNumbers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := notify.ParseSettings([]byte(settings))
		if err != nil {
			t.Fatal(err)
		}
		var phone notifytest.Pager
		var team notifytest.Hook
		var journal notifytest.Memory
		phone.For(3, notifytest.Trouble{Status: 503})
		open := func() *notify.Pipeline {
			p, err := notify.Open(notify.Config{Settings: s, Transport: notifytest.Hosts{"events.pagerduty.com": &phone, "team.example.com": &team}}, &journal)
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		p := open()
		stop := start(t, p)
		if err := p.Notify(notify.Notice{ID: "n1", Key: "k", Kind: notify.Trigger, Severity: notify.Critical, Summary: "Calls fail"}); err != nil {
			t.Fatal(err)
		}
		<-time.After(4*time.Minute + 59*time.Second) // phone: at 0, 1, 3 and 9 s
		phone.Set(notifytest.Trouble{Status: 400})
		<-time.After(6 * time.Minute)
		synctest.Wait()
		stop()
		want := []string{
			`cyan_notify_accept_seconds_bucket{outlet="phone",le="10"} 1`,
			`cyan_notify_accept_seconds_sum{outlet="phone"} 9`, `cyan_notify_accept_seconds_count{outlet="phone"} 1`,
			`cyan_notify_accept_seconds_bucket{outlet="team",le="10"} 2`,
			`cyan_notify_accept_seconds_sum{outlet="team"} 0`, `cyan_notify_accept_seconds_count{outlet="team"} 2`,
			`cyan_notify_accepted_total{outlet="phone"} 1`, `cyan_notify_accepted_total{outlet="team"} 2`,
			`cyan_notify_alerts_open 1`, `cyan_notify_alerts_unacknowledged 1`,
			`cyan_notify_escalations_total 2`, `cyan_notify_fallbacks_total 1`,
			`cyan_notify_page_seconds_bucket{le="10"} 1`, `cyan_notify_page_seconds_sum 9`, `cyan_notify_page_seconds_count 1`,
			`cyan_notify_red 1`,
			`cyan_notify_refused_total{outlet="phone"} 4`, `cyan_notify_refused_total{outlet="team"} 0`,
			`cyan_notify_retried_total{outlet="phone"} 3`, `cyan_notify_retried_total{outlet="team"} 0`,
			`cyan_notify_undeliverable_total{outlet="phone"} 1`, `cyan_notify_undeliverable_total{outlet="team"} 0`,
			`cyan_notify_waiting{outlet="phone"} 0`, `cyan_notify_waiting{outlet="team"} 0`,
		}
		if diff := cmp.Diff(want, scrape(t, meter.New(p))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(want, scrape(t, meter.New(open()))); diff != "" {
			t.Errorf("after a restart (-want +got):\n%s", diff)
		}
	})
}

// start runs a pipeline until the function that it gives is called.
func start(t *testing.T, p *notify.Pipeline) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); p.Run(ctx) }() // ends with stop
	return func() { cancel(); <-done }
}
