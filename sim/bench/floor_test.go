package bench

import (
	"strings"
	"testing"
)

// TestFloor goes the bare way of a call a few times, twice over.
func TestFloor(t *testing.T) {
	s, _ := conversation(t)
	for range 2 {
		w, err := s.floor(250)
		if err != nil {
			t.Fatal(err)
		}
		var times Times
		if err := w.walk(5, &times); err != nil || times.Count() != 5 || times.Quantile(0) <= 0 {
			t.Errorf("%d ways, the shortest took %v: %v", times.Count(), times.Quantile(0), err)
		}
		if _, err := s.floor(250); err == nil || !strings.Contains(err.Error(), "open already") {
			t.Errorf("a second floor: %v", err)
		}
		if err := w.leave(s); err != nil {
			t.Error(err)
		}
	}
}

// TestFloorIsLeft ends the cloud's side while somebody is on the way.
func TestFloorIsLeft(t *testing.T) {
	s, _ := conversation(t)
	w, err := s.floor(1)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.do(Command{Do: DoFloor}); err != nil {
		t.Error(err)
	}
	if err := w.walk(1, new(Times)); err == nil {
		t.Error("it leads on")
	}
	if err := w.close(); err != nil {
		t.Error(err)
	}
}
