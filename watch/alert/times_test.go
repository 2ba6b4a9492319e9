package alert_test

import (
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/watch/alert"
	"github.com/cyan-cloud/cyan/watch/signal"
)

// TestTimesAreThoseOfTheFault: an outage begins when the first step began that
// never came to its end, not when its deadline was over; and it ends when runs
// went well again, not when that was sure.
func TestTimesAreThoseOfTheFault(t *testing.T) {
	j := alert.New(alert.Config{})
	run := func(at time.Time, ok bool) {
		r := signal.Result{Vantage: "v", Ingress: "way", Story: signal.ColdStart, Transport: "udp", Started: at, OK: ok, Steps: []signal.Step{
			{Name: signal.StepResolve, Took: 500 * time.Millisecond, OK: true}, {Name: signal.StepHandshake, Took: time.Second, OK: ok},
		}}
		r.Ended = at.Add(1500 * time.Millisecond)
		if !ok {
			r.Steps[1].Took = deadline
			r.Ended = at.Add(500*time.Millisecond + deadline)
		}
		j.Note(&r)
	}
	for i := range 5 {
		run(noon.Add(time.Duration(i-10)*10*time.Second), true)
	}
	for i := range 4 {
		run(noon.Add(time.Duration(i)*3*time.Second), false)
	}
	began := j.Judge(noon.Add(20 * time.Second))
	if want := noon.Add(500 * time.Millisecond); len(began) != 1 || !began[0].Since.Equal(want) {
		t.Errorf("it began at %v: %+v", want, began)
	}
	mended := noon.Add(time.Minute)
	for i := range 20 {
		run(mended.Add(time.Duration(i)*3*time.Second), true)
	}
	ended := j.Judge(mended.Add(time.Minute))
	if want := mended.Add(1500 * time.Millisecond); len(ended) != 1 || !ended[0].Well.Equal(want) || ended[0].Severity != signal.Operational {
		t.Errorf("it is well since %v: %+v", want, ended)
	}
}
