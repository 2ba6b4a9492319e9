package status

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/watch/incident"
	"github.com/cyan-cloud/cyan/watch/maintenance"
	"github.com/cyan-cloud/cyan/watch/signal"
)

//go:embed web
var web embed.FS

// The page's style and script stand inside it: it needs nothing else, from
// nowhere.
var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"style":  func() template.HTML { return template.HTML("<style>" + asset("web/page.css") + "</style>") },
	"script": func() template.HTML { return template.HTML("<script>" + asset("web/page.js") + "</script>") },
	"bars":   bars, "dot": dot, "span": incident.Span, "took": took, "glue": glue, "kind": kind, "place": place,
	"ms": func(t time.Time) int64 { return t.UnixMilli() },
	"after": func(t, began time.Time) string {
		return "after " + incident.Span(t.Sub(began))
	},
}).ParseFS(web, "web/*.html"))

// policy allows a browser that style and that script, and nothing besides.
func policy() string {
	return "default-src 'none'; base-uri 'none'; form-action 'none'; img-src 'self' data:; connect-src 'self'; style-src '" +
		digest(asset("web/page.css")) + "'; script-src '" + digest(asset("web/page.js")) + "'"
}

func asset(name string) string {
	text, err := web.ReadFile(name)
	if err != nil {
		panic(err) // it is compiled in
	}
	return string(text)
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

func itoa(n int) string { return strconv.Itoa(n) }

// sheet is what a template sees.
type sheet struct {
	*scene
	Incident *incident.Incident
	Window   *maintenance.Window
	alone    bool // the page is of that one only
}

// html renders a page; of is the incident or window that it is about.
func (s *scene) html(name string, of any) ([]byte, error) {
	sh := sheet{scene: s}
	switch of := of.(type) {
	case *incident.Incident:
		sh.Incident, sh.alone = of, true
	case *maintenance.Window:
		sh.Window = of
	}
	var b bytes.Buffer
	err := pages.ExecuteTemplate(&b, name, sh)
	return b.Bytes(), err
}

// What templates ask for.

// Top is the headline, and Below what stands below it.
func (s sheet) Top() string     { return s.Headline(s.now) }
func (s sheet) Below() []string { return s.Lede(s.now) }

// Stale tells that the page says nothing of now.
func (s sheet) Stale() bool { return s.unknown }

// FreshMS is for how long the page is true, in milliseconds.
func (s sheet) FreshMS() int64 { return s.fresh().Milliseconds() }

// FreshFor is the same for people.
func (s sheet) FreshFor() time.Duration { return s.fresh() }

// Mood is the colour of the whole.
func (s sheet) Mood() string {
	switch open := s.open(); {
	case s.unknown:
		return "unknown"
	case s.Overall() == signal.Major:
		return "major"
	case s.Overall() == signal.Partial:
		return "partial"
	case s.Overall() == signal.Degraded || len(open) > 0:
		return "degraded"
	case s.status().Indicator == "maintenance":
		return "maintenance"
	case len(s.silent()) > 0:
		return "unknown"
	default:
		return "ok"
	}
}

// Row is a component as the page shows it. Young is what the last minutes say,
// where the hour does not say it yet; Number ends before the time that it is
// of, which is another once the page is old.
type Row struct {
	Component
	Class, Text, Young, Number, Uptime string
}

// Rows gives the components.
func (s sheet) Rows() []Row {
	var rows []Row
	for i := range s.Components {
		c := &s.Components[i]
		r := Row{Component: *c, Number: "not measured", Uptime: "no days yet"}
		if c.Measured.Tried > 0 {
			r.Number = glue(c.Measured.count())
		}
		if c.young() {
			r.Young = glue(c.Recent.Words() + "; ")
		}
		r.Class, r.Text = s.state(c, s.now)
		if part, ok := uptime(c.Days); ok {
			r.Uptime = glue(percent(part) + " in 90 days")
		}
		rows = append(rows, r)
	}
	return rows
}

// Open gives the open incidents, the worst first.
func (s sheet) Open() []incident.Incident { return s.open() }

// Ahead gives the windows that are announced or in progress, the next first.
func (s sheet) Ahead() []maintenance.Window {
	var list []maintenance.Window
	for _, w := range s.Windows {
		if !w.Over() {
			list = append([]maintenance.Window{w}, list...)
		}
	}
	return list
}

// pastFor is how long the front page shows what is over.
const pastFor = 15 * 24 * time.Hour

// Past gives the incidents that were resolved lately.
func (s sheet) Past() []incident.Incident {
	var list []incident.Incident
	for _, i := range s.Incidents {
		if !i.Open() && s.At.Sub(i.Resolved) < pastFor {
			list = append(list, i)
		}
	}
	return list
}

// Lead is the incident that the headline is of; nil where it is of none.
func (s sheet) Lead() *incident.Incident {
	if open := s.open(); !s.unknown && len(open) > 0 {
		return &open[0]
	}
	return nil
}

// Leads tells whether the headline is of the incident that the sheet is about:
// then the page has said already what fails.
func (s sheet) Leads() bool {
	lead := s.Lead()
	return lead != nil && s.Window == nil && s.Incident.ID == lead.ID && !s.alone
}

// Latest is what a person said last of the incident; nil where nobody did.
func (s sheet) Latest() *incident.Entry {
	for _, e := range s.Incident.Updates() {
		if e.Who != "" && e.Kind != incident.Disputed {
			return &e
		}
	}
	return nil
}

// About gives the sheet of one of several incidents.
func (s sheet) About(i incident.Incident) sheet {
	s.Incident = &i
	return s
}

// Of gives the sheet of one of several windows.
func (s sheet) Of(w maintenance.Window) sheet {
	s.Window = &w
	return s
}

// Made is when the page was generated, with its day: whoever has no script
// reads off it how old the page is.
func (s sheet) Made() template.HTML {
	t := s.At.UTC()
	return template.HTML(fmt.Sprintf(`<time datetime="%s" title="epoch %d">%s</time>`, t.Format(time.RFC3339), t.Unix(), t.Format("2006-01-02 15:04 UTC")))
}

// Extent is for how many a capability may fail in a window.
func (s sheet) Extent(v signal.Severity) string {
	return [...]string{"for nobody", "for some", "for most", "for all"}[min(v, signal.Major)]
}

// Body is the text of an update.
func (s sheet) Body(e incident.Entry) string { return body(&e) }

// Words is the state of a window as people say it.
func (s sheet) Words(w maintenance.Window) string {
	if w.Status == maintenance.Verifying {
		return "being checked"
	}
	return strings.ReplaceAll(string(w.Status), "_", " ")
}

// Mark is a moment by which an incident is measured.
type Mark struct {
	Name string
	At   time.Time
	// Known is when it was known, where that was later; zero: at once.
	Known time.Time
}

// Marks gives the moments that have come, after the first failure.
func (s sheet) Marks() []Mark {
	m := s.Incident.Milestones()
	var list []Mark
	for _, k := range []Mark{
		{"Detected", m.Detected, time.Time{}},
		{"Page accepted", m.PageAccepted, time.Time{}},
		{"Published", m.Published, time.Time{}},
		{"Acknowledged", m.Acknowledged, time.Time{}},
		{"Fixed", m.Fixed, m.FixedKnown},
		{"All callable", m.AllCallable, m.AllCallableKnown},
		{"Resolved", m.Resolved, time.Time{}},
	} {
		if !k.At.IsZero() {
			list = append(list, k)
		}
	}
	return list
}

// Time writes a time of the page: in UTC, with its epoch, and with its day where that is
// another than the page's.
func (s sheet) Time(t time.Time) template.HTML { return when(t, s.At) }

// Stamp writes a time of a record: with its day, its seconds and its epoch.
func (s sheet) Stamp(t time.Time) template.HTML {
	t = t.UTC()
	return template.HTML(fmt.Sprintf(`<time datetime="%s" title="%s">%s</time> <span class="epoch">epoch %d</span>`,
		t.Format(time.RFC3339), t.Format(time.RFC3339), t.Format("2006-01-02 15:04:05 UTC"), t.Unix()))
}

// ImpactOf is the class of how bad an incident was.
func (s sheet) ImpactOf(i incident.Incident) string {
	return [...]string{"ok", "degraded", "partial", "major"}[min(i.Worst(), signal.Major)]
}

// apart are numbers and what they count, where a line must not end between.
var apart = regexp.MustCompile(`(\d) (%|ms|s|min|h|days?|UTC)\b|(\d) (%)`)

// glue keeps numbers and their units on one line.
func glue(text string) string { return apart.ReplaceAllString(text, "$1$3\u00a0$2$4") }

// kind says what a canary does, for those who do not know the word.
func kind(s signal.Story) string {
	switch s {
	case signal.ColdStart:
		return "A device that starts from nothing"
	case signal.Held:
		return "A device that stays connected"
	case signal.Resume:
		return "A device that goes on with its session"
	case signal.Login:
		return "Somebody who logs in"
	case signal.Publish:
		return "An event that is published"
	case signal.Address:
		return "The public address"
	case signal.Physical:
		return "A real board"
	default:
		return string(s)
	}
}

// place says from where a canary looks and by which way in.
func place(s Strip) string {
	text := "from " + s.Vantage
	if in := strings.TrimSuffix(s.Ingress, " "+s.Transport); in != "" {
		text += " by " + in
	}
	return text
}

// when writes a time that script adds the reader's zone to.
func when(t, now time.Time) template.HTML {
	if t.IsZero() {
		return "–"
	}
	t = t.UTC()
	return template.HTML(fmt.Sprintf(`<time datetime="%s" title="%s · epoch %d">%s</time>`,
		t.Format(time.RFC3339), t.Format("2006-01-02 15:04:05 UTC"), t.Unix(), incident.Clock(t, now)))
}

// dot is a run of a canary: a circle when it went well, a square when it did
// not.
func dot(r signal.Result) template.HTML {
	class := "good"
	switch {
	case r.Blind:
		class = "blind"
	case !r.OK:
		class = "bad"
	}
	return template.HTML(fmt.Sprintf(`<i class="%s" title="%s"></i>`, class, template.HTMLEscapeString(outcome(&r))))
}

// bars draws 90 days, today on the right: green as high as the day was known
// and good, the rest on top in its colour, at least a third of the bar so that it is seen.
// Days that are alike are one stroke, with gaps.
func bars(days []Day, today time.Time) template.HTML {
	const wide, gap, high, slit = 10, 3, 40, 3
	of := map[string]*Day{}
	for i := range days {
		of[days[i].Date] = &days[i]
	}
	var whole, none run
	var rest strings.Builder
	for n := range daysKept {
		date := today.UTC().AddDate(0, 0, n-daysKept+1).Format(time.DateOnly)
		x := n * wide
		d := of[date]
		if d == nil || d.Known()+d.Maintenance == 0 {
			none.add(x, wide)
			continue
		}
		class, bad := worstOf(d)
		if bad == 0 {
			whole.add(x, wide)
			continue
		}
		all := d.Known() + d.Maintenance
		height := max(high/3, (bad*high+all-1)/all)
		fmt.Fprintf(&rest, `<g><title>%s</title><path class="%s" d="M%d 0h%dv%dh-%dz"/><path class="ok" d="M%d %dh%dv%dh-%dz"/></g>`,
			dayWords(date, d), class, x, wide-gap, height, wide-gap, x, height+slit, wide-gap, max(0, high-height-slit), wide-gap)
	}
	label := "no days are known"
	if part, ok := uptime(days); ok {
		label = percent(part) + " of the last 90 days"
	}
	return template.HTML(fmt.Sprintf(`<div class="bars"><svg viewBox="0 0 %d %d" preserveAspectRatio="none" role="img" aria-label="%s"><path class="run none" d="%s"/><path class="run ok" d="%s"/>%s</svg></div>`,
		daysKept*wide-gap, high, label, none.path(), whole.path(), rest.String()))
}

// run collects stretches of days that look alike: from where to where.
type run [][2]int

func (r *run) add(x, wide int) {
	if last := len(*r) - 1; last >= 0 && (*r)[last][1] == x {
		(*r)[last][1] += wide
		return
	}
	*r = append(*r, [2]int{x, x + wide})
}

// path gives the strokes.
func (r *run) path() string {
	var d strings.Builder
	for _, s := range *r {
		fmt.Fprintf(&d, "M%d 20H%d", s[0], s[1])
	}
	return d.String()
}

// worstOf gives a day's colour and how many seconds were not good.
func worstOf(d *Day) (class string, bad int) {
	bad = d.Degraded + d.Partial + d.Major + d.Maintenance
	switch {
	case d.Major > 0:
		return "major", bad
	case d.Partial > 0:
		return "partial", bad
	case d.Degraded > 0:
		return "degraded", bad
	default:
		return "maintenance", bad
	}
}

func dayWords(date string, d *Day) string {
	var text strings.Builder
	text.WriteString(date)
	for _, part := range []struct {
		name    string
		seconds int
	}{{"failed", d.Major}, {"failed for most", d.Partial}, {"failed for some", d.Degraded}, {"in maintenance", d.Maintenance}, {"nobody looked", d.Unknown}} {
		if part.seconds > 0 {
			text.WriteString(", " + part.name + " for " + incident.Span(time.Duration(part.seconds)*time.Second))
		}
	}
	return text.String()
}
