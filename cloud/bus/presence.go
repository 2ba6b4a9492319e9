package bus

import (
	"encoding/binary"
	"math/bits"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/internal/dense"
)

// presence is the table of which node holds which device: one map of about
// 21 bytes a device, the same on every node. Nodes announce what changes and,
// with every heartbeat, a digest of what they hold; whoever finds another
// digest asks for all of it.
type presence struct {
	self  string          // this node's address
	asked chan<- struct{} // told when there is something to announce

	mu      sync.RWMutex
	holders *dense.Map[device.ID, nodeIndex] // guarded by mu
	nodes   []*node                          // guarded by mu; index 0 is this node, places of dead nodes are nil
	changes []change                         // guarded by mu; announced next
	resync  bool                             // guarded by mu; announce everything instead of changes
	quiet   bool                             // guarded by mu; announce nothing: this is an heir, see Config.Heir
}

// maxChanges bounds the changes that wait to be announced; beyond it
// everything is announced instead.
const maxChanges = 1 << 16

// nodeIndex is a node's place in the table of nodes.
type nodeIndex uint16

const (
	selfIndex nodeIndex = 0
	maxNodes            = 1 << 10
)

// node is what is known of one node.
type node struct {
	address string
	gateway bool // it serves calls
	version byte // that it speaks, if it is another than this node's; zero: it is not
	digest  digest
	heard   time.Time
}

// digest sums up what a node holds: equal digests mean equal sets.
type digest struct {
	count uint64
	sum   uint64 // of the devices' hashes: it does not depend on their order
}

func (d *digest) add(id device.ID) { d.count++; d.sum += hashID(id) }

func (d *digest) remove(id device.ID) { d.count--; d.sum -= hashID(id) }

func hashID(id device.ID) uint64 {
	a, b := binary.BigEndian.Uint64(id[:8]), uint64(binary.BigEndian.Uint32(id[8:]))
	return bits.RotateLeft64(a*0x9e3779b97f4a7c15, 29) ^ (b+1)*0xbf58476d1ce4e5b9
}

// change is one device that a node holds from now on, or no longer.
type change struct {
	id   device.ID
	held bool
}

func newPresence(self string, asked chan<- struct{}) *presence {
	return &presence{
		self: self, asked: asked, holders: dense.NewMap[device.ID, nodeIndex](), nodes: []*node{{address: self}},
	}
}

// set notes that this node holds the device, or no longer does, and queues
// the announcement.
func (p *presence) set(id device.ID, held bool) {
	p.mu.Lock()
	changed := p.assign(selfIndex, id, held)
	if changed && !p.resync {
		if len(p.changes) < maxChanges {
			p.changes = append(p.changes, change{id, held})
		} else {
			p.changes, p.resync = nil, true
		}
	}
	p.mu.Unlock()
	if changed {
		p.wake()
	}
}

// assign moves the device to the node or takes it away from it, and tells
// whether that changed anything. Caller holds mu.
func (p *presence) assign(to nodeIndex, id device.ID, held bool) bool {
	from := p.holders.At(id)
	switch {
	case held && from != nil && *from == to, !held && (from == nil || *from != to):
		return false
	case held:
		if from != nil {
			p.nodes[*from].digest.remove(id)
		}
		*p.holders.Put(id) = to
		p.nodes[to].digest.add(id)
	default:
		p.holders.Delete(id)
		p.nodes[to].digest.remove(id)
	}
	return true
}

// holder gives the address of the node that holds the device.
func (p *presence) holder(id device.ID) (address string, ok bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	i := p.holders.At(id)
	if i == nil {
		return "", false
	}
	return p.nodes[*i].address, true
}

// gateways gives the addresses of the nodes that serve calls.
func (p *presence) gateways() []string {
	p.mu.RLock()
	defer p.mu.RUnlock()
	var all []string
	for _, n := range p.nodes {
		if n != nil && n.gateway {
			all = append(all, n.address)
		}
	}
	return all
}

// group sorts the devices by the node that holds them; those that nobody
// holds stand under the empty address.
func (p *presence) group(ids []device.ID) map[string][]device.ID {
	p.mu.RLock()
	defer p.mu.RUnlock()
	by := make(map[string][]device.ID, 2)
	for _, id := range ids {
		address := ""
		if i := p.holders.At(id); i != nil {
			address = p.nodes[*i].address
		}
		by[address] = append(by[address], id)
	}
	return by
}

// serve notes whether this node serves calls, and has that announced. One
// that stops forgets its devices.
func (p *presence) serve(on bool) {
	p.mu.Lock()
	p.nodes[selfIndex].gateway = on
	if !on {
		p.clear(selfIndex)
	}
	p.changes, p.resync = nil, true
	p.mu.Unlock()
	p.wake()
}

// wake has what is waiting announced soon.
func (p *presence) wake() {
	select {
	case p.asked <- struct{}{}:
	default: // it has been told already
	}
}

// clear forgets all that the node holds. Caller holds mu.
func (p *presence) clear(i nodeIndex) {
	if p.nodes[i].digest.count > 0 {
		p.holders.DeleteFunc(func(_ device.ID, holder *nodeIndex) bool { return *holder == i })
	}
	p.nodes[i].digest = digest{}
}

// index finds the node's place, or makes one; ok is false when there are too
// many nodes. Caller holds mu.
func (p *presence) index(address string) (i nodeIndex, ok bool) {
	free := len(p.nodes)
	for i, n := range p.nodes {
		if n == nil {
			free = min(free, i)
		} else if n.address == address {
			return nodeIndex(i), true
		}
	}
	if free == maxNodes {
		return 0, false
	}
	if free == len(p.nodes) {
		p.nodes = append(p.nodes, nil)
	}
	p.nodes[free] = &node{address: address}
	return nodeIndex(free), true
}

// Routed gives how many devices a call finds.
func (b *Bus) Routed() int {
	devices, _ := b.presence.stats()
	return devices
}

// forget drops a node and all that it holds.
func (p *presence) forget(address string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, n := range p.nodes {
		if i != int(selfIndex) && n != nil && n.address == address {
			p.clear(nodeIndex(i))
			p.nodes[i] = nil
		}
	}
}

// expire drops the nodes that were last heard before the given time, and
// gives their addresses.
func (p *presence) expire(before time.Time) []string {
	p.mu.RLock()
	var silent []string
	for i, n := range p.nodes {
		if i != int(selfIndex) && n != nil && n.heard.Before(before) {
			silent = append(silent, n.address)
		}
	}
	p.mu.RUnlock()
	for _, address := range silent {
		p.forget(address)
	}
	return silent
}

// stats counts devices and nodes, for metrics.
func (p *presence) stats() (devices, nodes int) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for _, n := range p.nodes {
		if n != nil {
			nodes++
		}
	}
	return p.holders.Len(), nodes
}
