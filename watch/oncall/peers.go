package oncall

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	pager "github.com/cyan-cloud/cyan/watch/notify"
	"github.com/cyan-cloud/cyan/watch/tower"
)

// PeerNotice is that another watchtower is dead, or lives again, for those who
// are paged of it.
func PeerNotice(n *tower.Notice) pager.Notice {
	page := pager.Notice{
		ID: fmt.Sprintf("%s:%s:%d", peerKey(n.Tower), n.Event, n.At.UnixNano()), Key: peerKey(n.Tower), Kind: pager.Trigger, Severity: pager.Error, At: n.At,
		Summary: "The watchtower at " + hostOf(n.Tower) + " is dead: nobody there would notice an outage",
		Class:   "watchtower-dead", Links: []pager.Link{{Text: "its page", URL: n.Tower}},
		Details: []pager.Detail{{Name: "since", Value: n.Since.UTC().Format("2006-01-02 15:04:05 UTC")}, {Name: "evidence", Value: n.Why}},
	}
	if n.Event == tower.TowerAlive {
		page.Kind, page.Summary, page.Details = pager.Resolve, "The watchtower at "+hostOf(n.Tower)+" lives again", nil
	}
	return page
}

func peerKey(address string) string { return "wt:peer:" + hostOf(address) }

func hostOf(address string) string {
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		return u.Host
	}
	return address
}

// PeerDead tells whether an alert is open that the watchtower at an address is
// dead.
func PeerDead(p *pager.Pipeline, address string) bool {
	s := p.Status()
	for i := range s.Alerts {
		if a := &s.Alerts[i]; a.Key == peerKey(address) && a.Resolved.IsZero() {
			return true
		}
	}
	return false
}

// watchPeers looks at the other watchtowers until ctx is done, each in a
// goroutine that the caller waits for.
func (c *Oncall) watchPeers(ctx context.Context, run func(func())) {
	for _, address := range c.cfg.Peers {
		b := tower.Beacon{Tower: address, Every: c.cfg.PeersEvery, Transport: c.cfg.PeersTransport, Dead: PeerDead(c.pipeline, address)}
		b.Tell = func(_ context.Context, n tower.Notice) error {
			c.cfg.Logger.Warn("another watchtower", "url", n.Tower, "event", n.Event, "why", n.Why)
			c.check(c.pipeline.Notify(PeerNotice(&n)))
			return nil
		}
		run(func() { b.Run(ctx) })
	}
}

// deadPeers says on the page which other watchtowers are dead.
func (c *Oncall) deadPeers(s *pager.Status) string {
	var list []string
	for _, address := range c.cfg.Peers {
		for i := range s.Alerts {
			if a := &s.Alerts[i]; a.Key == peerKey(address) && a.Resolved.IsZero() {
				list = append(list, fmt.Sprintf("%s since %s", hostOf(address), a.Opened.UTC().Format(time.RFC3339)))
			}
		}
	}
	if len(list) == 0 {
		return ""
	}
	return "another watchtower is dead: " + strings.Join(list, ", ")
}
