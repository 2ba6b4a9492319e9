package headcount

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/device"
)

// The bounds of an hour's history, of this node.
const (
	maxOwners = 500  // those with the most devices
	maxRoom   = 4096 // values of dimensions
)

// Kept is how long the history reaches back.
const Kept = 8 * 24 * time.Hour

const (
	countEvery = time.Second
	patience   = 5 * time.Second // for the book
)

// Config says what a counter stands on. The zero value counts nothing.
type Config struct {
	Path string // the book's file; empty: in memory
	Node string // this node's name
	// Tally gives how many devices this node has, of each kind; it must not take
	// long. nil: there are none.
	Tally func(yield func(device.Traits, device.Headcount))
	// Idle tells that this process counts no more, because another one has its
	// devices. nil: it does not happen.
	Idle   func() bool
	Logger *slog.Logger     // nil: none
	Now    func() time.Time // nil: time.Now
}

// Counter counts devices. Make it with Open. It is safe for concurrent use.
type Counter struct {
	cfg    Config
	book   book
	cancel context.CancelFunc
	life   context.Context //nolint:containedctx // from Start to Close
	run    sync.WaitGroup

	mu       sync.Mutex
	watchers map[*Watch]struct{} // guarded by mu

	sampling sync.Mutex            // guards what follows
	hour     int64                 // of blocks; 0: none are read
	blocks   map[account.ID]*block // of the hour that goes on
	room     int                   // values that there is room for in them
	mute     bool                  // that the book cannot be written has been said

	knowing sync.Mutex
	others  map[account.ID]elsewhere // guarded by knowing; what other nodes have
}

// Open opens the book. It is counted from Start on.
func Open(ctx context.Context, cfg Config) (*Counter, error) {
	if cfg.Tally == nil {
		cfg.Tally = func(func(device.Traits, device.Headcount)) {}
	}
	if cfg.Idle == nil {
		cfg.Idle = func() bool { return false }
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	b, err := openBook(ctx, cfg.Path)
	if err != nil {
		return nil, err
	}
	c := &Counter{cfg: cfg, book: b, watchers: map[*Watch]struct{}{}, others: map[account.ID]elsewhere{}}
	c.life, c.cancel = context.WithCancel(context.WithoutCancel(ctx))
	return c, nil
}

// Start begins to count, until Close.
func (c *Counter) Start() { c.run.Go(c.tick) }

// Close ends it, and all watches.
func (c *Counter) Close() error {
	c.cancel()
	c.run.Wait()
	return c.book.close()
}

// Done is closed when the counter ends.
func (c *Counter) Done() <-chan struct{} { return c.life.Done() }

func (c *Counter) tick() {
	tick := time.NewTicker(countEvery)
	defer tick.Stop()
	minute := c.cfg.Now().Unix() / 60
	for {
		select {
		case <-c.life.Done():
			return
		case <-tick.C:
		}
		if c.cfg.Idle() {
			continue
		}
		now := c.cfg.Now()
		if now.Unix()/60 != minute {
			minute = now.Unix() / 60
			c.Sample(c.life, now)
		}
		c.show(c.life, now)
	}
}

// count counts the devices of the owners that have a sheet.
func (c *Counter) count(owners map[account.ID]*Sheet) {
	together := owners[Everybody]
	c.cfg.Tally(func(t device.Traits, n device.Headcount) {
		if together != nil {
			together.add(&t, n)
		}
		if s := owners[t.Owner]; s != nil {
			s.add(&t, n)
		}
	})
}

// Sample counts and writes down what the minute has. The counter does this by
// itself; a second one in the same minute replaces the first.
func (c *Counter) Sample(ctx context.Context, now time.Time) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c.sampling.Lock()
	defer c.sampling.Unlock()
	err := c.enter(ctx, now.Unix()/3600)
	if err == nil {
		c.write(int(now.Unix() / 60 % minutes))
		err = c.book.save(ctx, c.cfg.Node, c.hour, c.blocks)
	}
	if err != nil && !c.mute && !errors.Is(err, context.Canceled) {
		c.cfg.Logger.Warn("how many devices are connected is not written down; it is known now all the same", "err", err)
	}
	c.mute = err != nil
}

// enter begins an hour, unless it has begun. Caller holds sampling.
func (c *Counter) enter(ctx context.Context, hour int64) error {
	if hour == c.hour {
		return nil
	}
	if c.mute && c.hour != 0 { // the last of the hour before is still to be written
		if err := c.book.save(ctx, c.cfg.Node, c.hour, c.blocks); err != nil {
			c.cfg.Logger.Warn("an hour's counts are lost", "err", err)
		}
	}
	blocks, err := c.book.saved(ctx, c.cfg.Node, hour)
	if err != nil {
		return err
	}
	c.hour, c.blocks, c.room = hour, blocks, maxRoom
	for _, b := range blocks {
		for name := range b.lines {
			if name.kind >= byDimension && name.value != other {
				c.room--
			}
		}
	}
	return c.book.prune(ctx, hour-int64(Kept/time.Hour))
}

// write counts, and puts it into the blocks, of the largest owners first. Caller
// holds sampling.
func (c *Counter) write(minute int) {
	if c.blocks[Everybody] == nil {
		c.blocks[Everybody] = newBlock(0)
	}
	c.welcome(c.blocks[Everybody])
	sheets := map[account.ID]*Sheet{}
	for owner := range c.blocks {
		sheets[owner] = new(Sheet)
	}
	c.count(sheets)
	for _, owner := range slices.SortedFunc(maps.Keys(sheets), func(a, b account.ID) int {
		return cmp.Or(cmp.Compare(sheets[b].Connected(), sheets[a].Connected()), cmp.Compare(a, b))
	}) {
		c.blocks[owner].put(minute, sheets[owner], &c.room)
	}
}

// welcome makes blocks for owners who have had no devices in this hour until now.
// When there is no room for all of them, no more are looked for in it. Caller
// holds sampling.
func (c *Counter) welcome(all *block) {
	if all.partial {
		return
	}
	came := map[account.ID]int{}
	c.cfg.Tally(func(t device.Traits, n device.Headcount) {
		if t.Owner != "" && c.blocks[t.Owner] == nil {
			came[t.Owner] += n.Connected() + n.Unheard
		}
	})
	for _, owner := range slices.SortedFunc(maps.Keys(came), func(a, b account.ID) int {
		return cmp.Or(cmp.Compare(came[b], came[a]), cmp.Compare(a, b))
	}) {
		if all.partial = len(c.blocks) > maxOwners; all.partial {
			return
		}
		c.blocks[owner] = newBlock(all.present) // there were none of them until now
	}
}
