package oncall

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/watch/incident"
	pager "github.com/cyan-cloud/cyan/watch/notify"
	"github.com/cyan-cloud/cyan/watch/signal"
)

// noon is when the incident of the tests is detected.
var noon = time.Date(2026, 5, 31, 12, 0, 0, 0, time.UTC)

func judgement(at time.Time, s signal.Severity) []signal.Judgement {
	return []signal.Judgement{{
		At: at, Since: at.Add(-20 * time.Second), Capability: signal.ConnectTCP, Severity: s, By: signal.ByCanary, Failed: 5, Tried: 6, Vantages: 1,
		Reason: "timeout", Evidence: "no answer within 8 s",
		Culprits: []signal.Culprit{
			{What: "transport TCP on gateway-2", Explains: 0.97, Inside: 1, Rest: 0.02}, {What: "firmware 5.8.0", Explains: 0.3, Inside: 0.6, Rest: 0.4},
		},
	}}
}

// TestNotice: what an outage, its news and its end are to people on call.
func TestNotice(t *testing.T) {
	book := incident.NewBook()
	var kinds []string
	var first, last pager.Notice
	hear := func(changes []incident.Change) {
		for i := range changes {
			n, ok := noticeOf(&changes[i], "https://status.example.com")
			if !ok {
				kinds = append(kinds, string(changes[i].Kind)+" nothing")
				continue
			}
			kinds = append(kinds, string(changes[i].Kind)+" "+string(n.Kind))
			if again, _ := noticeOf(&changes[i], "https://status.example.com"); !cmp.Equal(again, n) {
				t.Error("the same change makes another notice")
			}
			if n.Kind == pager.Trigger && first.ID == "" {
				first = n
			}
			last = n
		}
	}
	at := noon.Add
	hear(book.Apply(at(0), judgement(at(0), signal.Degraded), incident.Recovery{}))
	hear(book.Apply(at(10*time.Second), judgement(at(10*time.Second), signal.Partial), incident.Recovery{}))
	hear(book.Apply(at(20*time.Second), judgement(at(20*time.Second), signal.Major), incident.Recovery{}))
	hear(book.Apply(at(time.Minute), judgement(at(time.Minute), signal.Operational), incident.Recovery{}))
	hear(book.Apply(at(4*time.Minute), nil, incident.Recovery{}))
	want := []string{"opened update", "worsened trigger", "worsened trigger", "fixed update", "resolved resolve"}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Error(diff)
	}
	if first.Key != last.Key || first.ID == last.ID || first.Key != alertOf(book.List()[0].ID) {
		t.Errorf("keys and ids: %s %s, %s %s", first.Key, first.ID, last.Key, last.ID)
	}
	first.ID, first.Key = "", ""
	golden := pager.Notice{
		Kind: pager.Trigger, Severity: pager.Error, At: at(10 * time.Second),
		Summary:   "Most devices that start now cannot connect over TCP, since 11:59 UTC: 5 of 6 tries fail",
		Links:     []pager.Link{{Text: "incident 1", URL: "https://status.example.com/i/1"}},
		Component: string(signal.ConnectTCP), Group: "transport TCP on gateway-2", Class: "timeout",
	}
	golden.Details = []pager.Detail{
		{Name: "evidence", Value: "no answer within 8 s"},
		{Name: "why", Value: "97 % of the failures are transport TCP on gateway-2 (100 % fail there, 2 % elsewhere) and 30 % of the failures are firmware 5.8.0 (60 % fail there, 40 % elsewhere)"},
		{Name: "advice", Value: "Do not reset or re-key: devices retry by themselves within 128 s."},
	}
	if diff := cmp.Diff(golden, first); diff != "" {
		t.Error(diff)
	}
	if last.Summary != "Resolved: Devices that start now cannot connect over TCP, for 1 min" {
		t.Errorf("the end: %s", last.Summary)
	}
}
