package status_test

import (
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/watch/incident"
	"github.com/cyan-cloud/cyan/watch/maintenance"
	"github.com/cyan-cloud/cyan/watch/signal"
	"github.com/cyan-cloud/cyan/watch/status"
)

var start = time.Date(2020, 5, 31, 4, 30, 0, 0, time.UTC)

// stage builds views the way the watchtower does: through the book and the
// calendar.
type stage struct {
	t     *testing.T
	book  *incident.Book
	plans *maintenance.Calendar
	now   time.Time
	count incident.Recovery
	runs  int // that each strip shows
	days  int
}

func newStage(t *testing.T, runs, days int) *stage {
	return &stage{t: t, book: incident.NewBook(), plans: maintenance.New(), now: start, runs: runs, days: days}
}

// pass lets time pass, with what is judged at its end.
func (s *stage) pass(d time.Duration, judged ...signal.Judgement) {
	for until := s.now.Add(d); s.now.Before(until); {
		s.now = s.now.Add(5 * time.Second)
		list := []signal.Judgement{}
		if !s.now.Before(until) {
			for _, j := range judged {
				j.At, j.By = s.now, signal.ByCanary
				if j.Severity > signal.Operational {
					j.Since, j.Failed, j.Tried, j.Reason = s.now.Add(-20*time.Second), 4, 6, "timeout"
				}
				list = append(list, j)
			}
		}
		pass, _ := s.plans.Apply(s.now, list)
		if s.count.Counted() {
			s.count.At = s.now
		}
		s.book.Apply(s.now, pass, s.count)
	}
}

func (s *stage) must(_ any, err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// view is what the page shows now.
func (s *stage) view() *status.View {
	v := &status.View{
		Page: status.Page{Name: "Example Cloud", URL: "https://status.example.com", Started: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)},
		At:   s.now, Blind: s.book.Blind(), Incidents: s.book.List(), Windows: s.plans.List(),
		Restarts: status.Restarts{Count: 2, Since: start.AddDate(0, 0, -12), Last: start.AddDate(0, 0, -3)},
		Drill:    &status.Drill{At: start.AddDate(0, 0, -1), Detected: 11.2, Paged: 11.9, Published: 12.4, Resolved: 58},
	}
	held := map[signal.Capability]signal.Severity{}
	for _, j := range s.plans.Held() {
		held[j.Capability] = j.Severity
	}
	bad := s.book.Severities()
	for n, c := range signal.Capabilities() {
		tried := 360 - 17*n
		k := status.Component{
			Capability: c, Severity: max(bad[c], held[c]), Held: held[c] > 0,
			Measured: status.Measured{OK: tried - n%3, Tried: tried, Over: time.Hour}, Days: s.bars(n),
		}
		if k.Severity > signal.Operational {
			k.Measured.OK, k.Changed = tried-12, s.now.Add(-time.Minute)
			k.Recent = status.Measured{OK: 6 - 2*int(k.Severity), Tried: 17, Over: 5 * time.Minute}
		}
		v.Components = append(v.Components, k)
	}
	for _, transport := range []string{"tcp", "udp"} {
		c := map[string]signal.Capability{"tcp": signal.ConnectTCP, "udp": signal.ConnectUDP}[transport]
		v.Strips = append(v.Strips, s.strip(signal.ColdStart, transport, bad[c] > 0))
	}
	v.Strips = append(v.Strips, s.strip(signal.Held, "udp", bad[signal.Connected] > 0), s.strip(signal.Login, "", bad[signal.API] > 0))
	return v
}

// bars are the days of a component: mostly good.
func (s *stage) bars(of int) []status.Day {
	var days []status.Day
	for n := range s.days {
		d := status.Day{Date: s.now.AddDate(0, 0, n-s.days+1).Format(time.DateOnly), Good: 86400}
		switch (n + 7*of) % 41 {
		case 11:
			d.Good, d.Partial = d.Good-4000, 4000
		case 23:
			d.Good, d.Degraded = d.Good-9000, 9000
		case 35:
			d.Good, d.Maintenance = d.Good-3600, 3600
		case 38:
			if of%2 == 0 {
				d.Good, d.Major = d.Good-20000, 20000
			}
		}
		days = append(days, d)
	}
	return days
}

