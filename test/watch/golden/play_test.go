package golden

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/internal/port"
	"github.com/cyan-cloud/cyan/test/watch/stage"
	"github.com/cyan-cloud/cyan/watch/incident"
	"github.com/cyan-cloud/cyan/watch/notify/notifytest"
	"github.com/cyan-cloud/cyan/watch/signal"
	"github.com/cyan-cloud/cyan/watch/status"
)

var (
	whole   = flag.Bool("whole", false, "play all of it, with a thousand devices; a quarter of an hour")
	without = flag.String("without", "", "`defence` that is taken away: canaries")
	record  = flag.String("record", "", "`file` that the report is written to")
)

// size is how large the play is, and how long its stretches are.
type size struct {
	tcp, udp, owners int
	herds, herd      int           // of these devices, in so many groups of so many, the ones that are rebooted
	reboot           time.Duration // between two groups
	every            time.Duration // canaries
	bounce, lift     time.Duration // after the fault
}

// The whole one has the sizes of the day: twenty devices a minute are rebooted.
// Two hours and a quarter of waiting are six minutes.
func sizes() (small, large size) {
	small = size{
		tcp: 14, udp: 10, owners: 2, herds: 2, herd: 2, reboot: 5 * time.Second, every: 2 * time.Second, lift: 25 * time.Second,
	}
	large = size{
		tcp: 700, udp: 300, owners: 12, herds: 18, herd: 7, reboot: 20 * time.Second, every: 10 * time.Second,
		bounce: 270 * time.Second, lift: 6 * time.Minute,
	}
	return small, large
}

// play is the whole of it.
type play struct {
	t      *testing.T
	size   size
	board  *Board
	cloud  *stage.Cloud
	tower  *stage.Tower
	beacon *notifytest.Hook
	crowd  *crowd
	key    string // of the alert

	truth struct {
		fault, paged, published, acked, bounced, lifted, callable time.Time
	}
	marks []Mark
	facts []string
	lamp  *stage.Process // a device whose light is watched
	red   bool           // it flashed red
}

const docs = "../../../docs/"

// TestGolden plays it, and holds every point that it shows.
func TestGolden(t *testing.T) {
	doc, err := os.ReadFile(docs + "promises.md")
	if err != nil {
		t.Fatal(err)
	}
	p := &play{t: t, board: NewBoard(string(doc))}
	small, large := sizes()
	if p.size = small; *whole {
		p.size = large
	}
	began := time.Now()
	p.curtain()
	p.shut()
	if *without == "" {
		if p.size.bounce > 0 {
			p.bounce()
		}
		p.mend()
		if *whole {
			p.newcomer()
			p.maintain()
		}
	}
	p.timeline()
	if *whole && *without == "" {
		p.bereave() // from here on nobody answers for the watchtower
	}
	p.report(time.Since(began))
	bad := p.board.Failed()
	if *without != "" {
		if len(bad) < 5 {
			t.Errorf("without %s only %d points fail", *without, bad)
		}
		return
	}
	for _, n := range bad {
		t.Errorf("S-%02d does not hold", n)
	}
	for i := range p.marks {
		if *whole && !p.marks[i].Within() || p.marks[i].Says.IsZero() {
			t.Errorf("the timeline is not true of %s: %s", p.marks[i].Name, p.marks[i].Off())
		}
	}
}

// say notes what happened, for the report and for who looks on.
func (p *play) say(format string, args ...any) {
	words := fmt.Sprintf(format, args...)
	p.facts = append(p.facts, time.Now().UTC().Format("15:04:05Z  ")+words)
	p.t.Log(words)
}

// evidence is what the page says now; nil: it does not answer.
func (p *play) evidence() *status.Evidence {
	e, err := p.tower.Evidence(p.t.Context())
	if err != nil {
		return nil
	}
	return e
}

// incident is the newest incident on the page; nil: there is none.
func (p *play) incident() *status.EvidenceOfIncident {
	if e := p.evidence(); e != nil && len(e.Incidents) > 0 {
		return &e.Incidents[0]
	}
	return nil
}

func (p *play) until(bound time.Duration, ok func() bool) bool {
	return stage.Until(p.t.Context(), bound, ok)
}

// operator runs a command on the watchtower's machine.
func (p *play) operator(args ...string) stage.Answer {
	p.t.Helper()
	a, err := p.cloud.Admin.Run(p.t.Context(), "", append(args, "--watch-url", p.tower.URL, "--watch-data", p.tower.Data, "--by", "ana")...)
	if err != nil {
		p.t.Fatal(err)
	}
	return a
}

