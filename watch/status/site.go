package status

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Site serves the newest view that it was shown, from memory: it waits for
// nothing and nobody. Each path is rendered once for a view, when somebody
// first asks for it.
type Site struct {
	shown  atomic.Pointer[generation]
	begun  time.Time
	policy string // what a browser may do with a page
}

// NewSite makes a site that knows nothing yet, and says so.
func NewSite() *Site { return &Site{begun: time.Now(), policy: policy()} }

// Show makes a view the one that is served. The view is the site's from then
// on: nobody changes it.
func (s *Site) Show(v *View) { s.shown.Store(&generation{view: v}) }

// generation is a view with what was rendered of it.
type generation struct {
	view *View

	mu    sync.RWMutex
	fresh map[string]*page // guarded by mu
	old   map[string]*page // guarded by mu; of the time when it has become stale
}

// page is a rendered path.
type page struct {
	body         []byte
	kind, etag   string
	length, made string
	status       int
}

// pagesMost bounds what is kept of one view: paths that there are.
const pagesMost = 512

// ServeHTTP answers GET and HEAD.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "GET or HEAD", http.StatusMethodNotAllowed)
		return
	}
	g := s.shown.Load()
	if g == nil {
		g = &generation{view: &View{At: s.begun, Blind: s.begun, Page: Page{Name: "Status", Started: s.begun}}}
	}
	p := g.page(r.URL.Path, time.Now())
	h.Set("Content-Type", p.kind)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	if p.kind == typeHTML {
		h.Set("Content-Security-Policy", s.policy)
	} else {
		h.Set("Access-Control-Allow-Origin", "*")
	}
	if p.status != http.StatusOK {
		w.WriteHeader(p.status)
		_, _ = w.Write(p.body) // the reader may have gone
		return
	}
	h.Set("Cache-Control", "public, max-age=5")
	h.Set("ETag", p.etag)
	h.Set("Last-Modified", p.made)
	if strings.Contains(r.Header.Get("If-None-Match"), p.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", p.length)
	if r.Method == http.MethodGet {
		_, _ = w.Write(p.body) // the reader may have gone
	}
}

// page gives a path, rendered now or before.
func (g *generation) page(path string, now time.Time) *page {
	path = canonical(path)
	kept := &g.fresh
	if g.view.Unknown(now) {
		kept = &g.old
	}
	g.mu.RLock()
	p := (*kept)[path]
	g.mu.RUnlock()
	if p != nil {
		return p
	}
	p = g.render(path, now)
	g.mu.Lock()
	defer g.mu.Unlock()
	if *kept == nil {
		*kept = map[string]*page{}
	}
	if len(*kept) < pagesMost && p.status == http.StatusOK {
		(*kept)[path] = p
	}
	return p
}

// canonical gives the one spelling of a path that is rendered and kept.
func canonical(path string) string {
	switch {
	case path == "/index.html" || path == "":
		return "/"
	case len(path) > 1:
		return strings.TrimSuffix(strings.TrimSuffix(path, "/index.html"), "/")
	default:
		return path
	}
}

func (g *generation) render(path string, now time.Time) *page {
	body, kind, err := g.view.Render(path, now)
	switch {
	case err != nil:
		return &page{body: []byte("The page cannot be made: treat everything as unknown.\n"), kind: "text/plain; charset=utf-8", status: http.StatusInternalServerError}
	case body == nil:
		return &page{body: []byte("There is no such page. The status is at /\n"), kind: "text/plain; charset=utf-8", status: http.StatusNotFound}
	}
	sum := sha256.Sum256(body)
	return &page{
		body: body, kind: kind, status: http.StatusOK, length: strconv.Itoa(len(body)),
		etag: `W/"` + hex.EncodeToString(sum[:8]) + `"`, made: g.view.At.UTC().Format(http.TimeFormat),
	}
}
