package notifytest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
)

// Hosts is a network of one process: requests go to the handler of their host,
// without a socket, so that everything can happen on fake time. A host that is
// not there refuses the connection.
type Hosts map[string]http.Handler

// RoundTrip serves a request in a goroutine of its own, which ends when the
// handler does: it is given up when the request's context ends.
func (h Hosts) RoundTrip(r *http.Request) (*http.Response, error) {
	handler, ok := h[r.URL.Host]
	if !ok {
		return nil, fmt.Errorf("dial tcp %s: connection refused", r.URL.Host)
	}
	in := r.Clone(r.Context())
	if in.Body == nil {
		in.Body = io.NopCloser(http.NoBody)
	}
	done := make(chan *http.Response, 1)
	go func() {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, in)
		done <- w.Result()
	}()
	select {
	case resp := <-done:
		if err := r.Context().Err(); err != nil {
			resp.Body.Close()
			return nil, err
		}
		return resp, nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}
