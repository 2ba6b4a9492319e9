package session

import (
	"time"

	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// maxSubscriptions bounds what a device can ask to hear; its own table has
// six places. There is no message that ends a subscription: beyond the bound
// the oldest is forgotten.
const maxSubscriptions = 32

// Subscriptions are held as they stand in the record, one behind the other:
//
//	+------------+--------+------------+--------+-----------+-----------+
//	| length (1) | prefix | length (1) | device | scope (1) | flags (1) |   flags: 1 binary, 2 CBOR
//	+------------+--------+------------+--------+-----------+-----------+

// Subscriptions is what the device wants to hear.
func (s *Session) Subscriptions() []spark.Subscription {
	subs, _ := parseSubscriptions(s.subscriptions.get())
	return subs
}

// receiveSubscription notes what the device wants to hear.
func (s *Session) receiveSubscription(now time.Time, m *coap.Message, outs *Outs) {
	if !s.canHold() {
		return
	}
	sub, err := spark.ParseSubscription(m, s.hello.get().SystemVersion)
	if err != nil {
		s.Malformed++
		s.answerCode(now, m, coap.BadRequest, outs)
		return
	}
	if s.desk.clock.quietAt != 0 {
		s.desk.clock.quietAt = now.Add(quietWait).UnixMilli()
	}
	if s.subscribe(&sub) {
		outs.add(Out{Kind: Described})
		s.persist(outs)
	}
	s.answerDurably(now, m, coap.Empty, outs)
}

// subscribe notes a subscription, and tells whether it is a new one.
func (s *Session) subscribe(sub *spark.Subscription) bool {
	entry := string(appendSubscription(nil, sub))
	all := s.subscriptions.get()
	n, first := 0, 0
	for rest := all; rest != ""; n++ {
		size := subscriptionSize(rest)
		if rest[:size] == entry {
			return false
		}
		if n == 0 {
			first = size
		}
		rest = rest[size:]
	}
	if n < maxSubscriptions {
		first = 0
	}
	s.subscriptions = share(all[first:] + entry)
	return true
}

// appendSubscription appends one entry. Prefix and device are never longer
// than 64 and 24 bytes.
func appendSubscription(b []byte, sub *spark.Subscription) []byte {
	var flags byte
	if sub.Binary {
		flags |= 1
	}
	if sub.CBOR {
		flags |= 2
	}
	b = append(append(b, byte(len(sub.Prefix))), sub.Prefix...)
	b = append(append(b, byte(len(sub.Device))), sub.Device...)
	return append(b, byte(sub.Scope), flags)
}

// subscriptionSize gives the length of the first of well-formed entries.
func subscriptionSize(entries string) int {
	prefix := 1 + int(entries[0])
	return prefix + 1 + int(entries[prefix]) + 2
}

// parseSubscriptions takes entries apart; ok tells that they are well-formed
// and not too many.
func parseSubscriptions(entries string) (subs []spark.Subscription, ok bool) {
	r := reader{b: []byte(entries)}
	for len(r.b) > 0 {
		sub := spark.Subscription{Prefix: string(r.take(int(r.byte()))), Device: string(r.take(int(r.byte())))}
		sub.Scope = spark.Scope(r.byte())
		flags := r.byte()
		sub.Binary, sub.CBOR = flags&1 != 0, flags&2 != 0
		subs = append(subs, sub)
	}
	if r.bad || len(subs) > maxSubscriptions {
		return nil, false
	}
	return subs, true
}
