package roster

import "github.com/cyan-cloud/cyan/cloud/device"

// class is the devices of a shard that have in common all that they are counted
// by.
type class struct {
	traits  device.Traits
	entries int // that belong to it, counted or not
	count   device.Headcount
}

// classes counts the devices of a shard as they come, change and go, so that
// nobody has to look at each of them. An entry names its class in two bytes;
// there are never more classes than entries.
type classes struct {
	list []class // place 0: those of whom nothing is known yet
	free []uint16
	at   map[device.Traits]uint16
}

// mostClasses is what two bytes can name: of a shard, whose devices would each
// have to be of another owner, product or version.
const mostClasses = 1 << 16

func newClasses() classes { return classes{list: make([]class, 1), at: map[device.Traits]uint16{}} }

// count takes an entry into the count of its class, or with -1 out of it.
func (c *classes) count(p *packed, by int) {
	if p.conn.get() == 0 {
		return
	}
	n := &c.list[p.class].count
	switch p.word {
	case device.Online:
		n.Online += by
	case device.Limbo:
		n.Limbo += by
	case device.Unknown:
		n.Unheard += by
	default: // it has no session that works
	}
}

// sort makes an entry one of the class that has the traits.
func (c *classes) sort(p *packed, traits device.Traits) {
	if c.list[p.class].traits == traits {
		return
	}
	c.count(p, -1)
	c.leave(p)
	p.class = c.of(traits)
	c.list[p.class].entries++
	c.count(p, 1)
}

// of finds the class with the traits, or makes one. When there is no place for
// it, its devices are counted with those of whom nothing is known.
func (c *classes) of(traits device.Traits) uint16 {
	if at, ok := c.at[traits]; ok {
		return at
	}
	var at uint16
	switch n := len(c.free); {
	case traits == device.Traits{}:
		return 0
	case n > 0:
		at, c.free = c.free[n-1], c.free[:n-1]
	case len(c.list) < mostClasses:
		at = uint16(len(c.list))
		c.list = append(c.list, class{})
	default:
		return 0
	}
	c.list[at].traits, c.at[traits] = traits, at
	return at
}

// leave takes an entry out of its class, which ends with its last one. The
// caller has taken it out of the count.
func (c *classes) leave(p *packed) {
	if p.class == 0 {
		return
	}
	v := &c.list[p.class]
	if v.entries--; v.entries == 0 {
		delete(c.at, v.traits)
		*v = class{}
		c.free = append(c.free, p.class)
	}
	p.class = 0
}

// Sort says by what the device is counted, unless another connection holds it.
func (t *Table) Sort(id device.ID, conn uint64, traits device.Traits) {
	s := t.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.entries.At(id); p != nil && p.conn.get() == conn {
		s.classes.sort(p, traits)
	}
}

// Tally gives how many devices there are of each kind; the same kind may come
// several times. What it takes grows with the kinds and not with the devices, and
// no lock is held while yield is called.
func (t *Table) Tally(yield func(device.Traits, device.Headcount)) {
	var now []class
	for i := range t {
		s := &t[i]
		s.mu.RLock()
		now = append(now[:0], s.classes.list...)
		s.mu.RUnlock()
		for j := range now {
			if now[j].count != (device.Headcount{}) {
				yield(now[j].traits, now[j].count)
			}
		}
	}
}

// Count gives how many devices are connected, and how many are in limbo.
func (t *Table) Count() (connected, limbo int) {
	t.Tally(func(_ device.Traits, n device.Headcount) {
		connected += n.Connected()
		limbo += n.Limbo
	})
	return connected, limbo
}