// curtain opens with a cloud that is well, and is seen to be.
func (p *play) curtain() {
	t := p.t
	program := stage.Build(t)
	at := port.Free(t)
	p.cloud = stage.Serve(t, program, "--log-level", "warn", "--status-url", "http://"+at)
	_, password := p.cloud.Hire("canary-login@example.com")
	secret := filepath.Join(p.cloud.Dir, "canary-password")
	if err := os.WriteFile(secret, []byte(password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	// The watchtower comes to a cloud that is well: a thousand devices that connect at once are not this play.
	p.crowd = gather(t, p.cloud, &p.size)
	p.light()
	total := p.size.tcp + p.size.udp
	if !p.until(8*minute, func() bool {
		p.crowd.revive()
		_, n, err := p.crowd.look(t.Context())
		return err == nil && n >= total
	}) {
		_, n, err := p.crowd.look(t.Context())
		t.Fatalf("of %d devices %d are connected: %v", total, n, err)
	}
	p.tower = p.cloud.Watch("watch", stage.Watching{At: at, Deaf: *without == "canaries", Hurry: !*whole, More: []string{
		"--canary-username", "canary-login@example.com", "--canary-password-file", secret,
		"--status-export", filepath.Join(p.cloud.Dir, "export"),
	}})
	p.beacon = new(notifytest.Hook)
	hook := httptest.NewServer(p.beacon)
	t.Cleanup(hook.Close)
	p.cloud.Admin.Start(t, filepath.Join(p.cloud.Dir, "beacon.log"), "watch", "--json", "--beacon", p.tower.URL, "--beacon-tell", hook.URL)
	if !p.until(6*minute, p.calm) {
		t.Fatalf("the page does not become green: %+v", p.evidence())
	}
	e := p.evidence()
	good, all := p.crowd.sample(t.Context(), 60, anyone)
	p.say("%d devices of %d owners are connected; the page says: %s; %d of %d calls answered", total, p.size.owners, e.Headline, good, all)
	if *without == "" {
		p.board.Check(e.Overall == signal.Operational && len(p.tower.Pager.Incidents()) == 0, "while all is well the page is green and nobody is paged", e.Headline, 16, 18)
	}
}

// calm tells whether the page is green, by enough runs of everything that it
// has on it.
func (p *play) calm() bool {
	e := p.evidence()
	if e == nil || e.Unknown || e.Overall > signal.Operational {
		return false
	}
	well := 0
	for _, c := range e.Components {
		if c.OK >= 12 {
			well++
		}
	}
	for i := range e.Incidents {
		if e.Incidents[i].Open() {
			return false
		}
	}
	return well >= 7 || *without != "" && well > 0
}

// light switches a device on whose light is looked at.
func (p *play) light() {
	o := p.crowd.owners[0]
	p.lamp = o.Start(p.t, filepath.Join(p.cloud.Dir, "sim", "lamp.log"), append(p.crowd.way("tcp"), "--json", "--number", "900")...)
}

// timeline compares what the incident says of itself with what was done.
func (p *play) timeline() {
	var m incident.Milestones
	if i := p.incident(); i != nil && *without == "" {
		if all := p.evidence().Incidents; len(all) > 0 {
			i = &all[len(all)-1] // the first: that of the fault
		}
		m = i.Milestones
	}
	seen := p.truth.published
	if !p.truth.paged.IsZero() && p.truth.paged.Before(seen) {
		seen = p.truth.paged
	}
	p.marks = []Mark{
		{"first failure", m.FirstFailure, p.truth.fault, "when the doors were shut"},
		{"detected", m.Detected, seen, "when it was first seen outside, on the pager or the page"},
		{"page accepted", m.PageAccepted, p.truth.paged, "when the stand-in for the pager took it"},
		{"published", m.Published, p.truth.published, "when a reader who asks ten times a second saw it"},
		{"acknowledged", m.Acknowledged, p.truth.acked, "when the command had ended"},
		{"fixed", m.Fixed, p.truth.lifted, "when the doors were opened"},
		{"all callable", m.AllCallable, p.truth.callable, "when the last of all devices had answered a call of ours"},
	}
	if *without == "" {
		p.board.Check(m.FirstFailure.Before(m.Detected) && !m.PageAccepted.Before(m.Detected) && !m.Published.IsZero() && m.Acknowledged.After(m.PageAccepted) && m.Fixed.After(m.Acknowledged),
			"the milestones are there, and in order", "", 54)
		took := m.Fixed.Sub(m.FirstFailure)
		truth := p.truth.lifted.Sub(p.truth.fault)
		p.board.Check(((took-truth).Abs() <= tolerance || !*whole), "begin, end and length are measured, and true", fmt.Sprintf("%.0f s; the doors were shut for %.0f s", took.Seconds(), truth.Seconds()), 17)
	}
}

// report writes everything down.
func (p *play) report(took time.Duration) {
	var w strings.Builder
	p.write(&w, took)
	fmt.Fprint(p.t.Output(), w.String())
	if *record == "" {
		return
	}
	if err := os.WriteFile(*record, []byte(w.String()), 0o644); err != nil {
		p.t.Error(err)
	}
}

// get reads a page of the watchtower as a browser without script does.
func (p *play) get(path string) string {
	body, err := p.tower.Get(p.t.Context(), path)
	if err != nil {
		return ""
	}
	return string(body)
}

// serveFiles is the second host: files and nothing else.
func serveFiles(t testing.TB, folder string) string {
	t.Helper()
	s := httptest.NewServer(http.FileServer(http.Dir(folder)))
	t.Cleanup(s.Close)
	return s.URL
}

// bounded gives a context for something that may never happen.
func (p *play) bounded(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(p.t.Context(), d)
}
