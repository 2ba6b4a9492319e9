package lane

import (
	"net/netip"
	"slices"
)

// index makes datagrams from addr find the connection here. Only devices
// without connection ids need that.
func (l *Lane) index(c *conn, addr netip.AddrPort, outs *Outs) {
	if c.indexed != addr {
		l.unindex(c, outs)
		c.indexed = addr
	}
	l.byAddr[addr] = c
	outs.add(Out{Kind: Index, Addr: addr})
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
