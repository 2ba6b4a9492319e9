package door

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
)

// Front stands before an HTTP server, such as a cloud's API: the people's door.
type Front struct {
	URL   string
	proxy atomic.Pointer[httputil.ReverseProxy] // nil: there is no server yet
	spoil atomic.Pointer[Spoiler]
}

// Spoiler meets a request before the server does, and tells whether it has
// answered.
type Spoiler func(w http.ResponseWriter, r *http.Request) bool

// NewFront opens a front that stays until the test ends, and leads nowhere yet.
func NewFront(t testing.TB) *Front {
	t.Helper()
	f := new(Front)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if spoil := f.spoil.Load(); spoil != nil && (*spoil)(w, r) {
			return
		}
		proxy := f.proxy.Load()
		if proxy == nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		f.Set(nil)
		s.CloseClientConnections()
		s.Close()
	})
	f.URL = s.URL
	return f
}

// Lead has requests go to a server.
func (f *Front) Lead(t testing.TB, to string) {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.FlushInterval = -1
	proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
	f.proxy.Store(proxy)
}

// Set has every request meet spoil first; nil: everything passes.
func (f *Front) Set(spoil Spoiler) {
	if spoil == nil {
		f.spoil.Store(nil)
		return
	}
	f.spoil.Store(&spoil)
}

// Answer answers the requests that have a method, and a word in their path; the
// others pass.
func Answer(method, word string, with http.HandlerFunc) Spoiler {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != method || !strings.Contains(r.URL.Path, word) {
			return false
		}
		with(w, r)
		return true
	}
}
