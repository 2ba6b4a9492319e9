package alert

import (
	"fmt"
	"slices"
	"time"

	"github.com/cyan-cloud/cyan/watch/signal"
)

// load is what the cloud counted of one capability in its last two windows.
type load struct {
	windows  [2]signal.Tally // the newest last
	at       time.Time
	since    time.Time // of the first bad window of this stretch
	bad      time.Time // the end of the last window by which something was held to fail; zero: there was none
	culprits []signal.Culprit
	came     []int  // devices that came well through, in the last windows that were as usual
	apart    int    // windows in a row in which more devices count as connected than calls find
	what     string // one sentence, for what is no share
	alarm    bool   // something that a share does not show
}

// usual is what came in the middle one of so many windows. A storm, in which a
// fleet comes at once, makes up a few of them, and no more is expected after it.
const usualOf, usualLeast = 60, 30

// NoteTraffic takes what the cloud counted in a window of about a minute.
func (j *Judge) NoteTraffic(t *signal.Traffic) {
	byTransport := map[string]signal.Tally{}
	for _, s := range t.Attempts {
		x := byTransport[s.Transport]
		byTransport[s.Transport] = signal.Tally{OK: x.OK + s.OK, Failed: x.Failed + s.Failed}
	}
	culprits := Culprits(t.Attempts)
	for transport, c := range map[string]signal.Capability{"tcp": signal.ConnectTCP, "udp": signal.ConnectUDP} {
		l := j.note(c, t.Until, byTransport[transport])
		l.culprits = culprits
		l.absence(byTransport[transport])
	}
	j.note(signal.Calls, t.Until, t.Calls)
	j.note(signal.API, t.Until, signal.Tally{OK: t.API.OK + t.Logins.OK, Failed: t.API.Failed + t.Logins.Failed})
	l := j.note(signal.Connected, t.Until, signal.Tally{OK: t.Connected - t.Limbo, Failed: t.Limbo})
	j.crowd.note(t.Until, t.Connected)
	l.alarm, l.what = false, ""
	if drop := j.crowd.dropped(); drop > 0 && t.Restarts == 0 {
		l.alarm, l.what = true, fmt.Sprintf("%d devices lost their connection within a minute", drop)
	}
	// Calls find those, too, that sleep or have said goodbye: they hold a session.
	if t.Stored > 0 && t.Connected >= 100 && float64(t.Connected-t.Stored) > disagree*float64(t.Connected) {
		l.apart++
	} else {
		l.apart = 0
	}
	if l.apart > 1 {
		l.alarm, l.what = true, fmt.Sprintf("%d devices count as connected, and calls find %d", t.Connected, t.Stored)
	}
}

func (j *Judge) note(c signal.Capability, at time.Time, n signal.Tally) *load {
	l := j.traffic[c]
	if l == nil {
		l = new(load)
		j.traffic[c] = l
	}
	l.windows[0], l.windows[1], l.at = l.windows[1], n, at
	if !telling(n) {
		l.since = time.Time{}
	} else if l.since.IsZero() {
		l.since = at
	}
	return l
}

// absence learns how many devices usually come through, and takes note when
// hardly any do although nothing fails: those who cannot reach us do not fail.
func (l *load) absence(n signal.Tally) {
	l.alarm, l.what = false, ""
	if usual := l.usual(); usual >= absenceLeast && poissonTail(n.OK, usual) < falseAlarm && n.Failed <= n.OK {
		l.alarm, l.what = true, fmt.Sprintf("%d devices connected in a minute in which usually %.0f do", n.OK, usual)
		return // what is usual is not learnt from what is not
	}
	if n.Failed == 0 {
		l.came = append(l.came[max(0, len(l.came)+1-usualOf):], n.OK)
	}
}

// usual is how many devices come well through in a window; 0: not known yet.
func (l *load) usual() float64 {
	if len(l.came) < usualLeast {
		return 0
	}
	return float64(slices.Sorted(slices.Values(l.came))[len(l.came)/2])
}

// telling tells whether a window shows more failures than chance gives.
func telling(n signal.Tally) bool {
	all := n.Total()
	return all > 0 && float64(n.OK)/float64(all) < degradedBelow && binomialTail(n.Failed, all, baseline) < falseAlarm
}

// failing tells that two windows in a row show more failures than chance gives.
func (l *load) failing() bool { return telling(l.windows[0]) && telling(l.windows[1]) }

// fails tells that the windows show anything to be wrong.
func (l *load) fails() bool { return l.alarm || l.failing() }

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// accuse adds to a judgement what the traffic shows. It makes nothing better.
func (j *Judge) accuse(c signal.Capability, now time.Time, v *signal.Judgement) {
	l := j.traffic[c]
	if l == nil || now.Sub(l.at) > stale {
		return
	}
	v.Culprits = l.culprits
	if l.fails() {
		l.bad = l.at
	}
	// What the traffic showed to fail worked again from the end of the last window
	// in which it did, which is known only when the next one is full.
	if v.Severity == signal.Operational && !l.fails() && l.bad.After(v.Well) {
		v.Well, v.Mended = l.bad, later(v.Mended, l.bad)
	}
	if l.alarm && v.Severity == signal.Operational {
		v.Severity, v.By, v.Since, v.Evidence, v.Reason = signal.Degraded, signal.ByTraffic, l.at, l.what, "traffic"
	}
	if !l.failing() {
		return
	}
	both := signal.Tally{OK: l.windows[0].OK + l.windows[1].OK, Failed: l.windows[0].Failed + l.windows[1].Failed}
	s := severity(float64(both.OK) / float64(both.Total()))
	if s <= v.Severity {
		return
	}
	if v.Severity == signal.Operational {
		v.By, v.Since, v.Reason = signal.ByTraffic, l.since, "traffic"
		v.Evidence = fmt.Sprintf("%d of %d failed in two minutes", both.Failed, both.Total())
	}
	v.Severity, v.Failed, v.Tried = s, both.Failed, both.Total()
}
