package api

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// TestVisits counts the connections on which the server alone said something,
// and no others.
func TestVisits(t *testing.T) {
	registry := prometheus.NewRegistry()
	v := newVisits(registry)
	closed := make(chan struct{}, 10)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked(r)
		w.WriteHeader(http.StatusTeapot)
	}))
	server.Config.MaxHeaderBytes = 1 << 10
	server.Config.ConnContext = v.enter
	server.Config.ConnState = func(c net.Conn, s http.ConnState) {
		v.leave(c, s)
		if s == http.StateClosed {
			closed <- struct{}{}
		}
	}
	server.Start()
	defer server.Close()
	refused := 0.0
	for _, tt := range []struct {
		name, said, answer string
		counts             bool
	}{
		{"a request", "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "HTTP/1.1 418", false},
		{"TLS", "\x16\x03\x01\x00\x05hello\r\n\r\n", "HTTP/1.1 400", true},
		{"SSH", "SSH-2.0-OpenSSH_9.9\r\n\r\n", "HTTP/1.1 400", true},
		{"a long header", "GET / HTTP/1.1\r\nX: " + strings.Repeat("x", 20<<10) + "\r\n\r\n", "HTTP/1.1 431", true},
	} {
		c, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, tt.said); err != nil {
			t.Fatal(err)
		}
		answer := make([]byte, len(tt.answer))
		if _, err := io.ReadFull(c, answer); err != nil || string(answer) != tt.answer {
			t.Errorf("%s: %q, %v", tt.name, answer, err)
		}
		c.Close()
		<-closed
		if tt.counts {
			refused++
		}
		if got := total(t, registry); got != refused {
			t.Errorf("%s: %v refused, want %v", tt.name, got, refused)
		}
	}
}

// total sums the counters of a registry.
func total(t *testing.T, registry *prometheus.Registry) (sum float64) {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			sum += m.GetCounter().GetValue()
		}
	}
	return sum
}

// TestLongQuery refuses a query that nobody needs before it is taken apart.
func TestLongQuery(t *testing.T) {
	registry := prometheus.NewRegistry()
	a := &API{visits: newVisits(registry)} // without a door: it is not come to
	w := httptest.NewRecorder()
	a.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v1/devices?"+strings.Repeat("a=b&", maxQuery/4+1), nil))
	if w.Code != http.StatusRequestURITooLong || !strings.Contains(w.Body.String(), `"error":"The request's query is longer`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if got := total(t, registry); got != 1 {
		t.Errorf("%v refused", got)
	}
}
