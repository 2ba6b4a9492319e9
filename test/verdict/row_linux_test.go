package verdict

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/internal/pause"
	"github.com/cyan-cloud/cyan/test/findings"
	"github.com/cyan-cloud/cyan/watch/incident"
	"github.com/cyan-cloud/cyan/watch/notify/notifytest"
	"github.com/cyan-cloud/cyan/watch/signal"
	"github.com/cyan-cloud/cyan/watch/status"
)

var (
	every = flag.Bool("every", false, "run every row, with the intervals that are used")
	table = flag.String("table", "", "write the table of what -lines has into this file of Markdown, between its marks")
	lines = flag.String("lines", "", "add each verdict to this file, as a line of JSON; of one row the last counts")
)

// row is a fault of the catalogue.
type row struct {
	number, fault, how string
	fast               bool // takes part in plain go test
	skipped            string
	must               []signal.Capability // have to be said to fail
	may                []signal.Capability // may be said to, too: what follows from it
	hold               time.Duration       // zero: holds
	ticket             bool                // those who run the watchtower have to be told, and nobody else
	flaps              bool                // now and then it works while the fault is on
	share              bool                // it hits some newcomers only: it begins when the first is hit
	before             func(g *rig)
	inject, heal       func(g *rig)
	after              func(g *rig, v *Verdict) // looks at what else has to be true
}

const (
	holds   = 75 * time.Second
	settles = 10 * time.Minute // by then it has to be over
	within  = 15 * time.Second // of the truth is when it began
)

// TestVerdicts brings every fault about and writes down what is made of it.
func TestVerdicts(t *testing.T) {
	all := slices.Concat(connectRows(), connectedRows(), towerRows(), calendarRows())
	verdicts := make([]Verdict, len(all))
	var mu sync.Mutex
	t.Cleanup(func() {
		err := remember(all, verdicts)
		list := slices.DeleteFunc(verdicts, func(v Verdict) bool { return v.Row == "" })
		Print(t.Output(), list)
		if err == nil && *table != "" {
			err = record(*table, list)
		}
		if err != nil {
			t.Error(err)
		}
	})
	for i := range all {
		r := &all[i]
		if !*every && !r.fast {
			continue
		}
		t.Run(r.number+" "+r.fault, func(t *testing.T) {
			t.Parallel()
			v := r.test(t)
			mu.Lock()
			defer mu.Unlock()
			verdicts[i] = v
			keep(t, &v)
			if !*every && (len(v.Wrong) > 0 || v.Incidents != 1) {
				t.Errorf("%s: %q", v.Word(), v.Wrong)
			}
		})
	}
}

// test runs a row.
func (r *row) test(t *testing.T) Verdict {
	t.Helper()
	v := Verdict{Row: r.number, Fault: r.fault, How: r.how, Skipped: r.skipped, Quiet: len(r.must) == 0, Detected: -1, Published: -1, Paged: -1, Over: -1}
	if r.skipped != "" {
		return v
	}
	pace := 2 * time.Second
	if *every {
		pace = 0 // what is used
	}
	g := newRig(t, pace)
	watching, enough := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { g.follow(watching) })
	defer all.Wait()
	defer enough()
	g.settle()
	settled := time.Now()
	if r.before != nil {
		r.before(g)
	}
	pause.For(watching, time.Duration(rand.Int64N(int64(10*time.Second)))) //nolint:gosec // any moment of the canaries' round
	began := time.Now()
	r.inject(g)
	hold := r.hold
	if hold == 0 {
		hold = holds
	}
	if *every {
		pause.For(watching, hold-time.Since(began))
	} else if !g.until(settles, func(s *sight) bool { return r.said(s) && len(g.pages(began)) > 0 }) {
		v.Wrong = append(v.Wrong, "nobody notices")
	}
	healed := time.Now()
	hit := map[signal.Capability]time.Time{}
	if r.share {
		hit[signal.ConnectTCP], hit[signal.ConnectUDP] = g.tcp.hit(), g.udp.hit()
	}
	if r.heal != nil {
		r.heal(g)
	}
	if r.after != nil {
		r.after(g, &v)
	}
	if g.until(settles, func(s *sight) bool { return s.green() }) {
		v.Over = time.Since(healed).Seconds()
	} else {
		v.Wrong = append(v.Wrong, fmt.Sprintf("%v after the end it is not over", settles))
	}
	if v.Quiet && v.Over < 2 {
		v.Over = -1
	}
	if r.ticket {
		r.ticketed(g, &v, began)
	}
	r.judge(g, &v, times{settled, began, healed}, hit)
	if s, ok := g.look(); ok {
		for _, c := range s.Canaries {
			t.Logf("%s %s: %s", c.Story, c.Transport, dots(c.Runs))
		}
	}
	return v
}

// said tells that everything that has to be said to fail is.
func (r *row) said(s *sight) bool {
	return !slices.ContainsFunc(r.must, func(c signal.Capability) bool {
		return !slices.ContainsFunc(s.Incidents, func(i status.EvidenceOfIncident) bool { return isOpen(i) && i.Part(c) != nil })
	})
}