// strip is the last runs of a canary, of which the last fails when it is told
// to.
func (s *stage) strip(story signal.Story, transport string, bad bool) status.Strip {
	strip := status.Strip{Story: story, Vantage: "frankfurt", Ingress: "public", Transport: transport}
	names := []signal.StepName{signal.StepResolve, signal.StepConnect, signal.StepHandshake, signal.StepHello, signal.StepOnline, signal.StepCall, signal.StepVariable}
	if story == signal.Login {
		names = []signal.StepName{signal.StepResolve, signal.StepTLS, signal.StepLogin, signal.StepRevoke}
	}
	for n := range s.runs {
		r := signal.Result{
			ID: string(story) + transport + time.Duration(n).String(), Vantage: strip.Vantage, Ingress: strip.Ingress, Transport: transport, Story: story,
			Started: s.now.Add(time.Duration(n-s.runs) * 10 * time.Second).Truncate(time.Second), OK: true,
		}
		fails := bad && n >= s.runs-min(4, s.runs/2+1)
		r.Ended = r.Started
		for k, name := range names {
			step := signal.Step{Name: name, OK: true, Took: time.Duration(3+(7*n+13*k)%29) * time.Millisecond}
			if fails && k == 2 {
				step.OK, step.Took = false, 8*time.Second
				r.OK, r.Failed, r.Reason, r.Evidence = false, name, "timeout", "the port answered, and then nothing came for 8 s"
			}
			r.Steps = append(r.Steps, step)
			r.Ended = r.Ended.Add(step.Took)
			if !step.OK {
				break
			}
		}
		strip.Runs = append(strip.Runs, r)
	}
	return strip
}

func fails(c signal.Capability, s signal.Severity) signal.Judgement {
	return signal.Judgement{Capability: c, Severity: s, Vantages: 2}
}

// scenes are the states that the page can be in.
func scenes(t *testing.T, runs, days int) map[string]*status.View {
	all := map[string]*status.View{}
	begin := func() *stage { return newStage(t, runs, days) }

	s := begin()
	s.pass(time.Minute)
	all["green"] = s.view()

	s = begin()
	s.pass(time.Minute)
	s.pass(28*time.Minute, fails(signal.ConnectTCP, signal.Major))
	s.count = incident.Recovery{At: s.now, Affected: 412, Owners: 6, Missing: 412}
	culprit := fails(signal.ConnectUDP, signal.Partial)
	culprit.Culprits = []signal.Culprit{{What: "TCP on gateway-2", Explains: 0.97, Inside: 0.99, Rest: 0.01}}
	s.must(s.book.PageAccepted(s.now.Add(2*time.Second), "1", "pagerduty"))
	s.must(s.book.Published(s.now.Add(3*time.Second), "1", "https://status.example.com"))
	s.pass(4*time.Minute, culprit)
	s.must(s.book.Acknowledge(s.now, "1", "ana"))
	s.must(s.book.Say(s.now, "1", "ana", "The key store behind one of two gateways does not answer. We are replacing it.", true))
	s.pass(2 * time.Minute)
	all["partial"] = s.view()

	s.must(s.book.Dispute(s.now, "1", "ben", "We think that it is one network, not ours."))
	s.pass(40 * time.Minute)
	all["overdue"] = s.view()

	s.count = incident.Recovery{At: s.now, Affected: 412, Owners: 6, Connected: 398, Answering: 377, Missing: 14, Listed: 3}
	s.pass(30*time.Minute, fails(signal.ConnectTCP, signal.Operational), fails(signal.ConnectUDP, signal.Operational))
	s.pass(time.Minute)
	all["monitoring"] = s.view()
	s.count = incident.Recovery{At: s.now, Affected: 412, Owners: 6, Connected: 412, Answering: 412}
	s.pass(time.Minute)
	s.must(s.plans.Plan(s.now, maintenance.Window{
		Kind: maintenance.Short, Title: "New database", Reason: "The database moves to a bigger machine.", Who: "ana", Zone: "Australia/Brisbane",
		Effects: []maintenance.Effect{{Capability: signal.Calls, Worst: signal.Partial}, {Capability: signal.API, Worst: signal.Degraded}},
		Starts:  s.now.Add(30 * time.Minute), Ends: s.now.Add(90 * time.Minute), Remedies: "1",
	}))
	s.pass(10 * time.Minute)
	all["announced"] = s.view()
	s.pass(30*time.Minute, fails(signal.Calls, signal.Partial))
	all["maintenance"] = s.view()

	s = begin()
	s.pass(time.Minute)
	blind := fails(signal.ConnectTCP, signal.Operational)
	blind.Blind = true
	s.pass(time.Minute, blind)
	s.pass(5 * time.Minute)
	all["blind"] = s.view()
	return all
}
