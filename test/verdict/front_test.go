package verdict

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cyan-cloud/cyan/wire/rest"
)

// front stands before an HTTP server.
type front struct {
	url   string
	proxy atomic.Pointer[httputil.ReverseProxy] // nil: there is no server yet
	spoil atomic.Pointer[func(w http.ResponseWriter, r *http.Request) bool]
}

// set has every request meet f first, which tells whether it has answered. nil:
// everything passes.
func (f *front) set(spoil func(http.ResponseWriter, *http.Request) bool) {
	if spoil == nil {
		f.spoil.Store(nil)
		return
	}
	f.spoil.Store(&spoil)
}

// lead has requests go to a server.
func (f *front) lead(t testing.TB, to string) {
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

func newFront(t testing.TB) *front {
	t.Helper()
	f := new(front)
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
		f.set(nil)
		s.CloseClientConnections()
		s.Close()
	})
	f.url = s.URL
	return f
}

// hangs lets requests hang until the caller goes away.
func hangs(method, word string) func(http.ResponseWriter, *http.Request) bool {
	return func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method != method || !strings.Contains(r.URL.Path, word) {
			return false
		}
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
		return true
	}
}

// refusesTokens takes nobody's token, and gives nobody one, though they are good.
func refusesTokens(w http.ResponseWriter, r *http.Request) bool {
	if r.Header.Get("Authorization") == "" && !strings.Contains(r.URL.Path, "oauth") {
		return false
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusUnauthorized)
	_, _ = fmt.Fprintf(w, `{"ok":false,"error":"invalid_token","error_description":"The access token provided is invalid.","code":%q}`, rest.CodeTokenInvalid)
	return true
}

// silent opens event streams that nothing ever comes of.
func silent(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodGet || !strings.Contains(r.URL.Path, "events") {
		return false
	}
	w.Header().Set("Content-Type", "text/event-stream")
	_, _ = fmt.Fprint(w, ":ok\n\n")
	if f, ok := w.(http.Flusher); ok {
		f.Flush()
	}
	<-r.Context().Done()
	return true
}
