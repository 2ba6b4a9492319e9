package bench

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestQuantile(t *testing.T) {
	var times Times
	if got := times.Quantile(0.5); got != 0 {
		t.Errorf("median of nothing = %v", got)
	}
	for i := range 100 {
		times.Add(time.Duration(100-i) * time.Millisecond)
	}
	for _, c := range []struct {
		q    float64
		want time.Duration
	}{
		{0, time.Millisecond}, {0.5, 50 * time.Millisecond}, {0.99, 99 * time.Millisecond}, {1, 100 * time.Millisecond},
	} {
		if got := times.Quantile(c.q); got != c.want {
			t.Errorf("Quantile(%v) = %v, want %v", c.q, got, c.want)
		}
	}
	times.Add(time.Hour)
	if got := times.Quantile(1); got != time.Hour {
		t.Errorf("the longest after another was added = %v", got)
	}
}

func TestQuantileIsOneOfThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.Int64Range(0, 1000), 1, 50).Draw(t, "all")
		q := rapid.Float64Range(0, 1).Draw(t, "q")
		var times Times
		for _, d := range all {
			times.Add(time.Duration(d))
		}
		got := times.Quantile(q)
		if !slices.Contains(all, int64(got)) {
			t.Fatalf("%v is none of %v", got, all)
		}
		within := 0
		for _, d := range all {
			if d <= int64(got) {
				within++
			}
		}
		if float64(within) < q*float64(len(all))-1e-6 {
			t.Fatalf("only %d of %d are within %v", within, len(all), got)
		}
	})
}

func TestRates(t *testing.T) {
	if got := rate(30, 2*time.Second); got != 15 {
		t.Errorf("rate = %v", got)
	}
	if got := rate(30, 0); got != 0 {
		t.Errorf("rate in no time = %v", got)
	}
	if got := per(time.Duration(9), 2); got != 4.5 {
		t.Errorf("per = %v", got)
	}
	if got := per(9, 0); got != 0 {
		t.Errorf("per nothing = %v", got)
	}
	if got := micros(1234567 * time.Nanosecond); got != 1234.6 {
		t.Errorf("micros = %v", got)
	}
}

func TestParseLoad(t *testing.T) {
	if got := parseLoad("6.26 5.31 4.01 3/512 12345\n"); got != 6.26 {
		t.Errorf("load = %v", got)
	}
	if got := parseLoad("?"); got != 0 {
		t.Errorf("load of nonsense = %v", got)
	}
}
