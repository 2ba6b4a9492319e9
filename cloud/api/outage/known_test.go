package outage_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/api/outage"
	"github.com/cyan-cloud/cyan/cloud/api/web"
	"github.com/cyan-cloud/cyan/wire/rest"
)

func request(t *testing.T) *web.Request {
	return &web.Request{Request: httptest.NewRequestWithContext(t.Context(), http.MethodGet, rest.PathSignals, nil)}
}

// Nothing is claimed of an incident that was heard of more than a minute ago,
// nor of one on a page that itself stands still.
func TestOldNewsIsNoNews(t *testing.T) {
	updated, status := noon, http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"page":{"updated_at":"` + updated.Format(time.RFC3339) + `"},"incidents":[
			{"id":"a\r\nX-Evil: 1","name":"no id for a header"},
			{"id":"i1","name":"Calls fail","started_at":"2026-05-31T11:00:00Z","components":[{"name":"Function calls"}]}]}`))
	}))
	defer server.Close()
	k := outage.NewKnown(server.URL+"/", slog.New(slog.DiscardHandler))
	if k.Open(noon) != nil {
		t.Error("something is known before anything was heard")
	}
	if err := k.Ask(t.Context(), noon); err != nil {
		t.Fatal(err)
	}
	if i := k.Open(noon.Add(time.Minute)); i == nil || i.ID != "i1" {
		t.Fatalf("%+v", i)
	}
	const call = "POST /v1/devices/{device}/{function}"
	if k.Matching(call, 408, rest.CodeSentNoAck, noon) == nil || k.Matching("GET /v1/devices", 503, rest.CodeStoreUnavailable, noon) != nil {
		t.Error("it stands where it does not belong, or not where it does")
	}
	if i := k.Open(noon.Add(61 * time.Second)); i != nil {
		t.Errorf("heard a minute ago: %+v", i)
	}
	later := noon.Add(2 * time.Minute)
	if err := k.Ask(t.Context(), later); err == nil || k.Open(later) != nil {
		t.Error("a page that stands still is believed")
	}
	updated, status = later, http.StatusInternalServerError
	if err := k.Ask(t.Context(), later); err == nil || k.Open(later) != nil {
		t.Error("an error is taken for a page")
	}
	var nobody *outage.Known
	if nobody.Open(noon) != nil || nobody.Matching(call, 408, "", noon) != nil {
		t.Error("nobody knows something")
	}
}
