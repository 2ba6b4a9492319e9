package detsim

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/fault"
	database "github.com/cyan-cloud/cyan/cloud/store"
	"github.com/cyan-cloud/cyan/test/detsim/schedule"
	"github.com/cyan-cloud/cyan/wire/dtls"
)

const (
	batchRows  = 700   // that one commit writes
	mostQueued = 16384 // changes that wait; more are refused
)

// store is the database with its group commit, as cloud/store promises it: one
// batch at a time in the order of the queue, durable when its callers hear of
// it. What a process had not written when it was killed is lost; of the batch
// that was being written nobody knows.
type store struct {
	w      *World
	rows   map[device.ID]database.SessionRow // what is on the disk
	owners map[device.ID]account.ID          // of registered devices
	keys   map[device.ID][]byte              // theirs
	prints map[device.Fingerprint]device.ID  // of keys on UDP: those on TCP are all the same here
	queue  []change
	taken  []change // being written
	batch  uint64

	slow time.Duration // on top of what a commit takes
	full bool          // nothing can be written
	down bool          // nor read
}

// change is a row to write, or to delete.
type change struct {
	by     *node
	row    database.SessionRow
	remove bool
	event  *event.Event // for the history, instead of a row
	done   func(error)
}

func newStore(w *World) *store {
	return &store{
		w: w, rows: map[device.ID]database.SessionRow{}, owners: map[device.ID]account.ID{}, keys: map[device.ID][]byte{},
		prints: map[device.Fingerprint]device.ID{},
	}
}

// put queues a change. done is called when it is durable, or has failed, if its
// process lives then.
func (s *store) put(c change) {
	if len(s.queue) >= mostQueued {
		if c.done != nil {
			c.done(fault.Errorf(fault.Busy, "the store's queue is full"))
		}
		return
	}
	if without := s.w.plan.Without; c.done != nil && c.event == nil && (without == schedule.Durability || without == schedule.Describe && !c.row.Begins) {
		done := c.done
		c.done = nil
		s.w.after(time.Millisecond, func() { done(nil) })
	}
	s.queue = append(s.queue, c)
	s.commit()
}

// commit writes what waits, unless something is being written already.
func (s *store) commit() {
	if len(s.taken) > 0 || len(s.queue) == 0 {
		return
	}
	n := min(len(s.queue), batchRows)
	s.taken, s.queue = s.queue[:n:n], s.queue[n:]
	s.batch++
	batch := s.batch
	s.w.after(s.w.between(time.Millisecond, 6*time.Millisecond)+s.slow, func() {
		if s.batch == batch {
			s.written()
		}
	})
}

// written ends a commit.
func (s *store) written() {
	list := s.taken
	s.taken = nil
	failed := s.full || s.down
	for i := range list {
		var err error
		if failed {
			err = fault.Errorf(fault.Unavailable, "the database cannot be written")
		} else {
			err = s.apply(&list[i])
		}
		if c := &list[i]; c.done != nil && c.by.alive {
			c.by.hear(func() { c.done(err) })
		}
	}
	s.commit()
}

// apply makes one change durable. Within one session a generation never goes
// down: that is the fence between processes.
func (s *store) apply(c *change) error {
	id := c.row.Device
	if c.event != nil {
		s.w.checks.kept(s.w, c.event)
		return nil
	}
	old, stored := s.rows[id]
	fenced := stored && s.w.plan.Without != schedule.Fence && !c.mayReplace(&old)
	switch {
	case c.remove && fenced:
		return nil
	case c.remove:
		delete(s.rows, id)
		s.w.tap.stored(id)
		return nil
	case fenced:
		return fault.Errorf(fault.Conflict, "a later generation of the session is stored")
	}
	c.row.Begins = false
	s.rows[id] = c.row
	s.w.tap.stored(id)
	return nil
}

// mayReplace tells whether a write may take the place of what is stored: that of
// a session that has just begun may, and that of the same session if no later
// process has it.
func (c *change) mayReplace(old *database.SessionRow) bool {
	if c.row.Begins {
		return true
	}
	same := old.Origin == c.row.Origin || old.Origin == [8]byte{} && old.CID == c.row.CID
	return same && old.Generation <= c.row.Generation
}

