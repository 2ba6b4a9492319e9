package bus

import (
	"context"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/internal/pause"
)

// A process that hands its devices over to another of the same node stays on
// the bus for some seconds, beside its heir. Three things must not be seen of
// that: the heir before it serves, a call that finds nobody, and an event that
// is heard by both, or by neither.
//
// The heir says nothing of itself until Appear. From
// then on the others send calls to it; those that still go to the older process
// it passes on, until Retire. Events the heir hears from the older process alone
// (Relay), which says after which one it fell silent: the publishers' messages
// reach two listeners in two orders, so that neither could tell by its own ears
// what the other has heard.

// apart is so long that what was published before reaches every node before
// what is published after.
const apart = time.Second

// The marks are events that the older process publishes: from the first on the
// heir keeps what it hears itself, behind the second it was told of nothing, and
// when it has heard the third itself it has heard all that it was told of.
const (
	markName = "spark/cyan/border" // reserved: no device hears of it, and it has no owner
	markEars = "ears "             // and the older process's address
	markLast = "last "             // likewise
	markDone = "done "             // likewise
)

// hearing is what an heir hears while the older process hears for it.
type hearing struct {
	from string // the older process's address

	mu    sync.Mutex
	over  bool               // guarded by mu, as the rest; what it hears itself counts
	keeps bool               // the first mark has come
	kept  []*event.Event     // that came behind it
	lost  int                // of those, for want of room
	told  [2]map[string]bool // ids of what it was told of: of late, and before that
}

// The bounds of what an heir keeps, and remembers.
const (
	maxKept = 1 << 16
	maxTold = 1 << 15
)

// keep keeps an event that came by the heir's own ears, and tells whether it is
// to be kept from its subscribers.
func (h *hearing) keep(e *event.Event) bool {
	if h == nil {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	is := func(mark string) bool { return e.Name == markName && e.ID == mark+h.from }
	switch {
	case h.over && is(markDone):
		h.told = [2]map[string]bool{}
	case h.over:
		return h.knows(e)
	case !h.keeps:
		h.keeps = is(markEars)
	case len(h.kept) < maxKept:
		h.kept = append(h.kept, e)
	default:
		h.lost++
	}
	return true
}

// knows tells whether the heir was told of the event. Caller holds mu.
func (h *hearing) knows(e *event.Event) bool { return h.told[0][e.ID] || h.told[1][e.ID] }

// note notes an event that the heir was told of. over: it hears for itself now,
// and this one, too; last: behind it nothing comes.
func (h *hearing) note(e *event.Event) (over, last bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.over {
		return true, false
	}
	if len(h.told[0]) >= maxTold || h.told[0] == nil {
		h.told[0], h.told[1] = map[string]bool{}, h.told[0]
	}
	h.told[0][e.ID] = true
	return false, e.Name == markName && e.ID == markLast+h.from
}

// Appear makes an heir known to the others: the devices that it holds are
// called here. It is for a process that was opened with Config.Heir, and serves.
func (b *Bus) Appear() { b.presence.appear() }

// Relay hands an event that the older process has heard to this node's
// subscribers.
func (b *Bus) Relay(e *event.Event) {
	if b.hearing == nil {
		return
	}
	over, last := b.hearing.note(e)
	if over {
		return
	}
	b.give(e)
	if last {
		b.Alone()
	}
}

// Alone says that the older process hears for this one no longer, be it that it
// has ended before its time: from now on this one hears for itself.
func (b *Bus) Alone() {
	h := b.hearing
	if h == nil {
		return
	}
	h.mu.Lock() // until what was kept is given out nothing goes by
	defer h.mu.Unlock()
	if h.over {
		return
	}
	h.over = true
	for _, e := range h.kept {
		if !h.knows(e) {
			b.give(e)
		}
	}
	if h.lost > 0 {
		b.metrics.dropped.WithLabelValues(dropSlow).Add(float64(h.lost))
		b.log.Error("events were lost to a hand-over that took too long", "events", h.lost)
		b.missed()
	}
	h.kept = nil
}

// Address names this process on the bus, for its heir or for whose heir it is.
func (b *Bus) Address() string { return b.address }

// Retire takes a process that has an heir out of the cluster: once the heir, at
// its address, is known to the others it says when it fell silent, takes no calls
// any more, and returns when those that came before are answered. With an error,
// as when ctx ends, some may not be.
func (b *Bus) Retire(ctx context.Context, heir string) error {
	err := until(ctx, func() bool { return b.presence.serves(heir) })
	for _, mark := range []string{markEars, markLast, markDone} {
		if err == nil && !pause.For(ctx, apart) {
			err = ctx.Err()
		}
		if err == nil {
			err = b.mark(ctx, mark+b.address)
		}
	}
	if s := b.serving.Load(); s != nil && err == nil {
		err = s.retire(ctx)
	}
	return err
}

// mark publishes a mark and waits until this node has heard it, behind all that
// it heard before.
func (b *Bus) mark(ctx context.Context, id string) error {
	heard := make(chan struct{})
	var once sync.Once
	cancel, err := b.Subscribe(func(e *event.Event) {
		if e.Name == markName && e.ID == id {
			once.Do(func() { close(heard) })
		}
	})
	if err != nil {
		return err
	}
	defer cancel()
	if err := b.Publish(&event.Event{ID: id, Name: markName, Source: event.FromCloud, Published: time.Now()}); err != nil {
		return err
	}
	select {
	case <-heard:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// retire lets no call in any more, and waits for those that are.
func (s *serving) retire(ctx context.Context) error {
	s.bus.presence.serve(false)
	drained := make(chan struct{})
	s.sub.SetClosedHandler(func(string) { close(drained) })
	if err := s.sub.Drain(); err != nil {
		return err
	}
	select {
	case <-drained:
	case <-ctx.Done():
		return ctx.Err()
	}
	return until(ctx, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.calls) == 0 && s.asks == 0
	})
}

// appear ends the silence of an heir.
func (p *presence) appear() {
	p.mu.Lock()
	p.quiet = false
	p.changes, p.resync = nil, true
	p.mu.Unlock()
	p.wake()
}

// unknown tells whether nobody has heard of this node.
func (p *presence) unknown() bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.quiet
}

// mine tells whether this node holds the device. Caller holds mu.
func (p *presence) mine(id device.ID) bool {
	i := p.holders.At(id)
	return i != nil && *i == selfIndex
}

// serves tells whether the node with the address serves calls, and has said of
// all that it holds that it does. Of one of another version only those hear that
// which speak it, too.
func (p *presence) serves(address string) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for _, n := range p.nodes {
		if n != nil && (n.gateway || n.version != 0) && n.address == address {
			return true
		}
	}
	return false
}

// until waits until ok says yes.
func until(ctx context.Context, ok func() bool) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
