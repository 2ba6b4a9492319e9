package tower

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Beacon watches a watchtower and nothing else: a program so small that it
// hardly fails, on a third machine.
type Beacon struct {
	Tower string        // URL of the watchtower
	Every time.Duration // between two looks; zero: 15 s
	// Misses in a row until it counts as dead; zero: 3. With 15 s that is known
	// within a minute.
	Misses int
	// Dead is that it was dead when somebody looked last, before this process: then
	// that it lives is news.
	Dead bool
	// Tell is called when the watchtower is dead, and when it lives again. An
	// error has it called again with the next look.
	Tell func(ctx context.Context, n Notice) error
	// Transport is how it looks. Nil: a new connection each time.
	Transport http.RoundTripper
}

// Notice is what a beacon says.
type Notice struct {
	Event string    `json:"event"` // watchtower_dead or watchtower_alive
	Tower string    `json:"tower"`
	At    time.Time `json:"at"`
	Since time.Time `json:"since"` // the first look that failed
	Why   string    `json:"why,omitempty"`
}

// The values of Notice.Event.
const (
	TowerDead  = "watchtower_dead"
	TowerAlive = "watchtower_alive"
)

const (
	beaconEvery  = 15 * time.Second
	beaconMisses = 3
)

// Run looks until ctx is done.
func (b Beacon) Run(ctx context.Context) {
	if b.Every == 0 {
		b.Every = beaconEvery
	}
	if b.Misses == 0 {
		b.Misses = beaconMisses
	}
	if b.Transport == nil {
		b.Transport = &http.Transport{DisableKeepAlives: true}
	}
	client := &http.Client{Timeout: min(asking, b.Every), Transport: b.Transport}
	tick := time.NewTicker(b.Every)
	defer tick.Stop()
	var missed int
	var since time.Time
	told := TowerAlive
	if b.Dead {
		told = TowerDead
	}
	for {
		err := get(ctx, client, strings.TrimRight(b.Tower, "/")+"/healthz")
		now := time.Now().UTC()
		n := Notice{Event: TowerAlive, Tower: b.Tower, At: now, Since: since}
		if err != nil {
			if missed == 0 {
				since = now
			}
			missed++
			n.Since, n.Why = since, err.Error()
		} else {
			missed = 0
		}
		if missed >= b.Misses {
			n.Event = TowerDead
		}
		if ctx.Err() != nil {
			return
		}
		if (missed == 0 || missed >= b.Misses) && n.Event != told && b.Tell(ctx, n) == nil {
			told = n.Event
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// get asks for a URL, which has to answer well.
func get(ctx context.Context, client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(resp.Body, 200))
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("it answered %s: %s", resp.Status, strings.TrimSpace(string(said)))
	}
	return nil
}