// ticketed looks at what those who run the watchtower were told: one thing, and
// that it is over when it is.
func (r *row) ticketed(g *rig, v *Verdict, began time.Time) {
	over := g.until(settles, func(*sight) bool {
		return !slices.ContainsFunc(g.tickets(began), func(i notifytest.PagerIncident) bool { return !i.Resolved })
	})
	list := g.tickets(began)
	if len(list) != 1 || !over {
		v.Wrong = append(v.Wrong, fmt.Sprintf("tickets: %+v", list))
	}
	for _, i := range list {
		v.Ticket = fmt.Sprintf("%s after %.0f s", i.Summary, i.Opened.Sub(began).Seconds())
		if i.Severity != "warning" {
			v.Wrong = append(v.Wrong, "the ticket is "+i.Severity)
		}
	}
}

// dots are the last runs of a canary, oldest first.
func dots(runs []signal.Result) string {
	var b strings.Builder
	for i := range runs {
		b.WriteByte(map[bool]byte{true: '.', false: 'x'}[runs[i].OK])
	}
	return b.String()
}

// times are when all was well, and when the fault began and ended.
type times struct{ settled, began, healed time.Time }

// judge reads what the page said, and what of it was not true.
func (r *row) judge(g *rig, v *Verdict, of times, hit map[signal.Capability]time.Time) {
	began, healed := of.began, of.healed
	wrong := func(format string, args ...any) {
		if text := fmt.Sprintf(format, args...); !slices.Contains(v.Wrong, text) {
			v.Wrong = append(v.Wrong, text)
		}
	}
	if at, by := g.paged(began); !at.IsZero() {
		v.Paged, v.By = at.Sub(began).Seconds(), by
	}
	worst := map[signal.Capability]signal.Severity{}
	var last *sight
	for _, s := range g.history(began, time.Now()) {
		during := s.at.Before(healed)
		for i := range s.Incidents {
			in := &s.Incidents[i]
			if v.Published < 0 && in.Open() {
				v.Published, v.Detected = s.at.Sub(began).Seconds(), in.Detected.Sub(began).Seconds()
				if off := in.Began.Sub(first(in, hit, began)); *every && off.Abs() > within {
					wrong("it is said to have begun %v from when it did", off.Round(time.Second))
				}
			}
			for _, p := range in.Parts {
				worst[p.Capability] = max(worst[p.Capability], p.Worst)
				if v.Reason == "" && slices.Contains(r.must, p.Capability) {
					v.Reason = p.Reason
				}
			}
		}
		if during && v.Published >= 0 && s.green() && len(r.must) > 0 && !r.flaps {
			wrong("it is said to work while it fails")
		}
		if during {
			last = &s
		}
	}
	if last != nil {
		v.Page = last.Headline
		v.Incidents = len(last.Incidents)
	}
	for _, s := range g.history(healed, time.Now()) {
		v.Incidents = max(v.Incidents, len(s.Incidents))
		if len(r.must) == 0 && v.Incidents > 0 && v.Page == "Everything works." {
			v.Page = s.Headline
		}
	}
	for _, c := range signal.Capabilities() {
		if worst[c] == signal.Operational {
			continue
		}
		v.Said = append(v.Said, c.String()+" "+strings.ReplaceAll(worst[c].String(), "_", " "))
		if !slices.Contains(r.must, c) && !slices.Contains(r.may, c) {
			wrong("%s did not fail", c)
		}
	}
	if v.Incidents > 0 {
		for _, c := range r.must {
			if worst[c] == signal.Operational {
				wrong("nothing is said of %s, which failed", c)
			}
		}
	}
	if opened := len(g.pages(began)); v.Incidents > 1 || opened > 1 {
		wrong("%d incidents, and %d in the pager, of one fault", v.Incidents, opened)
	}
	for _, s := range g.history(of.settled, began) {
		if slices.ContainsFunc(s.Incidents, func(i status.EvidenceOfIncident) bool { return i.Status != incident.Resolved }) {
			wrong("an incident was open before the fault")
		}
	}
}

// first is when what an incident is of began in truth: where a fault hits some
// only, when it hit the first at a door that is accused.
func first(in *status.EvidenceOfIncident, hit map[signal.Capability]time.Time, began time.Time) time.Time {
	var at time.Time
	for _, p := range in.Parts {
		if h := hit[p.Capability]; !h.IsZero() && (at.IsZero() || h.Before(at)) {
			at = h
		}
	}
	if at.IsZero() {
		return began
	}
	return at
}

func keep(t *testing.T, v *Verdict) {
	if err := findings.Add(t.Output(), *lines, v); err != nil {
		t.Error(err)
	}
}

// remember fills in what -lines has of rows that were run before.
func remember(all []row, verdicts []Verdict) error {
	if *lines == "" {
		return nil
	}
	kept, err := findings.Read[Verdict](*lines)
	if err != nil {
		return err
	}
	for _, v := range kept {
		if at := slices.IndexFunc(all, func(r row) bool { return r.number == v.Row && r.fault == v.Fault }); at >= 0 {
			verdicts[at] = v
		}
	}
	for i := range all {
		if r := &all[i]; r.skipped != "" {
			verdicts[i] = Verdict{Row: r.number, Fault: r.fault, Skipped: r.skipped}
		}
	}
	return nil
}

// The marks in the page of Markdown between which the table stands.
const markFrom, markTo = "<!-- verdicts: make verdict -->\n", "<!-- end of verdicts -->\n"

func record(file string, list []Verdict) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(text), markFrom)
	_, after, also := strings.Cut(rest, markTo)
	if !ok || !also {
		return fmt.Errorf("%s has no marks", file)
	}
	var b strings.Builder
	b.WriteString(before + markFrom)
	Print(&b, list)
	b.WriteString(markTo + after)
	return os.WriteFile(file, []byte(b.String()), 0o644)
}
