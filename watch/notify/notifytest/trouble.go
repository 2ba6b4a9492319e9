package notifytest

import (
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Trouble is what is wrong with a stand-in. The zero value is nothing.
type Trouble struct {
	Status     int           // answer this, and take nothing; 0: take it
	RetryAfter int           // seconds, in the header of that name; 0: no header
	Hang       time.Duration // answer nothing for so long, or until the caller goes away
	Lose       bool          // say that it was taken, and lose it
}

// fate is the trouble of a stand-in, changed while it runs.
type fate struct {
	mu      sync.Mutex
	trouble Trouble // guarded by mu
	times   int     // guarded by mu: requests that it still meets; below 0: all
}

// Set lets all further requests meet trouble.
func (f *fate) Set(t Trouble) { f.For(-1, t) }

// For lets the next n requests meet trouble.
func (f *fate) For(n int, t Trouble) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.trouble, f.times = t, n
}

// meet gives the trouble of a request.
func (f *fate) meet() Trouble {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.times == 0 {
		return Trouble{}
	}
	f.times--
	return f.trouble
}

// strike does to a request what t says, and tells whether it is over with it.
func (t Trouble) strike(w http.ResponseWriter, r *http.Request) bool {
	if t.Hang > 0 {
		timer := time.NewTimer(t.Hang)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			return true
		}
	}
	if t.Status == 0 {
		return false
	}
	if t.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(t.RetryAfter))
	}
	http.Error(w, `{"status":"`+http.StatusText(t.Status)+`"}`, t.Status)
	return true
}
