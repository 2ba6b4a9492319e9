package status

import (
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/watch/chart"
	"github.com/cyan-cloud/cyan/watch/incident"
)

// Graph is what was tried around an incident or a window, and what of it
// succeeded, with both drawn where they were.
type Graph struct {
	From, Until time.Time
	Step        time.Duration
	Pictures    []Picture
	Bands       []Band
	Data        string // where the numbers are
}

// Picture is one line of a chart. Words says what it shows.
type Picture struct {
	Name, Words string
	SVG         template.HTML
}

// Band is an incident or a window that a graph shows.
type Band struct {
	Kind  string    `json:"kind"` // incident or maintenance
	ID    string    `json:"id"`
	Name  string    `json:"name"`
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
	Going bool      `json:"going"` // it is not over
	Link  string    `json:"url"`
}

// Class is the colour of a band's name.
func (b Band) Class() string {
	if b.Kind == "incident" {
		return "major"
	}
	return b.Kind
}

// Graph gives the graph of the page's incident or window; nil: there is none.
func (s sheet) Graph() *Graph {
	id, data := "", ""
	switch {
	case s.Incident != nil:
		id, data = s.Incident.ID, "/incidents/"
	case s.Window != nil:
		id, data = s.Window.ID, "/maintenance/"
	}
	c, ok := s.Charts[id]
	if !ok || len(c.Lines) == 0 {
		return nil
	}
	g := &Graph{From: c.From, Until: c.Until(), Step: time.Duration(c.Step) * time.Second, Bands: s.bands(&c), Data: data + id + "/series.json"}
	at := slices.IndexFunc(g.Bands, func(b Band) bool { return b.ID == id })
	for i := range c.Lines {
		l := &c.Lines[i]
		words := "in all " + counted(l.Sum(&c, g.From, g.Until))
		if at >= 0 {
			words = "in " + g.Bands[at].Name + " " + counted(l.Sum(&c, g.Bands[at].From, g.Bands[at].Until)) + "; " + words
		}
		g.Pictures = append(g.Pictures, Picture{l.Name, words, drawn(&c, l, g.Bands, words)})
	}
	return g
}

func counted(c chart.Count) string {
	if c.Tried == 0 {
		return "nothing was tried"
	}
	return fmt.Sprintf("%d of %s succeeded", c.OK, tries(c.Tried))
}

// bands lists the incidents and windows of a stretch of time, the first first.
func (s *scene) bands(c *chart.Chart) (list []Band) {
	add := func(b Band) {
		if b.Until.IsZero() {
			b.Until, b.Going = s.At.UTC(), true
		}
		if b.From.Before(c.Until()) && b.Until.After(c.From) {
			list = append(list, b)
		}
	}
	for at := range s.Incidents {
		i := &s.Incidents[at]
		add(Band{Kind: "incident", ID: i.ID, Name: "incident " + itoa(i.Number), From: i.Began, Until: i.Ended(), Link: "/incidents/" + i.ID})
	}
	for at := range s.Windows {
		w := &s.Windows[at]
		if w.Starts.After(s.At) || w.Status == "cancelled" {
			continue
		}
		until := w.Ends
		if !w.Done.IsZero() && w.Done.Before(until) {
			until = w.Done
		}
		if until.After(s.At) {
			until = time.Time{}
		}
		add(Band{Kind: "maintenance", ID: w.ID, Name: "maintenance " + itoa(w.Number), From: w.Starts, Until: until, Link: "/maintenance/" + w.ID})
	}
	slices.SortStableFunc(list, func(a, b Band) int { return a.From.Compare(b.From) })
	return list
}

const (
	graphWide = 1000
	graphHigh = 100
)

// drawn gives the picture of a line: for each step how much was tried, and from
// the bottom up what succeeded. What it shows it says in words, too.
func drawn(c *chart.Chart, l *chart.Line, bands []Band, words string) template.HTML {
	var shade, good, bad strings.Builder
	whole := c.Until().Sub(c.From)
	x := func(t time.Time) float64 {
		return graphWide * min(1, max(0, float64(t.Sub(c.From))/float64(whole)))
	}
	for _, b := range bands {
		fmt.Fprintf(&shade, `<rect class="%s" x="%.1f" width="%.1f" height="%d"/>`, b.Kind, x(b.From), max(1, x(b.Until)-x(b.From)), graphHigh)
	}
	wide, most := float64(graphWide)/float64(len(l.Points)), float64(max(1, l.Most()))
	for n, p := range l.Points {
		left, ok, all := float64(n)*wide, graphHigh*float64(p.OK)/most, graphHigh*float64(p.Tried)/most
		if p.OK > 0 {
			fmt.Fprintf(&good, "M%.1f %dv%.1fh%.1fv%.1fz", left, graphHigh, -ok, wide, ok)
		}
		if p.Tried > p.OK {
			fmt.Fprintf(&bad, "M%.1f %.1fv%.1fh%.1fv%.1fz", left, graphHigh-ok, ok-all, wide, all-ok)
		}
	}
	label := template.HTMLEscapeString(fmt.Sprintf("%s from %s to %s: %s", l.Name, c.From.UTC().Format("2006-01-02 15:04 UTC"), c.Until().UTC().Format("2006-01-02 15:04 UTC"), words))
	return template.HTML(fmt.Sprintf(`<svg class="graph" viewBox="0 0 %d %d" preserveAspectRatio="none" role="img" aria-label="%s">%s<path class="a" d="%s"/><path class="b" d="%s"/></svg>`,
		graphWide, graphHigh, label, shade.String(), good.String(), bad.String()))
}

// series gives the numbers of a graph, with what is drawn in it; nil: there is
// none.
func (s *scene) series(path string) ([]byte, error) {
	what, id, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	c, ok := s.Charts[id]
	if !ok || what == "incidents" != slices.ContainsFunc(s.Incidents, func(i incident.Incident) bool { return i.ID == id }) {
		return nil, nil
	}
	return inJSON(struct {
		chart.Chart
		Bands []Band `json:"intervals"`
	}{c, s.bands(&c)})
}
