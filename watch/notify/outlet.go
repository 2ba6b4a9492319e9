package notify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Outlet is a way to a person. It is safe for concurrent use.
type Outlet interface {
	// Takes tells whether notices of this kind mean anything to the outlet; the
	// others are not sent to it.
	Takes(Kind) bool
	// Send hands a notice over and returns when the outlet has taken it, or not.
	// An error that is a *Refusal says whether trying again makes sense; after
	// any other error it does.
	Send(context.Context, Notice) (Receipt, error)
	// Pace is how many notices a minute the outlet takes at most.
	Pace() int
}

// Receipt is the proof that an outlet took a notice.
type Receipt struct {
	At    time.Time `json:"at"`
	ID    string    `json:"id,omitempty"` // the provider's name for it, if it gave one
	Words string    `json:"words"`        // what the provider answered
}

// Refusal is an outlet's no.
type Refusal struct {
	Words      string
	Permanent  bool          // the same notice will never be taken
	Gone       bool          // the outlet takes nothing any more, and is not to be asked
	RetryAfter time.Duration // the least time until it makes sense to ask again; 0: not said
}

func (r *Refusal) Error() string { return r.Words }

// refusalOf finds what an error says of trying again.
func refusalOf(err error) Refusal {
	if r, ok := errors.AsType[*Refusal](err); ok {
		return *r
	}
	return Refusal{Words: err.Error()}
}

// maxRetryAfter bounds how long a provider can silence us.
const maxRetryAfter = 5 * time.Minute

// reply is the beginning of an HTTP answer.
type reply struct {
	status int
	header http.Header
	words  string // of the body
}

// receipt turns an answer into a receipt or a refusal. Everything that
// is not a success, a redirect too, is a failure; of these, those that the
// request itself is to blame for will not pass the next time either.
func (r *reply) receipt(now time.Time) (Receipt, error) {
	code := r.status
	words := cut(oneLine(fmt.Sprintf("%d %s", code, r.words)), maxSummary)
	switch {
	case code >= 200 && code < 300:
		return Receipt{At: now, Words: words}, nil
	case code == http.StatusTooManyRequests, code == http.StatusRequestTimeout, code >= 500:
		return Receipt{}, &Refusal{Words: words, RetryAfter: retryAfter(r.header.Get("Retry-After"), now)}
	default:
		return Receipt{}, &Refusal{Words: words, Permanent: true}
	}
}

// retryAfter reads the header of that name: seconds, or a date.
func retryAfter(value string, now time.Time) time.Duration {
	var d time.Duration
	if s, err := strconv.Atoi(value); err == nil {
		d = time.Duration(min(s, int(maxRetryAfter/time.Second))) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		d = at.Sub(now)
	}
	return max(0, min(d, maxRetryAfter))
}
