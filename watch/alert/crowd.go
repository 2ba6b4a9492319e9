package alert

import (
	"math"
	"slices"
	"time"
)

// The rule of the connected count: it has fallen within a minute by more than
// six times what it usually moves, and by two of a hundred. In simulations with
// days and nights and churn that was never false in fourteen days. Fewer than
// dropLeast devices are no crowd: so many come and go with one owner, or with
// canaries, of which more are connected at once while their calls hang.
const (
	dropSpan  = time.Minute
	dropMADs  = 6
	dropLeast = 30
	dropShare = 0.02
	dropHold  = 24 * time.Hour
	dropEvery = 10 * time.Second
	disagree  = 0.01 // between the two sources of the count
	madScale  = 1.4826
)

// crowd is how many devices are connected, lately.
type crowd struct {
	counts []count // at most a day of them
}

type count struct {
	at time.Time
	n  int
}

// note takes a count. One that comes too soon after the last replaces it.
func (c *crowd) note(at time.Time, n int) {
	if k := len(c.counts); k > 0 && at.Sub(c.counts[k-1].at) < dropEvery/2 {
		c.counts[k-1].n = n
		return
	}
	c.counts = append(c.counts, count{at, n})
	for len(c.counts) > 0 && at.Sub(c.counts[0].at) > dropHold {
		c.counts = c.counts[1:]
	}
}

// before gives the count of a minute before at.
func (c *crowd) before(at time.Time) (int, bool) {
	i, found := slices.BinarySearchFunc(c.counts, at.Add(-dropSpan), func(x count, t time.Time) int { return x.at.Compare(t) })
	if !found {
		i--
	}
	if i < 0 {
		return 0, false
	}
	return c.counts[i].n, true
}

// dropped tells by how many devices the count has fallen in the last minute,
// if that means something; 0: it does not.
func (c *crowd) dropped() int {
	k := len(c.counts)
	if k < 2 {
		return 0
	}
	now := c.counts[k-1]
	was, ok := c.before(now.at)
	if !ok || was == 0 {
		return 0
	}
	drop := was - now.n
	if drop < dropLeast || float64(drop) < dropShare*float64(was) || float64(drop) < dropMADs*c.scale() {
		return 0
	}
	return drop
}

// scale is how much the count usually moves in a minute: the median of that,
// scaled to a standard deviation.
func (c *crowd) scale() float64 {
	moves := make([]float64, 0, len(c.counts))
	for _, x := range c.counts {
		if was, ok := c.before(x.at); ok {
			moves = append(moves, math.Abs(float64(was-x.n)))
		}
	}
	if len(moves) == 0 {
		return 0
	}
	slices.Sort(moves)
	return madScale * moves[len(moves)/2]
}
