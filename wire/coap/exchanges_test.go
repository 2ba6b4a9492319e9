package coap_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/google/go-cmp/cmp"
)

// run lets the deadlines of x come one after the other and writes down what
// happens, in milliseconds since start.
func run(t *testing.T, x *coap.Exchanges, span time.Duration) string {
	var log strings.Builder
	for range 100 {
		at := x.Deadline()
		if at.IsZero() {
			return log.String()
		}
		x.Expire(at, span,
			func(m []byte) { fmt.Fprintf(&log, "%d resend %s\n", at.Sub(start).Milliseconds(), m) },
			func(e coap.Exchange) {
				fmt.Fprintf(&log, "%d failed %d after %d\n", at.Sub(start).Milliseconds(), e.ID, e.Sent)
			})
	}
	t.Fatal("it never ends")
	return ""
}

// Four transmissions, given up between 60 and 90 s, as Device OS does it.
func TestExchangesRepeatLikeTheDevice(t *testing.T) {
	for random, want := range map[uint32]string{
		0:              "4000 resend hello\n12000 resend hello\n28000 resend hello\n60000 failed 7 after 4\n",
		math.MaxUint32: "6000 resend hello\n18000 resend hello\n42000 resend hello\n90000 failed 7 after 4\n",
		1 << 31:        "5000 resend hello\n15000 resend hello\n35000 resend hello\n75000 failed 7 after 4\n",
	} {
		var x coap.Exchanges
		message := []byte("hello")
		x.Add(start, 7, 0, false, message, coap.DeviceParams, random)
		message[0] = 'X' // the buffer is the caller's again
		if diff := cmp.Diff(want, run(t, &x, coap.DeviceSpan)); diff != "" {
			t.Errorf("random %d:\n%s", random, diff)
		}
	}
}

// The cloud does the same, but for the last time after 30 s at most.
func TestExchangesRepeatInTime(t *testing.T) {
	for random, want := range map[uint32]string{
		0:              "4000 resend hello\n12000 resend hello\n28000 resend hello\n60000 failed 7 after 4\n",
		math.MaxUint32: "6000 resend hello\n18000 resend hello\n30000 resend hello\n78000 failed 7 after 4\n",
	} {
		var x coap.Exchanges
		x.Add(start, 7, 0, false, []byte("hello"), coap.DeviceParams, random)
		if diff := cmp.Diff(want, run(t, &x, coap.CloudSpan)); diff != "" {
			t.Errorf("random %d:\n%s", random, diff)
		}
	}
}

// A device that looks at a repetition up to 14 s later than it looked at the
// first, because the network was slow or its application did not let it, knows
// it again, whenever the cloud was awake.
func TestExchangesAreKnownAgain(t *testing.T) {
	const remembers, busy = coap.ReuseAfter, 14 * time.Second
	for random := uint64(0); random <= math.MaxUint32; random += math.MaxUint32 / 16 {
		for stopped := time.Duration(0); stopped < 2*time.Minute; stopped += 500 * time.Millisecond {
			for _, stops := range []time.Duration{0, 700 * time.Millisecond, 3 * time.Second, time.Minute} {
				var x coap.Exchanges
				x.Add(start, 7, 0, false, nil, coap.DeviceParams, uint32(random))
				for at := x.Deadline(); !at.IsZero(); at = x.Deadline() {
					if begin := start.Add(stopped); at.After(begin) && at.Before(begin.Add(stops)) {
						at = begin.Add(stops)
					}
					x.Expire(at, coap.CloudSpan, func([]byte) {
						if looked := at.Sub(start) + busy; looked >= remembers {
							t.Fatalf("random %d, stopped after %v for %v: looked at after %v", random, stopped, stops, looked)
						}
					}, func(coap.Exchange) {})
				}
			}
		}
	}
}

