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

// A window of maintenance is known from its beginning to its end, by this
// clock, to the second, though the page may not be reached meanwhile; one whose
// work was ended before is not, and a failure that it did not declare is none of
// its.
func TestMaintenance(t *testing.T) {
	starts, ends := noon.Add(5*time.Second), noon.Add(10*time.Minute)
	status := "scheduled"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"page":{"updated_at":"` + noon.Format(time.RFC3339) + `"},"incidents":[],"scheduled_maintenances":[
			{"id":"a\r\nX-Evil: 1","name":"no id for a header","status":"in_progress","scheduled_for":"2020-01-01T00:00:00Z","scheduled_until":"2040-01-01T00:00:00Z"},
			{"id":"w1","name":"New database","shortlink":"https://status.example/maintenance/w1","status":"` + status + `","scheduled_for":"` + starts.Format(time.RFC3339) +
			`","scheduled_until":"` + ends.Format(time.RFC3339) + `","components":[{"name":"Function calls"}]}]}`))
	}))
	defer server.Close()
	k := outage.NewKnown(server.URL, slog.New(slog.DiscardHandler))
	if err := k.Ask(t.Context(), noon); err != nil {
		t.Fatal(err)
	}
	const call = "POST /v1/devices/{device}/{function}"
	for at, known := range map[time.Time]bool{
		noon: false, starts.Add(-time.Second): false, starts: true, ends.Add(-time.Second): true, ends: false, ends.Add(time.Second): false,
	} {
		if m := k.Working(at); (m != nil) != known || known && (m.ID != "w1" || !m.Ends.Equal(ends)) {
			t.Errorf("at %v it is %+v", at, m)
		}
		if m := k.Announced(call, 408, rest.CodeSentNoAck, at); (m != nil) != known {
			t.Errorf("at %v a call that fails is by %+v", at, m)
		}
	}
	if m := k.Announced("GET /v1/devices", 503, rest.CodeStoreUnavailable, starts); m != nil {
		t.Errorf("it declared nothing of the API: %+v", m)
	}
	status = "verifying"
	if err := k.Ask(t.Context(), noon); err != nil || k.Working(starts) != nil {
		t.Error("what was ended before its time goes on:", err)
	}
	var nobody *outage.Known
	if nobody.Working(starts) != nil || nobody.Announced(call, 408, "", starts) != nil {
		t.Error("nobody knows something")
	}
}
