package signal_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/watch/signal"
)

// TestReadings is what runs say of capabilities.
func TestReadings(t *testing.T) {
	steps := func(ok bool, names ...signal.StepName) []signal.Step {
		var list []signal.Step
		for i, n := range names {
			list = append(list, signal.Step{Name: n, OK: ok || i < len(names)-1})
		}
		return list
	}
	for name, c := range map[string]struct {
		result signal.Result
		want   []signal.Reading
	}{
		"a whole journey": {
			signal.Result{Story: signal.ColdStart, Transport: "udp", Steps: steps(true, signal.StepResolve, signal.StepHandshake, signal.StepHello, signal.StepCall, signal.StepVariable, signal.StepEventOut, signal.StepEventIn)},
			[]signal.Reading{{signal.ConnectUDP, true}, {signal.Calls, true}, {signal.Variables, true}, {signal.Events, true}},
		},
		"the handshake fails": {
			signal.Result{Story: signal.ColdStart, Transport: "tcp", Steps: steps(false, signal.StepResolve, signal.StepConnect, signal.StepHandshake)},
			[]signal.Reading{{signal.ConnectTCP, false}},
		},
		"connected, and calls fail": {
			signal.Result{Story: signal.Held, Transport: "tcp", Steps: steps(false, signal.StepOnline, signal.StepCall)},
			[]signal.Reading{{signal.Connected, true}, {signal.Calls, false}},
		},
		"login": {
			signal.Result{Story: signal.Login, Steps: steps(true, signal.StepLogin, signal.StepRevoke)},
			[]signal.Reading{{signal.API, true}},
		},
		"its token is refused, and another is not": {
			signal.Result{Story: signal.ColdStart, Transport: "tcp", Own: true, Steps: steps(false, signal.StepConnect, signal.StepHandshake, signal.StepAsk)},
			[]signal.Reading{{signal.ConnectTCP, true}},
		},
		"the handshake took the time that calling would have": {
			signal.Result{Story: signal.ColdStart, Transport: "tcp", Reason: signal.ReasonTimeout, Steps: []signal.Step{
				{Name: signal.StepConnect, OK: true},
				{Name: signal.StepHandshake, OK: true, Took: 7 * time.Second},
				{Name: signal.StepAsk, OK: true},
				{Name: signal.StepCall, Took: time.Second},
			}},
			[]signal.Reading{{signal.ConnectTCP, false}, {signal.API, true}},
		},
		"calling took it itself": {
			signal.Result{Story: signal.ColdStart, Transport: "tcp", Reason: signal.ReasonTimeout, Steps: []signal.Step{
				{Name: signal.StepHandshake, OK: true, Took: 3 * time.Second}, {Name: signal.StepCall, Took: 5 * time.Second},
			}},
			[]signal.Reading{{signal.ConnectTCP, true}, {signal.Calls, false}},
		},
		"blind": {signal.Result{Story: signal.Login, Blind: true, Steps: steps(false, signal.StepLogin)}, nil},
		"drill": {signal.Result{Story: signal.Login, Drill: true, Steps: steps(false, signal.StepLogin)}, nil},
	} {
		if diff := cmp.Diff(c.want, c.result.Readings()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestDragged finds the step that was held up, of the capability that is asked
// for and of no other.
func TestDragged(t *testing.T) {
	began := time.Date(2026, 5, 31, 12, 0, 0, 0, time.UTC)
	r := signal.Result{Story: signal.ColdStart, Transport: "tcp", Started: began, Steps: []signal.Step{
		{Name: signal.StepConnect, Took: time.Second, OK: true},
		{Name: signal.StepHandshake, Took: 7 * time.Second, OK: true},
		{Name: signal.StepCall, Took: time.Second},
	}}
	if got, want := r.Dragged(signal.ConnectTCP), began.Add(time.Second); !got.Equal(want) {
		t.Errorf("connecting is held up since %v, want %v", got, want)
	}
	if got := r.Dragged(signal.Calls); !got.IsZero() {
		t.Errorf("calls are held up since %v", got)
	}
}

// TestCapabilities have names of their own.
func TestCapabilities(t *testing.T) {
	names := map[string]bool{}
	for _, c := range signal.Capabilities() {
		if !c.Valid() || names[c.String()] {
			t.Errorf("%q is called %q", string(c), c)
		}
		names[c.String()] = true
	}
	if signal.Capability("nonsense").Valid() {
		t.Error("anything is a capability")
	}
}
