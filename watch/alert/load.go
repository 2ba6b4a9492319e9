package alert

import (
	"fmt"
	"math"
	"time"

	"github.com/cyan-cloud/cyan/watch/signal"
)

// load is what the cloud counted of one capability in its last two windows.
type load struct {
	windows  [2]signal.Tally // the newest last
	at       time.Time
	since    time.Time // of the first bad window of this stretch
	culprits []signal.Culprit
	usual    float64 // devices that usually come well through in a window
	what     string  // one sentence, for what is no share
	alarm    bool    // something that a share does not show
}

// usualGain is how fast what is usual follows what is.
const usualGain = 0.05

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
	if most := max(t.Connected, t.Stored); t.Stored > 0 && most >= 100 && math.Abs(float64(t.Connected-t.Stored)) > disagree*float64(most) {
		l.alarm, l.what = true, fmt.Sprintf("the gateways count %d devices and the store %d", t.Connected, t.Stored)
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
	if l.usual >= absenceLeast && poissonTail(n.OK, l.usual) < falseAlarm && n.Failed <= n.OK {
		l.alarm, l.what = true, fmt.Sprintf("%d devices connected in a minute in which usually %.0f do", n.OK, l.usual)
		return // what is usual is not learnt from what is not
	}
	if n.Failed == 0 {
		l.usual += usualGain * (float64(n.OK) - l.usual)
	}
}

// telling tells whether a window shows more failures than chance gives.
func telling(n signal.Tally) bool {
	all := n.Total()
	return all > 0 && float64(n.OK)/float64(all) < degradedBelow && binomialTail(n.Failed, all, baseline) < falseAlarm
}

// accuse adds to a judgement what the traffic shows. It makes nothing better.
func (j *Judge) accuse(c signal.Capability, now time.Time, v *signal.Judgement) {
	l := j.traffic[c]
	if l == nil || now.Sub(l.at) > stale {
		return
	}
	v.Culprits = l.culprits
	if l.alarm && v.Severity == signal.Operational {
		v.Severity, v.By, v.Since, v.Evidence, v.Reason = signal.Degraded, signal.ByTraffic, l.at, l.what, "traffic"
	}
	if !telling(l.windows[0]) || !telling(l.windows[1]) {
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
