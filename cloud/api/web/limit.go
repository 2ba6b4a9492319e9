package web

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// Rates bound how many requests one address, or one /64 of IPv6, may make
// within a window. The zero value bounds nothing.
type Rates struct {
	Window   time.Duration // 0: 5 minutes
	Requests int           // of any kind; 0: no bound
	Accounts int           // logins, changes of accounts and tokens, new event streams; 0: no bound
}

// maxVisitors bounds the addresses that are counted. When it is reached, those
// whose window is over are forgotten; if there are none, newcomers are not
// counted.
const maxVisitors = 1 << 16

// meter counts what addresses do within a window. A bound of 0 counts nothing.
type meter struct {
	bound  int
	window time.Duration

	mu       sync.Mutex
	visitors map[string]visitor // guarded by mu; at most maxVisitors
}

type visitor struct {
	count int
	ends  time.Time // of the window
}

func newMeter(bound int, window time.Duration) *meter {
	return &meter{bound: bound, window: window, visitors: make(map[string]visitor)}
}

// quota is what an address has left, as RateLimit headers say it.
type quota struct {
	limit, remaining int
	reset            time.Duration
	exceeded         bool
}

// count counts a request and gives what is left.
func (m *meter) count(from string, now time.Time) quota {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.visitors[from]
	if !ok && len(m.visitors) >= maxVisitors {
		m.forget(now)
	}
	if !now.Before(v.ends) {
		v = visitor{ends: now.Add(m.window)}
	}
	q := quota{limit: m.bound, reset: v.ends.Sub(now), exceeded: v.count >= m.bound}
	if !q.exceeded {
		v.count++
	}
	q.remaining = m.bound - v.count
	if ok || len(m.visitors) < maxVisitors {
		m.visitors[from] = v
	}
	return q
}

// forget drops those whose window is over. Caller holds mu.
func (m *meter) forget(now time.Time) {
	for from, v := range m.visitors {
		if !now.Before(v.ends) {
			delete(m.visitors, from)
		}
	}
}

// admit counts the request against the bounds that are set, says in the
// header what is left of the tighter one, and refuses what is over.
func (d *Door) admit(w http.ResponseWriter, r *Request, now time.Time) error {
	tightest := quota{remaining: -1}
	for _, m := range []*meter{d.requests, d.accounts} {
		if m.bound <= 0 || m == d.accounts && !r.route.Costly {
			continue
		}
		q := m.count(r.Neighbourhood(), now)
		if tightest.remaining < 0 || q.exceeded || q.remaining < tightest.remaining && !tightest.exceeded {
			tightest = q
		}
	}
	if tightest.remaining < 0 {
		return nil
	}
	seconds := max(1, int((tightest.reset+time.Second-1)/time.Second))
	h := w.Header()
	h.Set("RateLimit-Limit", strconv.Itoa(tightest.limit))
	h.Set("RateLimit-Remaining", strconv.Itoa(tightest.remaining))
	h.Set("RateLimit-Reset", strconv.Itoa(seconds))
	if !tightest.exceeded {
		return nil
	}
	return &Problem{
		Cause: fault.Errorf(fault.Busy, "more than %d requests of this kind came from your address within %v; try again in %d s",
			tightest.limit, d.requests.window, seconds).WithCode(rest.CodeRateLimited),
		RetryAfter: time.Duration(seconds) * time.Second,
	}
}
