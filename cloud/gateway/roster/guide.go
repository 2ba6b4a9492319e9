package roster

import (
	"net/netip"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/wire/dtls"
)

// Guide tells which lane gets what comes.
type Guide struct {
	Lanes int
	Table *Table
	Index Index
	Hash  func(netip.AddrPort) uint64
}

// Route tells which lane a datagram is for, and whether it is part of a
// handshake. Handshakes are where their address hashes to.
func (g *Guide) Route(data []byte, from netip.AddrPort) (at int, knock bool) {
	r, _, err := dtls.ParseRecord(data)
	switch {
	case err != nil:
	case r.Epoch == 0:
		return g.LaneOf(from), true
	case r.CID != nil:
		return int(r.CID[0]) % g.Lanes, false
	case r.DeviceID != nil:
		if at, conn := g.Table.Where(device.ID(r.DeviceID)); conn != 0 {
			return at, false
		}
	case r.Type == dtls.Handshake:
		return g.LaneOf(from), true
	default:
		if at, ok := g.Index.Get(from); ok {
			return at, false
		}
	}
	return g.LaneOf(from), false
}

// LaneOf gives the lane that an address hashes to, for who comes from there and
// is not known yet.
func (g *Guide) LaneOf(from netip.AddrPort) int { return int(g.Hash(from) % uint64(g.Lanes)) }

// LaneOf gives the lane of a session that comes from the store or from another
// process: the one that its connection id names, so that datagrams find it.
// Without one any lane does that is always the same.
func LaneOf(id device.ID, cid [8]byte, lanes int) int {
	if cid != ([8]byte{}) {
		return int(cid[0]) % lanes
	}
	return int(id[11]) % lanes
}
