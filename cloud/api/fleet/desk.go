// Package fleet is what the API tells people of all their devices together: how
// many are connected, now, before, and as that changes.
package fleet

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/api/web"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/headcount"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// People is what the database knows of users and their tokens.
type People interface {
	User(ctx context.Context, id account.ID) (account.User, error)
	UseToken(ctx context.Context, hash account.TokenHash, now time.Time) (account.Token, error)
}

// Config says what a desk stands on. The first two must be set.
type Config struct {
	Counter   *headcount.Counter
	People    People
	KeepAlive time.Duration    // silence after which a stream says that it lives; 0: 8 s
	Now       func() time.Time // nil: time.Now
}

// Desk answers what is asked of the number of devices. Make it with New.
type Desk struct {
	cfg  Config
	done chan struct{} // closed by Close
	once sync.Once
}

// New makes a desk.
func New(cfg Config) *Desk {
	if cfg.KeepAlive == 0 {
		cfg.KeepAlive = 8 * time.Second
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Desk{cfg: cfg, done: make(chan struct{})}
}

// Close ends the streams; their readers are told.
func (d *Desk) Close() { d.once.Do(func() { close(d.done) }) }

// Routes are the paths that it answers.
func (d *Desk) Routes() []web.Route {
	return []web.Route{
		{Pattern: "GET " + rest.PathHeadcount, Scope: account.DevicesList, Handle: d.counts},
		{Pattern: "GET " + rest.PathHeadcountHistory, Scope: account.DevicesList, Handle: d.history},
		{Pattern: "GET " + rest.PathHeadcountLive, Scope: account.DevicesList, Costly: true, Handle: d.live},
	}
}

// whose tells whose devices are meant: the caller's, or everybody's, which are
// for administrators.
func (d *Desk) whose(r *web.Request) (account.ID, error) {
	switch r.URL.Query().Get("everyone") {
	case "", "false":
		return r.Caller.User, nil
	case "true":
	default:
		return "", web.Malformed("the parameter everyone is neither true nor false")
	}
	u, err := d.cfg.People.User(r.Context(), r.Caller.User)
	if err != nil {
		return "", web.StoreError(err)
	}
	if !u.Admin || r.Caller.Token.Service != "" {
		return "", fault.Errorf(fault.Denied, "other people's devices are counted for administrators: leave out everyone=true to count your own")
	}
	return headcount.Everybody, nil
}

// counts answers GET /v1/headcount.
func (d *Desk) counts(w http.ResponseWriter, r *web.Request) error {
	owner, err := d.whose(r)
	if err != nil {
		return err
	}
	ctx, now := r.Context(), d.cfg.Now()
	answer := rest.Headcounts{Now: view(d.cfg.Counter.Now(ctx, owner), now)}
	for hours, into := range map[int]**rest.Headcount{1: &answer.HourAgo, 24: &answer.DayAgo, 7 * 24: &answer.WeekAgo} {
		s, at, err := d.cfg.Counter.Moment(ctx, owner, now.Add(-time.Duration(hours)*time.Hour))
		if err != nil {
			return err
		}
		if s != nil {
			v := view(s, at)
			*into = &v
		}
	}
	return web.Answer(w, http.StatusOK, answer)
}

// maxWords is how many words of a dimension are shown.
const maxWords = 100

// view is a count as it is shown.
func view(s *headcount.Sheet, at time.Time) rest.Headcount {
	return rest.Headcount{
		At: rest.At(at), Connected: s.Connected(), Limbo: s.Limbo, Unheard: s.Unheard,
		Products: s.By(headcount.Product, maxWords), Transports: s.By(headcount.Transport, maxWords),
		Firmwares: s.By(headcount.Firmware, maxWords), DeviceOS: s.By(headcount.System, maxWords),
	}
}
