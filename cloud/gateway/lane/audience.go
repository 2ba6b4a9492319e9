package lane

import (
	"slices"

	"github.com/cyan-cloud/cyan/cloud/event"
)

// audience finds those who want an event by its name: it holds connections by
// the prefixes that they subscribed to. An event costs a look for each length
// that a prefix has, however many devices there are. The zero value is empty.
type audience struct {
	byPrefix map[string]*interest
	lengths  []length
}

// interest is one prefix, and who subscribed to it.
type interest struct {
	in     *audience
	prefix string
	conns  map[*conn]struct{}
}

// length is how many prefixes of an audience have so many bytes.
type length struct{ bytes, prefixes int }

// add notes that c wants events with the prefix. Those that begin with a
// reserved one never go to devices by subscription, and are not noted: every
// device asks for them, and an index of everybody would serve nobody.
func (a *audience) add(prefix string, c *conn) {
	if event.Reserved(prefix) {
		return
	}
	i := a.byPrefix[prefix]
	if i == nil {
		if a.byPrefix == nil {
			a.byPrefix = map[string]*interest{}
		}
		i = &interest{in: a, prefix: prefix, conns: map[*conn]struct{}{}}
		a.byPrefix[prefix] = i
		a.count(len(prefix), 1)
	}
	if _, ok := i.conns[c]; !ok {
		i.conns[c] = struct{}{}
		c.hears = append(c.hears, i)
	}
}

// remove forgets that c wants it.
func (i *interest) remove(c *conn) {
	delete(i.conns, c)
	if len(i.conns) == 0 {
		delete(i.in.byPrefix, i.prefix)
		i.in.count(len(i.prefix), -1)
	}
}

func (a *audience) count(bytes, by int) {
	at := slices.IndexFunc(a.lengths, func(l length) bool { return l.bytes == bytes })
	if at < 0 {
		at = len(a.lengths)
		a.lengths = append(a.lengths, length{bytes: bytes})
	}
	if a.lengths[at].prefixes += by; a.lengths[at].prefixes == 0 {
		a.lengths = slices.Delete(a.lengths, at, at+1)
	}
}

// of appends to list those who want an event of that name, by connection id and
// each once: no output is ordered by a map.
func (a *audience) of(name string, list []*conn) []*conn {
	for _, l := range a.lengths {
		if l.bytes > len(name) {
			continue
		}
		if i := a.byPrefix[name[:l.bytes]]; i != nil {
			for c := range i.conns {
				list = append(list, c)
			}
		}
	}
	sortConns(list)
	return slices.Compact(list)
}
