package bench

import (
	"slices"
	"sync"
	"time"
)

// Times is a collection of durations. It is safe for concurrent use.
type Times struct {
	mu     sync.Mutex
	all    []time.Duration
	sorted bool
}

// Add adds one.
func (t *Times) Add(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all, t.sorted = append(t.all, d), false
}

// Count gives how many there are.
func (t *Times) Count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.all)
}

// Quantile gives the duration that the share q of all, 0 to 1, does not exceed:
// one of those that were added, by the nearest rank. Of none it is 0.
func (t *Times) Quantile(q float64) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.all) == 0 {
		return 0
	}
	if !t.sorted {
		slices.Sort(t.all)
		t.sorted = true
	}
	rank := int(q*float64(len(t.all))+0.9999999) - 1
	return t.all[min(max(rank, 0), len(t.all)-1)]
}

// per divides a sum by a count; nothing by nothing is 0.
func per[N int | int64 | time.Duration](sum N, n int) float64 {
	if n == 0 {
		return 0
	}
	return float64(sum) / float64(n)
}

// rate is how many a second.
func rate(n int, d time.Duration) float64 {
	if d <= 0 {
		return 0
	}
	return float64(n) / d.Seconds()
}

// micros gives a duration in microseconds, to a tenth.
func micros(d time.Duration) float64 { return tenth(float64(d) / float64(time.Microsecond)) }

// tenth rounds to one digit behind the point.
func tenth(x float64) float64 { return float64(int64(x*10+0.5)) / 10 }

// hundredth rounds to two digits behind the point.
func hundredth(x float64) float64 { return float64(int64(x*100+0.5)) / 100 }
