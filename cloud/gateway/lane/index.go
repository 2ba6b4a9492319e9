package lane

import (
	"net/netip"
	"slices"
)

// indexed is where a connection without connection id is found: mostly where its
// device is, and while it has to be convinced perhaps elsewhere.
type indexed struct{ at, peer netip.AddrPort }

// index makes datagrams from addr find the connection here. Only devices
// without connection ids need that.
func (l *Lane) index(c *conn, addr netip.AddrPort, outs *Outs) {
	if c.indexed == nil || c.indexed.at != addr {
		l.unindex(c, outs)
	}
	c.indexed = &indexed{at: addr, peer: c.peer()}
	l.byAddr[addr] = c
	outs.add(Out{Kind: Index, Addr: addr})
}

func (l *Lane) unindex(c *conn, outs *Outs) {
	if c.indexed == nil {
		return
	}
	if at := c.indexed.at; l.byAddr[at] == c {
		delete(l.byAddr, at)
		outs.add(Out{Kind: Unindex, Addr: at})
	}
	c.indexed = nil
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
