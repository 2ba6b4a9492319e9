package client_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/client"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// frame is an event of a stream, with an id if there is one.
func frame(id, name, data string) string {
	if id != "" {
		id = "id: " + id + "\n"
	}
	return fmt.Sprintf("%sevent: %s\ndata: %s\n\n", id, name, data)
}

// A stream that breaks goes on after the last id that came, whether an event
// had it or it stood alone; what the API says of the stream is no event.
func TestStreamIsResumed(t *testing.T) {
	var asked []string // by the one connection after the other
	opened := 0
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Query().Get("resume"))
		answers := []string{
			":ok\n\n:{\"scope\":\"mine\"}\n\n" + frame("7", "a", `{"data":"1"}`) + frame("8", "b", `{"data":"2"}`),
			frame("", rest.EventStreamGap, `{"after":"8","gap":"too_old","message":"some are gone"}`) + "id: 11\n\n" +
				frame("", rest.EventStreamEnd, `{"end":"shutdown","message":"it stops"}`),
			frame("12", "c", `{"data":"3"}`),
		}
		_, _ = io.WriteString(w, answers[min(opened, len(answers)-1)])
		opened++
	}))
	defer api.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var said []string
	s, err := client.New(client.Config{URL: api.URL, Token: "t"}).Subscribe(ctx, client.Subscription{
		Resume: true,
		Broken: func(err error, _ time.Duration, resumes bool) {
			said = append(said, fmt.Sprintf("%v, resumes: %v", err, resumes))
		},
		Gap: func(g rest.StreamGap) { said = append(said, g.Gap+" after "+g.After) },
	})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for range 3 {
		e, err := s.Next()
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, e.Name)
	}
	s.Close()
	for _, c := range []struct {
		what      string
		got, want []string
	}{
		{"heard", names, []string{"a", "b", "c"}},
		{"asked to go on after", asked, []string{"1", "8", "11"}},
		{"said", said, []string{"the cloud closed it, resumes: true", "too_old after 8", "the cloud ended it: it stops, resumes: true"}},
	} {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.what, diff)
		}
	}
}

// A cloud that keeps no history gives an ordinary stream.
func TestStreamWithoutHistory(t *testing.T) {
	var refused atomic.Int32
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("resume") {
			refused.Add(1)
			w.WriteHeader(http.StatusNotImplemented)
			_, _ = io.WriteString(w, `{"error":"no history","error_description":"no history","code":"not_implemented"}`)
			return
		}
		_, _ = io.WriteString(w, frame("", "a", `{"data":"1"}`))
	}))
	defer api.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s, err := client.New(client.Config{URL: api.URL, Token: "t"}).Subscribe(ctx, client.Subscription{Resume: true})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second after a break
		if e, err := s.Next(); err != nil || e.Name != "a" {
			t.Fatalf("%q, error %v", e.Name, err)
		}
	}
	if n := refused.Load(); n != 1 {
		t.Errorf("asked %d times for what the cloud does not have", n)
	}
}
