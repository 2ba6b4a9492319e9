package status

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/watch/status/calendar"
)

// scene is a view and the moment at which it is looked at: what renderers see.
type scene struct {
	*View
	now     time.Time
	unknown bool
}

func (v *View) scene(now time.Time) *scene { return &scene{v, now, v.Unknown(now)} }

// Media types.
const (
	typeHTML = "text/html; charset=utf-8"
	typeJSON = "application/json; charset=utf-8"
	typeAtom = "application/atom+xml; charset=utf-8"
	typeRSS  = "application/rss+xml; charset=utf-8"
	typeSVG  = "image/svg+xml"
)

// Paths lists what there is besides the pages of incidents and windows.
func Paths() []string {
	return []string{
		"/", "/history", "/index.json", "/evidence.json", "/history.atom", "/history.rss", "/maintenance.ics", "/badge.svg",
		"/api/v2/summary.json", "/api/v2/status.json", "/api/v2/components.json",
		"/api/v2/incidents.json", "/api/v2/incidents/unresolved.json",
		"/api/v2/scheduled-maintenances.json", "/api/v2/scheduled-maintenances/upcoming.json", "/api/v2/scheduled-maintenances/active.json",
	}
}

// Render gives what a path shows at a moment, with its media type; nil where
// there is nothing.
func (v *View) Render(path string, now time.Time) (body []byte, kind string, err error) {
	s := v.scene(now)
	switch path {
	case "/":
		body, err = s.html("front", nil)
		return body, typeHTML, err
	case "/history":
		body, err = s.html("history", nil)
		return body, typeHTML, err
	case "/history.atom":
		body, err = s.atom()
		return body, typeAtom, err
	case "/history.rss":
		body, err = s.rss()
		return body, typeRSS, err
	case "/maintenance.ics":
		return calendar.Of(v.Page.Name, v.Page.URL, v.Windows, now), calendar.Type, nil
	case "/badge.svg":
		return s.badge(), typeSVG, nil
	case "/evidence.json":
		body, err = inJSON(s.evidence())
		return body, typeJSON, err
	}
	if a := s.statuspage(path); a != nil {
		body, err = inJSON(a)
		return body, typeJSON, err
	}
	if id, ok := strings.CutSuffix(path, "/series.json"); ok {
		body, err = s.series(id)
		return body, typeJSON, err
	}
	if body, err = s.record(path); body != nil || err != nil {
		return body, typeHTML, err
	}
	return nil, "", nil
}

// record gives the page of one incident or window. Its address is for ever; a
// number serves as well as an id.
func (s *scene) record(path string) ([]byte, error) {
	what, id, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch what {
	case "incidents", "i":
		for at := range s.Incidents {
			if i := &s.Incidents[at]; i.ID == id || itoa(i.Number) == id {
				return s.html("incident", i)
			}
		}
	case "maintenance", "m":
		for at := range s.Windows {
			if w := &s.Windows[at]; w.ID == id || itoa(w.Number) == id {
				return s.html("window", w)
			}
		}
	}
	return nil, nil
}

// inJSON writes a body that nothing in it can break out of.
func inJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	err := e.Encode(v)
	return b.Bytes(), err
}
