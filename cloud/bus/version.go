package bus

import (
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// Version is that of what nodes say to each other, and the first byte of every
// message: another stands for another encoding, or for another meaning of a
// number in it. A node understands its own alone. Events have versions of their
// own (cloud/event), and a message of them one of its frames (outbox.go).
//
// What every version keeps, so that two of them know what they are to each
// other: the subjects; the first byte; the kind and the sender in front of
// announcements, with annGone and annAsk; and Changed and Revoke, to which fields
// are added at the end alone, because a node that did not understand the end of
// a right would go on granting it.
const Version = 1

// VersionError is the cause of an error of kind Unavailable: a node speaks
// another version of the bus.
type VersionError struct {
	Node         string // its name
	Theirs, Ours byte
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("bus: version %d, not %d", e.Theirs, e.Ours)
}

// otherVersion is what a call gets that a node of another version would have to
// answer, or may have to.
func otherVersion(address string, theirs byte) error {
	e := &VersionError{Node: address, Theirs: theirs, Ours: Version}
	if i := strings.LastIndexByte(address, '-'); i > 0 {
		e.Node = address[:i]
	}
	behind := e.Node
	if theirs > Version {
		behind = "this one"
	}
	return fault.E(fault.Unavailable, fmt.Sprintf("node %s speaks version %d of the bus between the parts of the cloud, this one version %d: upgrade %s",
		e.Node, theirs, Version, behind), e).WithCode(rest.CodeGatewayUnavailable)
}

// versionOf tells whether a message is of another version, and of which. There
// is no version 0.
func versionOf(b []byte) (theirs byte, other bool) {
	if len(b) == 0 {
		return 0, false
	}
	return b[0], b[0] != Version && b[0] != 0
}

// notUnderstood is the answer to a question that cannot be read: who asked sees
// by the first byte whether that is because of the version.
func notUnderstood() []byte { return []byte{Version} }

// versions is a set of version numbers.
type versions [4]atomic.Uint64

// add tells whether the version is new to the set.
func (s *versions) add(v byte) bool {
	bit := uint64(1) << (v % 64)
	return s[v/64].Or(bit)&bit == 0
}

// heardOther takes in what a node of another version announces: no more than
// that it is there.
func (b *Bus) heardOther(m []byte) {
	r := reader{b: m}
	theirs, kind, from := r.byte(), r.byte(), r.address()
	if r.err != nil {
		b.metrics.dropped.WithLabelValues(dropMalformed).Inc()
		return
	}
	b.metrics.dropped.WithLabelValues(dropVersion).Inc()
	switch kind {
	case annGone:
		b.presence.forget(from)
	case annAsk: // so says an heir, too, of whom nobody is to know yet
	default:
		if b.presence.meet(from, theirs, time.Now()) {
			b.log.Error("a node speaks another version of the bus: what it holds is not known here", "address", from, "version", theirs, "own", Version)
			b.missed() // its events do not come
		}
	}
}

// unread counts events that came and could not be read. Those of another version
// are logged once for each.
func (b *Bus) unread(u unread) {
	if u.malformed > 0 {
		b.metrics.dropped.WithLabelValues(dropMalformed).Add(float64(u.malformed))
	}
	if u.other == 0 {
		return
	}
	b.metrics.dropped.WithLabelValues(dropVersion).Add(float64(u.other))
	if b.eventVersions.add(u.version) {
		b.log.Error("a node sends events of another version: they are left out here", "version", u.version)
		b.missed()
	}
}

// meet notes a node of another version, and tells whether that is news. What it
// holds cannot be known.
func (p *presence) meet(address string, theirs byte, now time.Time) (news bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i, ok := p.index(address)
	if !ok || i == selfIndex {
		return false
	}
	n := p.nodes[i]
	n.heard = now
	if n.version == theirs {
		return false
	}
	p.clear(i)
	n.version, n.gateway = theirs, false
	return true
}

// others is an error if there is a node of another version, which may hold any
// device that no other does.
func (p *presence) others() error {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for _, n := range p.nodes {
		if n != nil && n.version != 0 {
			return otherVersion(n.address, n.version)
		}
	}
	return nil
}

// countOthers counts them, for metrics.
func (p *presence) countOthers() (count int) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for _, n := range p.nodes {
		if n != nil && n.version != 0 {
			count++
		}
	}
	return count
}
