package lane

import (
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/session"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// subscribe puts a connection into the index of those who want events, by
// their owner; those who want everybody's public ones are apart.
func (l *Lane) subscribe(c *conn) {
	subs := c.sess.Subscriptions()
	if len(subs) == 0 || c.device.IsZero() {
		return
	}
	c.subscribed = true
	if c.owner != "" {
		set := l.listeners[c.owner]
		if set == nil {
			set = map[*conn]struct{}{}
			l.listeners[c.owner] = set
		}
		set[c] = struct{}{}
	}
	for i := range subs {
		if subs[i].Scope == spark.ScopeAll {
			l.curious[c] = struct{}{}
		}
	}
}

func (l *Lane) unsubscribe(c *conn) {
	if !c.subscribed {
		return
	}
	c.subscribed = false
	delete(l.curious, c)
	if set := l.listeners[c.owner]; set != nil {
		delete(set, c)
		if len(set) == 0 {
			delete(l.listeners, c.owner)
		}
	}
}

// happened gives an event to the devices that asked for it. The cloud's own
// names go to a device only when they are meant for it alone.
func (l *Lane) happened(now time.Time, e *event.Event, outs *Outs) {
	if event.Reserved(e.Name) || event.Forbidden(e.Name) {
		return
	}
	if e.Owner != "" {
		l.offer(now, e, l.inOrder(l.listeners[e.Owner]), true, outs)
	}
	if e.Public {
		l.offer(now, e, l.inOrder(l.curious), false, outs)
	}
}

// inOrder lists a set by connection id: no output is ordered by a map.
func (l *Lane) inOrder(set map[*conn]struct{}) []*conn {
	list := l.order[:0]
	for c := range set {
		list = append(list, c)
	}
	sortConns(list)
	l.order = list
	return list
}

func (l *Lane) offer(now time.Time, e *event.Event, list []*conn, own bool, outs *Outs) {
	for _, c := range list {
		if !own && c.owner == e.Owner && e.Owner != "" {
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
