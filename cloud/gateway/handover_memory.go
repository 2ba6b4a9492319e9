package gateway

import (
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/gateway/handover"
	"github.com/cyan-cloud/cyan/cloud/gateway/roster"
	"github.com/cyan-cloud/cyan/internal/ferry"
)

// exportStates sends what is known of devices that nobody holds.
func (g *Gateway) exportStates(send sender) error {
	b := bundle{send: send, kind: handover.KindState}
	for id, st := range g.table.Away() {
		f := ferry.Ferry{Bytes: b.body}
		carryState(&f, &id, &st)
		if err := b.grow(f.Bytes); err != nil {
			return err
		}
	}
	return b.flush()
}

// adoptState takes up one of them.
func (g *Gateway) adoptState(f *ferry.Ferry) {
	var id device.ID
	var st device.State
	if carryState(f, &id, &st); !f.Bad {
		g.table.Show(id, 0, &st)
	}
}

// carryState carries what is known of a device.
func carryState(f *ferry.Ferry, id *device.ID, st *device.State) {
	f.Part(func(f *ferry.Ferry) {
		f.Fixed(id[:])
		ferry.Number(f, &st.Word)
		ferry.Words(f, &st.Reason)
		ferry.Words(f, &st.Transport)
		ferry.Words(f, &st.Address)
		ferry.Number(f, &st.KeepAlive)
		f.Moments(&st.Since, &st.LastSeen, &st.ProvenAt, &st.Until)
	})
}

// exportMemory sends what the lanes remember of devices that do not answer and
// of sources that fail.
func (g *Gateway) exportMemory(send sender) error {
	b := bundle{send: send, kind: handover.KindMemory}
	now := g.now()
	for i, r := range g.lanes {
		at := uint8(i)
		err := r.lane.Memory(now, func(id device.ID, cid [8]byte, piece []byte) error {
			f := ferry.Ferry{Bytes: b.body}
			carryMemory(&f, &at, &id, &cid, &piece)
			return b.grow(f.Bytes)
		})
		if err != nil {
			return err
		}
	}
	return b.flush()
}

// adoptMemory gives a piece of it to the lane that has the device now, or, of a
// source, to the one in the place of the lane that had it: a source comes to all
// of them alike.
func (g *Gateway) adoptMemory(f *ferry.Ferry) {
	var at uint8
	var id device.ID
	var cid [8]byte
	var piece []byte
	if carryMemory(f, &at, &id, &cid, &piece); f.Bad {
		return
	}
	to := int(at) % len(g.lanes)
	if !id.IsZero() {
		to = roster.LaneOf(id, cid, len(g.lanes))
	}
	g.adopting.Do(to, len(g.lanes), func() error { return g.lanes[to].lane.Remember(piece) })
}

func carryMemory(f *ferry.Ferry, at *uint8, id *device.ID, cid *[8]byte, piece *[]byte) {
	f.Part(func(f *ferry.Ferry) {
		ferry.Number(f, at)
		f.Fixed(id[:])
		f.Fixed(cid[:])
		ferry.Words(f, piece)
	})
}
