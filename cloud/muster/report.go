package muster

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
)

// Recoveries gives what is known of disconnects, the newest first, as of now.
func (m *Muster) Recoveries() []Recovery {
	now := m.cfg.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	list := make([]Recovery, len(m.heads))
	at := map[uint32]*Recovery{}
	for i, r := range m.heads {
		list[i] = *r
		list[i].Back = slices.Clone(r.Back)
		at[r.second()] = &list[i]
	}
	for id, l := range m.lines.All() {
		r := at[l.since]
		if r == nil {
			continue
		}
		if _, ok := m.limbo[id]; ok {
			r.Connected++
		} else {
			r.Missing++
		}
		if by := r.expect(l, device.State{}); by.Before(now) {
			r.Listed++
		} else if by.After(r.Until) {
			r.Until = by
		}
	}
	return list
}

// Absent lists those of the devices who are missing since a disconnect, those
// who are missing for the longest first; among gives whose, nil: everybody's. Of
// more than most, the rest is only counted.
func (m *Muster) Absent(ctx context.Context, among map[device.ID]bool, most int) (list []Absent, more int, err error) {
	m.mu.Lock()
	lines := map[device.ID]line{}
	for id, l := range m.lines.All() {
		if among != nil && !among[id] {
			continue
		}
		if len(lines) >= most {
			more++
			continue
		}
		lines[id] = *l
	}
	of := map[uint32]Recovery{}
	for second, r := range m.open {
		of[second] = *r
	}
	m.mu.Unlock()
	ids := make([]device.ID, 0, len(lines))
	for id := range lines {
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return nil, more, nil
	}
	states, err := m.cfg.Bus.States(ctx, ids)
	if err != nil {
		return nil, 0, err
	}
	for id, l := range lines {
		r := of[l.since]
		st := states[id]
		list = append(list, Absent{
			Device: id, Of: r.ID, Since: time.Unix(int64(l.since), 0).UTC(), Up: r.Up, State: st, UDP: l.udp, Expected: r.expect(&l, st),
		})
	}
	slices.SortFunc(list, func(a, b Absent) int {
		if c := a.Since.Compare(b.Since); c != 0 {
			return c
		}
		return bytes.Compare(a.Device[:], b.Device[:])
	})
	return list, more, nil
}
