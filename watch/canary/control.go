package canary

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Controls are probes of what has nothing to do with the cloud. They are asked
// when a run has failed: if none of them answers either, it is the vantage that
// has no network.
type Controls []string // host:port, or URLs

const (
	controlPatience = 2 * time.Second
	controlHolds    = 5 * time.Second // an answer is good for so long
)

// Reach tells whether any of them answers. Without controls it does.
func (c Controls) Reach(ctx context.Context) bool {
	if len(c) == 0 {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, controlPatience)
	defer cancel()
	answers := make(chan bool, len(c))
	for _, at := range c {
		go func() { answers <- answersAt(ctx, at) }() // ends with ctx
	}
	for range c {
		if <-answers {
			return true
		}
	}
	return false
}

func answersAt(ctx context.Context, at string) bool {
	if !strings.Contains(at, "://") {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "tcp", at)
		if err != nil {
			return false
		}
		return conn.Close() == nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, at, nil)
	if err != nil {
		return false
	}
	fresh := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, Proxy: http.ProxyFromEnvironment}}
	resp, err := fresh.Do(req)
	if err != nil {
		return false
	}
	return resp.Body.Close() == nil // whatever it says, it answers
}

// sight remembers what the controls said last.
type sight struct {
	controls Controls

	mu   sync.Mutex // guards what follows, and that one asks at a time
	at   time.Time
	sees bool
}

func (s *sight) blind(ctx context.Context) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.at) > controlHolds {
		s.sees = s.controls.Reach(ctx)
		s.at = time.Now()
	}
	return !s.sees
}
