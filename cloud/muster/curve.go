package muster

import (
	"math"
	"time"
)

// marks are where the curve of a recovery is drawn.
var marks = []time.Duration{
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second, 30 * time.Second, time.Minute, 90 * time.Second,
	2 * time.Minute, 3 * time.Minute, 4 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 6 * time.Hour, 24 * time.Hour,
}

// What a device needs besides its back-off.
const (
	hold      = 10 * time.Second // by which a refused try is held at most
	handshake = 30 * time.Second // a try, with losses and a queue
	answer    = 30 * time.Second // a ping of ours, or of the device, with its retransmissions
	cellular  = 23 * time.Minute // the longest keep-alive
	lostKeys  = 224 * time.Second
)

// backOff is how long a device waits after so many failures in a row: Device
// OS does not vary it by chance.
func backOff(failures int) time.Duration { return time.Second << min(7, (failures-1)/5) }

// longest is the failure from which on a device waits for as long as it ever
// does.
const longest = 36

// pause is the pause between two tries of a device that has been trying for so
// long, each try failing at once, as it does at a closed port.
func pause(tried time.Duration) time.Duration {
	n, at := 1, time.Duration(0)
	for ; at+backOff(n) < tried && n < longest; n++ {
		at += backOff(n)
	}
	return backOff(n)
}

// expected gives the part of the devices, 0 to 1, that is back when the cloud
// has served for so long again. A device over TCP has tried all the while and
// is at any point of its pause; one over UDP goes on in its session when it is
// asked.
func (r *Recovery) expected(served time.Duration) float64 {
	if r.Affected == 0 || served < 0 {
		return 0
	}
	tcp := float64(r.Affected - r.UDP)
	gap := pause(r.Up.Sub(r.At))
	part := math.Min(1, float64(served)/float64(gap))
	return (tcp*part + float64(r.UDP)) / float64(r.Affected)
}

// Point is a point of the curve.
type Point struct {
	After    time.Duration // since the cloud served again
	Back     int
	Expected int
}

// Curve gives how many were back when, and how many were expected, up to now or
// to where all are.
func (r *Recovery) Curve(now time.Time) (list []Point) {
	end := now
	if !r.Over.IsZero() {
		end = r.Over
	}
	for _, after := range marks {
		p := Point{After: after, Back: r.Back.before(after), Expected: int(math.Round(r.expected(after) * float64(r.Affected)))}
		list = append(list, p)
		if after >= end.Sub(r.Up) || p.Back == r.Affected && p.Expected == r.Affected {
			break
		}
	}
	return list
}

// Times counts how long devices took, in steps that grow by a twentieth: from
// 50 ms to days in some hundred numbers.
type Times []uint32

const (
	firstStep = 50 * time.Millisecond
	growth    = 1.05
	steps     = 330 // the last is beyond four days
)

func stepOf(d time.Duration) int {
	if d <= 0 {
		return 0
	}
	return min(steps-1, int(math.Ceil(math.Log1p(float64(d)/float64(firstStep))/math.Log(growth))))
}

// until is the longest time of a step.
func until(step int) time.Duration {
	return time.Duration(float64(firstStep) * (math.Pow(growth, float64(step)) - 1))
}

func (t *Times) add(d time.Duration) {
	at := stepOf(d)
	for len(*t) <= at {
		*t = append(*t, 0)
	}
	(*t)[at]++
}

// Sum is how many were counted.
func (t Times) Sum() (n int) {
	for _, c := range t {
		n += int(c)
	}
	return n
}

// before is how many took no longer than d.
func (t Times) before(d time.Duration) (n int) {
	for step, c := range t {
		if until(step) <= d {
			n += int(c)
		}
	}
	return n
}

// Quantile gives the time by which the part of all, 0 to 1, was back; false:
// it is not yet.
func (r *Recovery) Quantile(part float64) (time.Duration, bool) {
	want := max(1, int(math.Ceil(part*float64(r.Affected))))
	n := 0
	for step, c := range r.Back {
		if n += int(c); n >= want {
			return until(step), true
		}
	}
	return 0, false
}
