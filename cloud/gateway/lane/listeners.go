package lane

import (
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/session"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// subscribe puts a connection into the index of those who want events, by
// their owner; those who want everybody's public ones are apart.
func (l *Lane) subscribe(c *conn) {
	if c.device.IsZero() {
		return
	}
	for _, sub := range c.sess.Subscriptions() {
		if owner := c.owner(); owner != "" {
			l.audience(owner).add(sub.Prefix, c)
		}
		if sub.Scope == spark.ScopeAll {
			l.curious.add(sub.Prefix, c)
		}
	}
	l.forgetSilent(c.owner())
}

func (l *Lane) audience(owner account.ID) *audience {
	a := l.listeners[owner]
	if a == nil {
		a = &audience{}
		l.listeners[owner] = a
	}
	return a
}

func (l *Lane) unsubscribe(c *conn) {
	for _, i := range c.hears {
		i.remove(c)
	}
	c.hears = nil
	l.forgetSilent(c.owner())
}

// forgetSilent forgets an owner whose devices want nothing.
func (l *Lane) forgetSilent(owner account.ID) {
	if a := l.listeners[owner]; a != nil && len(a.byPrefix) == 0 {
		delete(l.listeners, owner)
	}
}

// happened gives an event to the devices that asked for it. The cloud's own
// names go to a device only when they are meant for it alone.
func (l *Lane) happened(now time.Time, e *event.Event, outs *Outs) {
	if event.Reserved(e.Name) || event.Forbidden(e.Name) {
		return
	}
	if a := l.listeners[e.Owner]; a != nil {
		l.order = a.of(e.Name, l.order[:0])
		l.offer(now, e, l.order, true, outs)
	}
	if e.Public {
		l.order = l.curious.of(e.Name, l.order[:0])
		l.offer(now, e, l.order, false, outs)
	}
}

func (l *Lane) offer(now time.Time, e *event.Event, list []*conn, own bool, outs *Outs) {
	for _, c := range list {
		if !own && c.owner() == e.Owner && e.Owner != "" {
			continue // it had its turn
		}
		if wants(c.sess.Subscriptions(), e, own) {
			l.step(now, c, session.In{Kind: session.Deliver, Event: e}, outs)
		}
	}
}

// wants tells whether one of a device's subscriptions asks for the event; own
// tells whether it is its owner's.
func wants(subs []spark.Subscription, e *event.Event, own bool) bool {
	for i := range subs {
		s := &subs[i]
		if !strings.HasPrefix(e.Name, s.Prefix) {
			continue
		}
		switch s.Scope {
		case spark.ScopeMine:
			if own {
				return true
			}
		case spark.ScopeDevice:
			if s.Device != "" && strings.HasPrefix(e.Device.String(), strings.ToLower(s.Device)) {
				return true
			}
		default:
			return true
		}
	}
	return false
}
