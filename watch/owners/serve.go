package owners

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"html/template"
	"net/http"
	"strings"
	"time"
)

// Path is below which the pages are.
const Path = "/o/"

var page = template.Must(template.New("owner").Funcs(template.FuncMap{
	"time": func(t time.Time) template.HTML {
		return template.HTML(fmt.Sprintf(`<time datetime="%s" title="epoch %d">%s</time>`, t.UTC().Format(time.RFC3339), t.Unix(), stamp(t))) //nolint:gosec // times only
	},
}).Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex">
<meta http-equiv="refresh" content="60"><title>{{.Headline}}</title>
<style>body{font:1.1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}
h1{font-size:1.5rem;line-height:1.25;border-left:.5rem solid #666c74;padding-left:.8rem}.works h1{border-color:#2b7d5b}.wait h1{border-color:#b4501a}
footer{color:#555;font-size:.9rem}textarea{width:100%;box-sizing:border-box;font:inherit}
@media(prefers-color-scheme:dark){body{color:#eee;background:#111}footer{color:#aaa}textarea{color:inherit;background:#222}}</style></head>
<body class="{{.State}}"><h1>{{.Headline}}</h1>
{{range .Words}}<p>{{.}}</p>
{{end}}{{if not .Since.IsZero}}<p>Since {{time .Since}}.{{if not .NextBy.IsZero}} More by {{time .NextBy}}.{{end}}</p>
{{end}}<details><summary>To pass on</summary><textarea readonly rows="7">{{.Text}}</textarea></details>
<footer>As of {{time .At}}. After {{time .Until}} treat everything as unknown.</footer></body></html>
`))

// ServeHTTP answers below Path: a page, and as .json, .svg and .txt. Pages may
// stand in frames of others: that is what they are for.
func (o *Owners) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer") // the address is the permission
	h.Set("X-Robots-Tag", "noindex")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "GET or HEAD", http.StatusMethodNotAllowed)
		return
	}
	path, form, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, Path), ".")
	v, ok := o.view(path, time.Now())
	var body []byte
	var err error
	switch {
	case !ok:
		http.Error(w, "There is no such page.", http.StatusNotFound)
		return
	case form == "":
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'")
		var b bytes.Buffer
		err = page.Execute(&b, &v)
		body = b.Bytes()
	case form == "json":
		h.Set("Content-Type", "application/json; charset=utf-8")
		h.Set("Access-Control-Allow-Origin", "*")
		body, err = json.MarshalIndent(&v, "", "  ")
	case form == "svg":
		h.Set("Content-Type", "image/svg+xml")
		body = v.badge()
	case form == "txt":
		h.Set("Content-Type", "text/plain; charset=utf-8")
		body = []byte(v.Text())
	default:
		http.Error(w, "There is no such page.", http.StatusNotFound)
		return
	}
	if err != nil {
		http.Error(w, "The page cannot be made: treat everything as unknown.", http.StatusInternalServerError)
		return
	}
	h.Set("Cache-Control", "public, max-age=15")
	_, _ = w.Write(body) // the reader may have gone
}

// badge is the state as a small picture.
func (v *View) badge() []byte {
	colour := map[State]string{Works: "#2b7d5b", Wait: "#b4501a", Unknown: "#666c74"}[v.State]
	name := html.EscapeString(v.Name)
	left, right := 20+len([]rune(v.Name))*7, 20+len(v.State)*7
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="24" role="img" aria-label="%s: %s"><title>%s: %s, at %s</title>`+
		`<rect width="%d" height="24" fill="#3a4046"/><rect x="%d" width="%d" height="24" fill="%s"/>`+
		`<g fill="#fff" font-family="system-ui,Verdana,sans-serif" font-size="12" text-anchor="middle"><text x="%d" y="16">%s</text><text x="%d" y="16">%s</text></g></svg>`+"\n",
		left+right, name, v.State, name, v.State, stamp(v.At), left, left, right, colour, left/2, name, left+right/2, v.State)
}
