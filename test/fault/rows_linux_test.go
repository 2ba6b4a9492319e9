package fault

import (
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/app"
)

// row is a fault that is brought about and healed.
type row struct {
	name    string
	how     string
	fast    bool // takes part in plain go test
	long    bool // takes minutes by itself
	skipped string
	promise time.Duration // zero: keysKept
	devices int           // zero: crowd
	options app.Options
	real    bool // real devices take part, where there are any
	before  func(w *world)
	run     func(w *world)
	// quiet tells of which devices none may connect anew, not even within its
	// session; nil: of none.
	quiet func(m *member) bool
}

// crowd is how many virtual devices a row has.
const crowd = 20

// seed is where the chance of the rows comes from.
const seed = 20261122

// noted is how long after a device was called it is noted at the latest that it
// has shaken hands.
const noted = 15 * time.Second

// test runs a row.
func (r *row) test(t *testing.T) Result {
	t.Helper()
	result := Result{Fault: r.name, How: r.how, Skipped: r.skipped}
	if r.skipped != "" {
		return result
	}
	if r.promise == 0 {
		r.promise = keysKept
	}
	if r.devices == 0 {
		r.devices = crowd
	}
	w := newWorld(t, r.options, r.devices, seed)
	if r.real {
		joinReal(t, w)
	}
	if r.before != nil {
		r.before(w)
	}
	for _, m := range w.members {
		m.shaken, m.resumed = w.connects(m)
		if m.device == nil {
			m.shook = w.Device(m.id).LastHandshakeAt
		}
	}
	w.traffic()
	w.pause(2 * time.Second)
	r.run(w)
	if w.healed.IsZero() {
		w.heal()
	}
	result.Devices, result.BoundS = len(w.members), seconds(r.promise)
	result.recovered(w.recovery(r.promise + slack))
	if w.real() {
		w.pause(noted)
	}
	w.end()
	for _, m := range w.members {
		w.onRecord(m)
		shaken, resumed := w.connects(m)
		shaken, resumed = shaken-m.shaken, resumed-m.resumed
		result.Shaken += shaken
		result.Resumed += resumed
		if shaken+resumed > 0 && r.quiet != nil && r.quiet(m) {
			w.ledger.Wrong("%s (%s) has connected anew", m.id, m.kind)
		}
		if m.device == nil {
			t.Logf("%s: Device OS %s shook hands %d times and resumed %d times", r.name, m.kind, shaken, resumed)
		}
	}
	result.Calls, result.Erred, result.Findings = w.ledger.Sum()
	result.Wrong = len(result.Findings)
	return result
}
