package alert

import (
	"cmp"
	"math"
	"slices"

	"github.com/cyan-cloud/cyan/watch/signal"
)

// How sure a slice has to be of itself: two hundred slices tested every ten
// seconds may be wrong once in thirty days.
const (
	falseAlarm   = 1.9e-8
	baseline     = 0.01 // part of attempts that fails when all is well
	leastDevices = 3
	leastOwners  = 2
	riskRatio    = 3    // inside against outside
	explainsAll  = 0.90 // of the excess: enough is explained
	shallower    = 0.95 // of what a deeper slice explains: the shallower one is told
	absenceLeast = 30   // devices a window, below which nobody coming means nothing
)

// binomialTail is the chance that of n attempts, each failing with chance p,
// failed or more fail.
func binomialTail(failed, n int, p float64) float64 {
	if failed <= 0 {
		return 1
	}
	sum := 0.0
	for k := failed; k <= n; k++ {
		sum += math.Exp(logChoose(n, k) + float64(k)*math.Log(p) + float64(n-k)*math.Log1p(-p))
	}
	return min(sum, 1)
}

// poissonTail is the chance that n or fewer come when usual are expected.
func poissonTail(n int, usual float64) float64 {
	sum := 0.0
	for k := range n + 1 {
		lg, _ := math.Lgamma(float64(k) + 1)
		sum += math.Exp(float64(k)*math.Log(usual) - usual - lg)
	}
	return min(sum, 1)
}

func logChoose(n, k int) float64 {
	a, _ := math.Lgamma(float64(n) + 1)
	b, _ := math.Lgamma(float64(k) + 1)
	c, _ := math.Lgamma(float64(n-k) + 1)
	return a - b - c
}

// fisher is the chance that, of two groups with these counts, the first has so
// many failures or more if the groups do not differ.
func fisher(in, out signal.Tally) float64 {
	all, failed, n := in.Total()+out.Total(), in.Failed+out.Failed, in.Total()
	sum := 0.0
	for k := in.Failed; k <= min(n, failed); k++ {
		if n-k > all-failed {
			continue
		}
		sum += math.Exp(logChoose(failed, k) + logChoose(all-failed, n-k) - logChoose(all, n))
	}
	return min(sum, 1)
}

// dimension is something by which devices can be told apart.
type dimension struct {
	name string
	of   func(*signal.Slice) string
}

var dimensions = []dimension{
	{"gateway", func(s *signal.Slice) string { return s.Gateway }},
	{"transport", func(s *signal.Slice) string { return s.Transport }},
	{"product", func(s *signal.Slice) string { return s.Product }},
	{"firmware", func(s *signal.Slice) string { return s.Firmware }},
	{"network", func(s *signal.Slice) string { return s.Network }},
	{"account", func(s *signal.Slice) string { return s.Account }},
}

// candidate is a slice that may explain the failures.
type candidate struct {
	what  string
	depth int
	has   func(*signal.Slice) bool
}

// Culprits tells what failures have in common: the slices that explain them,
// most telling first, until nine tenths are explained. None: nothing sets those
// that fail apart, or there are too few.
func Culprits(all []signal.Slice) []signal.Culprit {
	left := slices.Clone(all)
	var found []signal.Culprit
	total := excess(left, func(*signal.Slice) bool { return true })
	explained := 0.0
	for total > 0 && explained < explainsAll*total && len(found) < 3 {
		best, gain := pick(left, total)
		if best == nil {
			break
		}
		in, out := split(left, best.has)
		found = append(found, signal.Culprit{
			What: best.what, Explains: min(1, gain/total), Inside: share(in), Rest: share(out),
		})
		explained += gain
		left = slices.DeleteFunc(left, func(s signal.Slice) bool { return best.has(&s) })
	}
	return found
}

// pick chooses the slice that explains most of the excess. Of two that explain
// about the same it is the shallower, unless the rest of that one is well.
func pick(all []signal.Slice, total float64) (best *candidate, gain float64) {
	list := candidates(all)
	for _, c := range list {
		in, out := split(all, c.has)
		if in.Failed < leastDevices || owners(all, c.has) < leastOwners && c.depth == 1 && !single(all) ||
			binomialTail(in.Failed, in.Total(), baseline) >= falseAlarm ||
			out.Total() == 0 || share(in) < riskRatio*share(out) || fisher(in, out) >= falseAlarm {
			continue
		}
		g := excess(all, c.has)
		if best == nil || c.depth <= best.depth && g > gain || c.depth > best.depth && shallower*g > gain {
			best, gain = &c, g
		}
	}
	if best == nil || gain < 0.05*total {
		return nil, 0
	}
	for _, c := range list {
		within := func(s *signal.Slice) bool { return best.has(s) && c.has(s) }
		beside := func(s *signal.Slice) bool { return best.has(s) && !c.has(s) }
		in, _ := split(all, c.has)
		near, _ := split(all, beside)
		if c.depth > best.depth && excess(all, within) >= shallower*gain && excess(all, c.has) <= gain/shallower &&
			near.Total() > 0 && share(in) >= riskRatio*share(near) && fisher(in, near) < falseAlarm {
			return &c, excess(all, c.has)
		}
	}
	return best, gain
}

// candidates are all single values and all pairs of values that occur.
func candidates(all []signal.Slice) []candidate {
	var list []candidate
	seen := map[string]bool{}
	add := func(c candidate) {
		if !seen[c.what] {
			seen[c.what] = true
			list = append(list, c)
		}
	}
	for i := range all {
		for a, d := range dimensions {
			v := d.of(&all[i])
			if v == "" {
				continue
			}
			one := func(s *signal.Slice) bool { return d.of(s) == v }
			add(candidate{d.name + " " + v, 1, one})
			for _, e := range dimensions[a+1:] {
				w := e.of(&all[i])
				if w == "" {
					continue
				}
				add(candidate{d.name + " " + v + ", " + e.name + " " + w, 2, func(s *signal.Slice) bool { return one(s) && e.of(s) == w }})
			}
		}
	}
	slices.SortStableFunc(list, func(a, b candidate) int { return cmp.Compare(a.depth, b.depth) })
	return list
}

func split(all []signal.Slice, has func(*signal.Slice) bool) (in, out signal.Tally) {
	for i := range all {
		to := &out
		if has(&all[i]) {
			to = &in
		}
		to.OK += all[i].OK
		to.Failed += all[i].Failed
	}
	return in, out
}

// excess is how many more devices fail in a slice than do when all is well.
func excess(all []signal.Slice, has func(*signal.Slice) bool) float64 {
	in, _ := split(all, has)
	return max(0, float64(in.Failed)-baseline*float64(in.Total()))
}

func share(n signal.Tally) float64 {
	if n.Total() == 0 {
		return 0
	}
	return float64(n.Failed) / float64(n.Total())
}

// owners counts the accounts that fail in a slice: one owner's trouble is not
// everybody's.
func owners(all []signal.Slice, has func(*signal.Slice) bool) int {
	seen := map[string]bool{}
	for i := range all {
		if has(&all[i]) && all[i].Failed > 0 {
			seen[all[i].Account] = true
		}
	}
	return len(seen)
}

// single tells that there is only one account at all.
func single(all []signal.Slice) bool {
	for i := range all {
		if all[i].Account != all[0].Account {
			return false
		}
	}
	return true
}
