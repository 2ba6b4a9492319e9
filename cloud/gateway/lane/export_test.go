package lane

import (
	"fmt"

	"github.com/cyan-cloud/cyan/cloud/device"
)

// Check tells what is wrong inside the lane: counts that are not the truth,
// and indexes that name what is no longer there.
func (l *Lane) Check() error {
	var halfOpen, unproven, streams, timed int
	held := map[device.ID]uint64{}
	for c := range l.conns.all() {
		id := c.id
		if l.conns.of(id) != c {
			return fmt.Errorf("connection %x is not found", id)
		}
		_, waits := l.held[c] // to be refused
		if c.udp && !c.saved {
			if !waits {
				halfOpen++
			}
			if c.shake == nil {
				return fmt.Errorf("connection %x has neither a handshake nor a session that is stored", id)
			}
		}
		if c.key != nil {
			unproven++
		}
		if c.stream != nil {
			streams++
		}
		_, opening := l.opening[c]
		if opening != (!waits && (c.udp && !c.saved || !c.udp && c.sess == nil)) {
			return fmt.Errorf("connection %x is said to be opening: %v", id, opening)
		}
		switch {
		case c.place != 0:
			timed++
		case !c.saved:
			return fmt.Errorf("connection %x may wait for ever", id)
		}
		if c.shake != nil && l.shaking[c.shake.gate] != c {
			return fmt.Errorf("the handshake of connection %x is not found", id)
		}
		if c.hasCID && l.byCID.of(c.cid) != c {
			return fmt.Errorf("connection %x is not found by its connection id", id)
		}
		if !c.held {
			continue
		}
		if other, ok := held[c.device]; ok {
			return fmt.Errorf("connections %x and %x both have %s", id, other, c.device)
		}
		held[c.device] = id
		if l.byDevice.of(c.device) != c {
			return fmt.Errorf("connection %x has %s and is not found by it", id, c.device)
		}
	}
	if halfOpen != l.halfOpen || unproven != l.unproven || streams != l.streams || timed != len(l.timers.heap) {
		return fmt.Errorf("half-open %d, unproven %d, streams %d, timers %d; the lane counts %d, %d, %d, %d",
			halfOpen, unproven, streams, timed, l.halfOpen, l.unproven, l.streams, len(l.timers.heap))
	}
	from := 0
	for _, n := range l.sources.open {
		from += n
	}
	if from != len(l.opening) {
		return fmt.Errorf("%d handshakes come from somewhere, and there are %d", from, len(l.opening))
	}
	return l.checkIndexes()
}

func (l *Lane) checkIndexes() error {
	index := map[*conn]string{}
	for c := range l.byCID.all() {
		index[c] = "byCID"
	}
	for addr, c := range l.byAddr {
		index[c] = "byAddr"
		if c.indexed == nil || c.indexed.at != addr {
			return fmt.Errorf("connection %x is found at %v and thinks %v", c.id, addr, c.indexed)
		}
	}
	for _, c := range l.shaking {
		index[c] = "shaking"
		if c.shake == nil {
			return fmt.Errorf("connection %x is said to shake hands", c.id)
		}
	}
	for c := range l.byDevice.all() {
		id := c.device
		index[c] = "byDevice"
		if l.byDevice.of(id) != c || !c.held {
			return fmt.Errorf("connection %x is found by %s", c.id, id)
		}
	}
	for c := range l.opening {
		index[c] = "opening"
	}
	for c := range l.arriving {
		index[c] = "arriving"
	}
	for _, i := range l.curious.byPrefix {
		for c := range i.conns {
			index[c] = "curious"
		}
	}
	for owner, a := range l.listeners {
		if len(a.byPrefix) == 0 {
			return fmt.Errorf("owner %s has listeners who want nothing", owner)
		}
		for _, i := range a.byPrefix {
			for c := range i.conns {
				index[c] = "listeners"
				if c.owner() != owner {
					return fmt.Errorf("connection %x is %s's and listens for %s", c.id, c.owner(), owner)
				}
			}
		}
	}
	for _, c := range l.timers.heap {
		index[c] = "timers"
	}
	for c, name := range index {
		if !l.has(c) {
			return fmt.Errorf("connection %x has ended and stands in %s", c.id, name)
		}
	}
	return nil
}
