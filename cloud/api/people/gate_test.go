package people

import (
	"fmt"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/fault"
)

func newTestGate(bound int) *gate {
	return newGate(&Config{MaxLogins: bound, LoginLockout: time.Hour})
}

// Guessing at an account locks out who guesses, and neither its owner
// somewhere else nor the others at the same address.
func TestLockoutIsOfAccountAndSource(t *testing.T) {
	g, now := newTestGate(3), time.Date(2026, 5, 31, 12, 0, 0, 0, time.UTC)
	for range 3 {
		if err := g.enter("203.0.113.7", "ada", now); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.enter("203.0.113.7", "ada", now); fault.KindOf(err) != fault.Busy {
		t.Errorf("the guesser: %v", err)
	}
	if err := g.enter("198.51.100.1", "ada", now); err != nil {
		t.Errorf("the owner of the account: %v", err)
	}
	if err := g.enter("203.0.113.7", "bob", now); err != nil {
		t.Errorf("somebody else at the same address: %v", err)
	}
	if err := g.enter("203.0.113.7", "ada", now.Add(time.Hour)); err != nil {
		t.Errorf("the guesser later: %v", err)
	}
}

// One password tried on every account is guessing, too, and an account of
// one's own between the guesses does not help.
func TestSprayingIsBounded(t *testing.T) {
	g, now := newTestGate(3), time.Date(2026, 5, 31, 12, 0, 0, 0, time.UTC)
	passed := 0
	for n := range 1000 {
		if g.enter("203.0.113.7", fmt.Sprint("user", n), now) == nil {
			passed++
		}
		if g.enter("203.0.113.7", "own", now) == nil {
			g.passed("203.0.113.7", "own")
		}
	}
	if want := 3 * sourceFactor; passed != want {
		t.Errorf("%d guesses got in, want %d", passed, want)
	}
}

// Who knows the password may log in as often as he likes.
func TestLoginsThatPassDoNotCount(t *testing.T) {
	g, now := newTestGate(3), time.Date(2026, 5, 31, 12, 0, 0, 0, time.UTC)
	for range 100 {
		if err := g.enter("203.0.113.7", "ada", now); err != nil {
			t.Fatal(err)
		}
		g.passed("203.0.113.7", "ada")
	}
	if len(g.sources) != 0 {
		t.Errorf("%d are remembered", len(g.sources))
	}
}