func TestExchangesSettle(t *testing.T) {
	var x coap.Exchanges
	for id := range uint16(4) {
		x.Add(start.Add(time.Duration(id)*time.Millisecond), id, byte(id)+10, id != 3, nil, coap.DeviceParams, 0)
	}
	want := func(e coap.Exchange, ok bool, id uint16) {
		t.Helper()
		w := coap.Exchange{ID: id, Token: byte(id) + 10, HasToken: id != 3, Sent: 1, FirstSent: start.Add(time.Duration(id) * time.Millisecond)}
		if !ok || !e.FirstSent.Equal(w.FirstSent) {
			t.Errorf("%+v %v, want %+v", e, ok, w)
		}
		e.FirstSent = w.FirstSent
		if e != w {
			t.Errorf("%+v, want %+v", e, w)
		}
	}
	if !x.Has(1) || x.Has(4) {
		t.Error("1 is outstanding and 4 is not")
	}
	e, ok := x.Acknowledge(1)
	want(e, ok, 1)
	if x.Has(1) {
		t.Error("1 is settled")
	}
	e, ok = x.Respond(12)
	want(e, ok, 2)
	if e, ok := x.Respond(13); ok {
		t.Errorf("a token that was never sent settles %+v", e)
	}
	e, ok = x.Reset(3)
	want(e, ok, 3)
	if _, ok := x.Acknowledge(1); ok || x.Len() != 1 {
		t.Errorf("settled twice; %d left", x.Len())
	}
	e, ok = x.Acknowledge(0)
	want(e, ok, 0)
	if !x.Deadline().IsZero() || x.Len() != 0 {
		t.Error("something is left")
	}
	run(t, &x, coap.DeviceSpan)
}

// A process that was frozen does not make up for what it missed; and what a
// device would not know again, and carry out once more, it does not send at all.
func TestExchangesAfterAFreeze(t *testing.T) {
	for frozen, want := range map[time.Duration][]string{30 * time.Second: {"a", "b"}, 31 * time.Second: nil, 44 * time.Second: nil, 10 * time.Minute: nil} {
		var x coap.Exchanges
		x.Add(start, 1, 0, false, []byte("a"), coap.DeviceParams, 0)
		x.Add(start, 2, 0, false, []byte("b"), coap.DeviceParams, 0)
		var sent []string
		late := start.Add(frozen)
		for range 2 {
			x.Expire(late, coap.CloudSpan, func(m []byte) { sent = append(sent, string(m)) }, func(e coap.Exchange) { t.Errorf("gave up %+v", e) })
		}
		if diff := cmp.Diff(want, sent); diff != "" {
			t.Errorf("after %v: %s", frozen, diff)
		}
		if got := x.Deadline(); !got.After(late.Add(time.Second)) {
			t.Errorf("after %v: next at %v, which leaves no time for an answer", frozen, got)
		}
	}
}

func TestExchangesExpireTooEarly(t *testing.T) {
	var x coap.Exchanges
	x.Add(start, 1, 0, false, nil, coap.DeviceParams, 0)
	x.Expire(x.Deadline().Add(-time.Millisecond), coap.DeviceSpan,
		func([]byte) { t.Error("sent too early") }, func(coap.Exchange) { t.Error("failed too early") })
}

// A callback that fails a call may well send the next one.
func TestExchangesCallbacksMayAddAndSettle(t *testing.T) {
	var x coap.Exchanges
	once := coap.Params{AckTimeout: time.Second}
	x.Add(start, 1, 0, false, []byte("a"), once, 0)
	x.Add(start, 2, 0, false, []byte("b"), coap.DeviceParams, 0)
	now := start.Add(5 * time.Second)
	var failed []uint16
	x.Expire(now, coap.CloudSpan, func([]byte) { x.Acknowledge(2) }, func(e coap.Exchange) {
		failed = append(failed, e.ID)
		x.Add(now, 3, 0, false, []byte("c"), once, 0)
	})
	if diff := cmp.Diff([]uint16{1}, failed); diff != "" {
		t.Error(diff)
	}
	if x.Len() != 1 {
		t.Errorf("%d outstanding, want the new one", x.Len())
	}
}

func TestParamsAtTheirEdges(t *testing.T) {
	for _, p := range []coap.Params{
		{}, {AckTimeout: -time.Hour, MaxRetransmit: -1}, {AckTimeout: math.MaxInt64, RandomFactor: 1e9, MaxRetransmit: 1 << 20},
	} {
		var x coap.Exchanges
		x.Add(start, 1, 0, false, nil, p, math.MaxUint32)
		if d := x.Deadline().Sub(start); d < time.Millisecond || d > 25*24*time.Hour {
			t.Errorf("%+v: first deadline after %v", p, d)
		}
	}
}
