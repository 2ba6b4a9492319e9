package lane

import (
	"net/netip"
	"slices"
)

// index makes datagrams from the connection's address find it here. Only
// devices without connection ids need that.
func (l *Lane) index(c *conn, outs *Outs) {
	if c.indexed != c.peer {
		l.unindex(c, outs)
		c.indexed = c.peer
	}
	l.byAddr[c.peer] = c
	outs.add(Out{Kind: Index, Addr: c.peer})
}

func (l *Lane) unindex(c *conn, outs *Outs) {
	if !c.indexed.IsValid() {
		return
	}
	if l.byAddr[c.indexed] == c {
		delete(l.byAddr, c.indexed)
		outs.add(Out{Kind: Unindex, Addr: c.indexed})
	}
	c.indexed = netip.AddrPort{}
}

func sortConns(list []*conn) {
	slices.SortFunc(list, func(a, b *conn) int {
		switch {
		case a.id < b.id:
			return -1
		case a.id > b.id:
			return 1
		}
		return 0
	})
}
