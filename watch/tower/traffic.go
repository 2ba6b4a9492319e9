package tower

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/client"
	"github.com/cyan-cloud/cyan/watch/signal"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// ErrNothingNew is what a Counter says between two full minutes.
var ErrNothingNew = errors.New("tower: the cloud has counted nothing new")

// Counter asks a cloud for what it counted. It gives every minute once.
type Counter struct {
	api *client.Client

	mu    sync.Mutex // guards what follows
	until time.Time  // of what was given last
}

// NewCounter asks the cloud at that URL with a token that has the scope
// signals:read.
func NewCounter(url, token string) *Counter {
	return &Counter{api: client.New(client.Config{URL: url, Token: token, UserAgent: "cyan-watch", HTTP: &http.Client{}})}
}

// Traffic implements Traffic.
func (c *Counter) Traffic(ctx context.Context) (signal.Traffic, error) {
	s, err := c.api.Signals(ctx)
	if err != nil {
		return signal.Traffic{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !s.Until.After(c.until) {
		return signal.Traffic{}, ErrNothingNew
	}
	c.until = s.Until.Time
	return trafficOf(&s), nil
}

// trafficOf puts what the cloud counted into the watchtower's words. Its second
// source of how many are connected is what calls find: the database keeps the
// sessions of absent devices, too.
func trafficOf(s *rest.Signals) signal.Traffic {
	t := signal.Traffic{
		From: s.From.Time, Until: s.Until.Time, Connected: s.Sessions.Connected, Limbo: s.Sessions.Limbo, Stored: s.Sessions.Routed,
		Lost: s.Lost, Restarts: s.Restarts, Calls: signal.Tally(s.Calls), API: signal.Tally(s.API), Logins: signal.Tally(s.Logins),
		Attempts: make([]signal.Slice, len(s.Attempts)),
	}
	for i := range s.Attempts {
		a := &s.Attempts[i]
		t.Attempts[i] = signal.Slice{
			Gateway: a.Gateway, Transport: a.Transport, Product: a.Product, Firmware: a.Firmware, Network: a.Network,
			Account: a.Account, Tally: signal.Tally(a.SignalTally),
		}
	}
	return t
}
