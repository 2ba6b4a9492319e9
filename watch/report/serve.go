package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"html/template"
	"net/http"
	"strings"
	"time"
)

// Path is below which the reports are.
const Path = "/reports/"

// monthsShown is how many months are listed.
const monthsShown = 24

var page = template.Must(template.New("report").Funcs(template.FuncMap{"stamp": stamp, "words": words, "upper": upper}).Parse(`{{define "head"}}<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>{{.}}</title>
<style>body{font:1rem/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}th,td{text-align:left;padding:.3rem .6rem .3rem 0;border-bottom:1px solid #ccc;vertical-align:top}
.wide{overflow-x:auto}footer{color:#555;font-size:.9rem;margin-top:2rem}
@media(prefers-color-scheme:dark){body{color:#eee;background:#111}th,td{border-color:#444}a{color:#9cf}footer{color:#aaa}}</style></head><body>{{end -}}
{{define "month"}}{{template "head" .Title}}<p><a href="/">Status</a> · <a href="/reports/">all months</a> · <a href="{{.Month}}.md">Markdown</a> · <a href="{{.Month}}.json">JSON</a></p>
<h1>{{.Title}}</h1>
{{range .Headline}}<p>{{.}}</p>
{{end}}<p>From {{stamp .From}} until {{stamp .Until}}. A partial outage counts as an outage.</p>
<h2>Availability</h2>
<div class="wide"><table><tr><th>capability<th>available<th>out<th>degraded<th>maintenance<th>not measured</tr>
{{range .Parts}}<tr><td>{{.Name}}<td>{{.Share}}<td>{{.Out}}<td>{{.Slow}}<td>{{.Work}}<td>{{.Blind}}</tr>
{{end}}</table></div>
<h2>How fast</h2>
<table><tr><th>from the first failure<th></tr><tr><td>to detect<td>{{.Detect.Words}}</tr><tr><td>to page<td>{{.Page.Words}}</tr><tr><td>to publish<td>{{.Publish.Words}}</tr></table>
<h2>Incidents</h2>
{{range .Incidents}}<h3><a href="{{.URL}}">{{.Number}}</a>: {{.Title}}</h3>
<p>Since {{stamp .Began}}, for {{.Long}}; at worst {{.Bad}}. Noticed by {{.By}}: {{.Line}}. <strong>{{upper .AheadWords}}.</strong></p>
{{if .Told}}<div class="wide"><table><tr><th>when<th>who<th>told whom<th>what</tr>{{range .Told}}<tr><td>{{stamp .At}}<td>{{.Who}}<td>{{.Whom}}<td>{{.What}}</tr>
{{end}}</table></div>{{end}}
{{else}}<p>None.</p>
{{end}}<h2>Maintenance</h2>
{{range .Windows}}<p>{{.Number}}, {{.Title}} ({{words (print .Kind)}}, {{words (print .Status)}}): {{stamp .Starts}} to {{stamp .Ends}}</p>
{{else}}<p>None.</p>
{{end}}<h2>Drill</h2><p>{{.Drilled}}</p>
<footer>Generated at {{stamp .Generated}}.</footer></body></html>
{{end -}}
{{define "months"}}{{template "head" "Monthly reports"}}<p><a href="/">Status</a></p><h1>Monthly reports</h1>
<ul>{{range .}}<li><a href="/reports/{{.}}">{{.}}</a></li>
{{end}}</ul></body></html>
{{end}}`))

// Title is the report's headline.
func (r *Report) Title() string { return r.Name + " in " + r.Month }

// Handler serves the reports of what facts gives.
type Handler struct {
	Facts func() Facts
}

// ServeHTTP answers below Path: a list of months, and a month as a page, as .md
// and as .json.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Referrer-Policy", "no-referrer")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		head.Set("Allow", "GET, HEAD")
		http.Error(w, "GET or HEAD", http.StatusMethodNotAllowed)
		return
	}
	month, form, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, Path), ".")
	body, kind, err := h.render(month, form, time.Now())
	switch {
	case errors.Is(err, ErrMonth), errors.Is(err, ErrTooSoon):
		http.Error(w, "There is no such report.", http.StatusNotFound)
		return
	case err != nil:
		http.Error(w, "The report cannot be made.", http.StatusInternalServerError)
		return
	}
	head.Set("Content-Type", kind)
	head.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'")
	head.Set("Cache-Control", "public, max-age=60")
	_, _ = w.Write(body) // the reader may have gone
}

func (h *Handler) render(month, form string, now time.Time) (body []byte, kind string, err error) {
	const html = "text/html; charset=utf-8"
	facts := h.Facts()
	var b bytes.Buffer
	if month == "" && form == "" {
		err = page.ExecuteTemplate(&b, "months", months(facts.Since, now))
		return b.Bytes(), html, err
	}
	r, err := Of(&facts, month, now)
	if err != nil {
		return nil, "", err
	}
	switch form {
	case "":
		err = page.ExecuteTemplate(&b, "month", r)
		return b.Bytes(), html, err
	case "md":
		return []byte(r.Markdown()), "text/markdown; charset=utf-8", nil
	case "json":
		body, err = json.MarshalIndent(r, "", "  ")
		return append(body, '\n'), "application/json; charset=utf-8", err
	default:
		return nil, "", ErrMonth
	}
}

// months lists the months since something was measured, newest first.
func months(since, now time.Time) (list []string) {
	at := time.Date(now.UTC().Year(), now.UTC().Month(), 1, 0, 0, 0, 0, time.UTC)
	for len(list) == 0 || len(list) < monthsShown && at.AddDate(0, 1, 0).After(since) {
		list = append(list, at.Format("2006-01"))
		at = at.AddDate(0, -1, 0)
	}
	return list
}
