package bus

import (
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
)

// The kinds of announcement between nodes. Each names its sender first.
const (
	annAlive   = 1 // heartbeat: role and digest
	annChanges = 2 // devices held and released
	annReset   = 3 // forget all that I hold: it follows anew
	annGone    = 4 // forget me
	annAsk     = 5 // the node named (empty: everybody) shall announce everything
)

// announceLimit is how many devices one announcement holds.
const announceLimit = 8192

// announcement is one message between nodes about presence.
type announcement struct {
	kind    byte
	from    string
	gateway bool     // alive
	digest  digest   // alive
	changes []change // changes
	whom    string   // ask
}

func encodeAnnouncement(a *announcement) []byte {
	w := newWriter(48 + len(a.from) + len(a.whom) + 13*len(a.changes))
	w.byte(a.kind)
	w.string(a.from)
	switch a.kind {
	case annAlive:
		w.bool(a.gateway)
		w.uint(a.digest.count)
		w.fixed64(a.digest.sum)
	case annChanges:
		w.uint(uint64(len(a.changes)))
		for _, c := range a.changes {
			w.device(c.id)
			w.bool(c.held)
		}
	case annAsk:
		w.string(a.whom)
	}
	return w.b
}

func decodeAnnouncement(b []byte) (announcement, error) {
	r := newReader(b)
	a := announcement{kind: r.byte(), from: r.address()}
	switch a.kind {
	case annAlive:
		a.gateway = r.bool()
		a.digest = digest{r.uint(), r.fixed64()}
	case annChanges:
		n := r.uint()
		if n > announceLimit || n*(uint64(len(device.ID{}))+1) != uint64(len(r.b)) {
			return announcement{}, errMalformed
		}
		a.changes = make([]change, n)
		for i := range a.changes {
			a.changes[i] = change{r.device(), r.bool()}
		}
	case annReset, annGone:
	case annAsk:
		a.whom = r.address()
	default:
		r.fail()
	}
	return a, r.end()
}

// announcements gives what is to be sent now: what changed since the last
// time or, if asked for, everything; and a heartbeat, if one is due. The
// digest in it is that of the moment when the changes were taken.
func (p *presence) announcements(beat bool) []announcement {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.quiet {
		return nil
	}
	var all []announcement
	changes := p.changes
	p.changes = nil
	if p.resync {
		p.resync, beat = false, true
		all = append(all, announcement{kind: annReset, from: p.self})
		changes = make([]change, 0, p.nodes[selfIndex].digest.count)
		for id, holder := range p.holders.All() {
			if *holder == selfIndex {
				changes = append(changes, change{id, true})
			}
		}
	}
	for len(changes) > 0 {
		n := min(len(changes), announceLimit)
		all = append(all, announcement{kind: annChanges, from: p.self, changes: changes[:n]})
		changes = changes[n:]
	}
	if beat {
		me := p.nodes[selfIndex]
		all = append(all, announcement{kind: annAlive, from: p.self, gateway: me.gateway, digest: me.digest})
	}
	return all
}

// hear takes another node's announcement in. ask is the node whose whole
// table is wanted, because what it says does not fit what is known of it.
func (p *presence) hear(a *announcement, now time.Time) (ask string) {
	if a.from == p.self {
		return ""
	}
	if a.kind == annGone {
		p.forget(a.from)
		return ""
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if a.kind == annAsk {
		if a.whom == "" || a.whom == p.self {
			p.changes, p.resync = nil, true
			p.wake()
		}
		return ""
	}
	i, ok := p.index(a.from)
	if !ok {
		return ""
	}
	n := p.nodes[i]
	n.heard, n.version = now, 0
	switch a.kind {
	case annReset:
		p.clear(i)
	case annChanges:
		for _, c := range a.changes {
			if p.quiet && p.mine(c.id) {
				continue // it is the older process's yet, and about to be ours
			}
			p.assign(i, c.id, c.held)
		}
	case annAlive:
		n.gateway = a.gateway
		if n.digest != a.digest && !p.quiet {
			return a.from
		}
	}
	return ""
}
