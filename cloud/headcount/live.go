package headcount

import (
	"context"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/fault"
)

// elsewhere is what other nodes wrote last of an owner.
type elsewhere struct {
	sheet *Sheet // nil: nothing
	asked time.Time
}

// The bounds of what is asked of others, and of watches.
const (
	askAgain   = 10 * time.Second
	maxAsked   = 4096
	maxWatches = 1000 // in all
	maxEach    = 20   // of one owner
)

// Now gives how many devices an owner has now.
func (c *Counter) Now(ctx context.Context, owner account.ID) *Sheet {
	s := new(Sheet)
	c.count(map[account.ID]*Sheet{owner: s})
	c.join(ctx, owner, s, c.cfg.Now())
	return s
}

// join adds what other nodes have. Without the book it is this one's own.
func (c *Counter) join(ctx context.Context, owner account.ID, s *Sheet, now time.Time) {
	c.knowing.Lock()
	defer c.knowing.Unlock()
	known, ok := c.others[owner]
	if !ok || now.Sub(known.asked) >= askAgain {
		if len(c.others) >= maxAsked {
			clear(c.others)
		}
		sheet, _, err := c.sum(ctx, owner, now, func(node string) bool { return node != c.cfg.Node })
		if err != nil && ctx.Err() == nil {
			c.cfg.Logger.Debug("what other nodes have is not known", "err", err)
		}
		switch {
		case err == nil:
			known = elsewhere{sheet, now}
			c.others[owner] = known
		case now.Sub(known.asked) >= fresh: // what was known till now is too old
			known = elsewhere{}
		}
	}
	if known.sheet != nil {
		s.merge(known.sheet)
	}
}

// Watch hears of every change of a count, at most once a second.
type Watch struct {
	c     *Counter
	owner account.ID
	last  *Sheet      // owned by who shows
	news  chan *Sheet // holds the newest
}

// Watch begins to watch an owner's count, which is told at once. The caller
// closes it.
func (c *Counter) Watch(ctx context.Context, owner account.ID) (*Watch, error) {
	now := c.Now(ctx, owner)
	w := &Watch{c: c, owner: owner, last: now, news: make(chan *Sheet, 1)}
	w.news <- now
	c.mu.Lock()
	defer c.mu.Unlock()
	same := 0
	for other := range c.watchers {
		if other.owner == owner {
			same++
		}
	}
	if len(c.watchers) >= maxWatches || same >= maxEach {
		return nil, fault.Errorf(fault.Busy, "too many watch how many devices are connected: close one, or ask now and then")
	}
	c.watchers[w] = struct{}{}
	return w, nil
}

// News gives counts as they change. Who is slow misses those in between.
func (w *Watch) News() <-chan *Sheet { return w.news }

// Close ends the watch.
func (w *Watch) Close() {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	delete(w.c.watchers, w)
}

// show tells those who watch what has changed. It is for one goroutine.
func (c *Counter) show(ctx context.Context, now time.Time) {
	c.mu.Lock()
	owners := map[account.ID]*Sheet{}
	list := make([]*Watch, 0, len(c.watchers))
	for w := range c.watchers {
		owners[w.owner] = new(Sheet)
		list = append(list, w)
	}
	c.mu.Unlock()
	if len(list) == 0 {
		return
	}
	c.count(owners)
	for owner, s := range owners {
		c.join(ctx, owner, s, now)
	}
	for _, w := range list {
		s := owners[w.owner]
		if s.equal(w.last) {
			continue
		}
		w.last = s
		select {
		case <-w.news: // it was not read
		default:
		}
		w.news <- s // nobody else writes
	}
}