// lose is what becomes of a killed process's changes: what waited is gone, and
// the batch on its way to the disk is there, or is not.
func (s *store) lose(n *node) {
	mine := func(c change) bool { return c.by == n }
	s.queue = slices.DeleteFunc(s.queue, mine)
	if !slices.ContainsFunc(s.taken, mine) {
		return
	}
	list := s.taken
	s.taken = nil
	s.batch++
	arrived := s.w.chance.IntN(2) == 0 && !s.full && !s.down
	for i := range list {
		if arrived {
			_ = s.apply(&list[i]) // nobody is left to hear of it
		}
	}
	s.commit()
}

// has tells whether something of a process's is still to be written.
func (s *store) has(n *node) bool {
	mine := func(c change) bool { return c.by == n }
	return slices.ContainsFunc(s.queue, mine) || slices.ContainsFunc(s.taken, mine)
}

// adopt takes a new generation for every session, durably, and gives the rows
// in the order of the devices, each with the generation that was stored before.
func (s *store) adopt(now time.Time) (list []database.SessionRow, err error) {
	if s.full || s.down {
		return nil, fault.Errorf(fault.Unavailable, "the database cannot be written")
	}
	for id, r := range s.rows {
		before := r.Generation
		next, err := dtls.NextGeneration(before, now)
		if err != nil { // it has used up its last
			delete(s.rows, id)
			continue
		}
		switch s.w.plan.Without {
		case schedule.Generation: // taken, and not made durable
			r.Generation = before + 1
		case schedule.GenerationClock: // durable, and as old as the database
			r.Generation = before + 1
			s.rows[id] = r
		default:
			r.Generation = next
			s.rows[id] = r
		}
		r.Stored, r.Owner = before, s.owners[id]
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b database.SessionRow) int { return bytes.Compare(a.Device[:], b.Device[:]) })
	return list, nil
}

// backup copies the database.
func (s *store) backup() map[device.ID]database.SessionRow { return maps.Clone(s.rows) }

// register puts a device and its key on file.
func (s *store) register(id device.ID, spki []byte, owner account.ID, udp bool) {
	s.owners[id], s.keys[id] = owner, spki
	if udp {
		s.prints[device.FingerprintOf(spki)] = id
	}
}

var (
	errDown    = fault.Errorf(fault.Unavailable, "the database cannot be read")
	errUnknown = fault.Errorf(fault.NotFound, "no such device")
)

// Holders tells whose the keys are.
func (s *store) Holders(_ context.Context, keys []device.Fingerprint) ([]database.Holder, error) {
	if s.down {
		return nil, errDown
	}
	list := make([]database.Holder, len(keys))
	for i, k := range keys {
		if id, ok := s.prints[k]; ok {
			list[i] = database.Holder{Device: id, Owner: s.owners[id]}
		}
	}
	return list, nil
}

// KeyOf gives a device's key.
func (s *store) KeyOf(_ context.Context, id device.ID) (device.Key, error) {
	spki, ok := s.keys[id]
	switch {
	case s.down:
		return device.Key{}, errDown
	case !ok:
		return device.Key{}, errUnknown
	}
	return device.Key{SPKI: spki}, nil
}

// Device gives a device.
func (s *store) Device(_ context.Context, id device.ID) (device.Device, error) {
	owner, ok := s.owners[id]
	switch {
	case s.down:
		return device.Device{}, errDown
	case !ok:
		return device.Device{}, errUnknown
	}
	return device.Device{ID: id, Owner: owner}, nil
}

// TrustFirstUse registers a device with the key that it showed.
func (s *store) TrustFirstUse(_ context.Context, id device.ID, key device.Key) error {
	switch has, ok := s.keys[id]; {
	case s.down || s.full:
		return errDown
	case ok && !bytes.Equal(has, key.SPKI):
		return fault.Errorf(fault.Conflict, "the device is registered with another key")
	case !ok:
		s.register(id, key.SPKI, "", key.Algorithm == device.ECC)
	}
	return nil
}
