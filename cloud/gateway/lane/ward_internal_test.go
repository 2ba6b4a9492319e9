package lane

import (
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
)

// TestWardBounds holds what disturbs devices within its bounds: for one device,
// for all of a lane, and in memory.
func TestWardBounds(t *testing.T) {
	now := time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC)
	w := newWard()
	for i := range startsEach + 2 {
		if got, want := w.mayStartOver(now, device.ID{1}), i < startsEach; got != want {
			t.Errorf("start %d of one device: %v", i+1, got)
		}
	}
	if !w.mayStartOver(now.Add(healWindow+time.Second), device.ID{1}) {
		t.Error("a device is not helped again after the window")
	}

	w = newWard()
	started := 0
	for i := range 1000 {
		if w.mayStartOver(now, device.ID{byte(i), byte(i >> 8)}) {
			started++
		}
	}
	if started != startsAtOnce {
		t.Errorf("%d devices were started over in one moment, want %d", started, startsAtOnce)
	}

	for i := range 2 * maxPatients {
		w.of(now, device.ID{byte(i), byte(i >> 8), 9})
	}
	if len(w.patients) > maxPatients {
		t.Errorf("%d patients", len(w.patients))
	}
	for i := range maxPatients { // those of an hour ago make room
		if w.of(now.Add(time.Hour), device.ID{byte(i), byte(i >> 8), 7}) == nil {
			t.Fatalf("no room for patient %d of another hour", i)
		}
	}
}

// TestBreaker stops asking a device that loses its connection to the question.
func TestBreaker(t *testing.T) {
	l := New(Config{})
	id := device.ID{1}
	c := &conn{device: id}
	now := time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC)
	avoided := func() bool { return now.Before(l.ward.patients[id].avoidUntil) }
	for range breaksEach {
		if l.questioned(now, c); avoided() {
			t.Fatal("the breaker is open too early")
		}
		now = now.Add(time.Second)
		l.broke(now, id)
		l.broke(now, id) // one loss is counted once
	}
	if !avoided() {
		t.Error("a device that broke three times is asked again")
	}
	now = now.Add(avoidFor + time.Second)
	if avoided() {
		t.Error("it is never asked again")
	}
	for range 2 * breaksEach { // losses that have nothing to do with it
		l.questioned(now, c)
		now = now.Add(breakWithin + time.Second)
		l.broke(now, id)
	}
	if avoided() {
		t.Error("losses long after the question opened the breaker")
	}
}
