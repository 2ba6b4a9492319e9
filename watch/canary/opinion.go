package canary

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/client"
	"github.com/cyan-cloud/cyan/watch/signal"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// tokenRefused are the reasons of runs whose token was not taken.
var tokenRefused = []string{rest.CodeTokenInvalid, rest.CodeTokenExpired}

const (
	opinionPatience = 4 * time.Second
	opinionHolds    = 5 * time.Second // an answer is good for so long
)

// opinion is a second one, asked for when the canaries' token is refused: does
// the cloud take another? If it does, what is wrong is the canaries' own token.
// If it does not, or there is no other, it is an outage until somebody knows
// better.
type opinion struct {
	cfg Config

	mu    sync.Mutex // guards what follows, and that one asks at a time
	at    time.Time
	takes bool
}

// own tells that a run has failed through the canaries' own token.
func (o *opinion) own(ctx context.Context, r *signal.Result) bool {
	if r.Story == signal.Login || !slices.Contains(tokenRefused, r.Reason) {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if time.Since(o.at) > opinionHolds {
		bounded, cancel := context.WithTimeout(ctx, opinionPatience)
		o.takes = o.ask(bounded)
		cancel()
		o.at = time.Now()
	}
	return o.takes
}

// ask tells whether the cloud takes another token: the spare one, or that of
// somebody who logs in just now.
func (o *opinion) ask(ctx context.Context) bool {
	if o.cfg.Spare != "" {
		if _, err := o.cfg.client(o.cfg.Spare).CurrentToken(ctx); err == nil {
			return true
		}
	}
	if o.cfg.Username == "" {
		return false
	}
	got, err := o.cfg.client("").Grant(ctx, client.Grant{Username: o.cfg.Username, Password: o.cfg.Password, ExpiresIn: lifetime})
	if err != nil {
		return false
	}
	person := o.cfg.client(got.AccessToken)
	_, err = person.User(ctx)
	_ = person.Logout(ctx) // it lasts a minute at most
	return err == nil
}
