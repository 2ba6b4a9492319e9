package main

import (
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/wire/rest"
)

// TestShareOfTries: the first number of a device is what part of its tries
// succeeded, and how long those took. What goes on is not among them.
func TestShareOfTries(t *testing.T) {
	noon := time.Date(2026, 5, 31, 12, 0, 0, 0, time.UTC)
	tries := func(each ...string) (list []rest.Attempt) {
		for n, outcome := range each {
			list = append(list, rest.Attempt{Outcome: outcome, Started: rest.At(noon), Ended: rest.At(noon.Add(time.Duration(n+1) * 100 * time.Millisecond))})
		}
		return list
	}
	long := tries()
	for range 15 {
		long = append(long, tries("succeeded", "failed")...)
	}
	for name, c := range map[string]struct {
		tries []rest.Attempt
		want  string
	}{
		"none":              {nil, ""},
		"one goes on":       {tries("pending"), ""},
		"one":               {tries("succeeded"), "100 % succeeded: 1 of 1 try, within 0.10 s  +"},
		"none came through": {tries("failed", "failed"), "0 % succeeded: 0 of the last 2 tries  --"},
		"some":              {tries("pending", "succeeded", "failed", "succeeded", "succeeded"), "75 % succeeded: 3 of the last 4 tries, half of them within 0.40 s, all within 0.50 s  +-++"},
		"many":              {long, "50 % succeeded: 10 of the last 20 tries, half of them within 0.10 s, all within 0.10 s  +-+-+-+-+-+-+-+-+-+-"},
	} {
		if got := share(c.tries); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
