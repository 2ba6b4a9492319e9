package storetest

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/store"
)

// devices is how many the models have.
const devices = 3

type change struct {
	row    store.SessionRow
	remove bool
}

// drawChange makes up a change; one device more than there are is drawn, which
// is unknown.
func drawChange(t *rapid.T) change {
	return change{
		row: store.SessionRow{
			Device: deviceID(rapid.Uint32Range(0, devices).Draw(t, "device")), Origin: [8]byte{rapid.ByteMax(2).Draw(t, "origin")},
			CID: [8]byte{rapid.ByteMax(1).Draw(t, "cid")}, Begins: rapid.IntRange(0, 3).Draw(t, "begins") == 0,
			Generation: rapid.Uint32Range(0, 4).Draw(t, "generation"), Blob: rapid.SliceOfN(rapid.Byte(), 1, 4).Draw(t, "blob"),
		},
		remove: rapid.IntRange(0, 4).Draw(t, "remove") == 0,
	}
}

// sessionModel plays random saves and deletes against a map that does the
// same. The changes of one round are queued as fast as they are taken, so
// that they share batches.
func sessionModel(t *testing.T, s *store.Store) {
	for i := range uint32(devices) {
		must(t, s.TrustFirstUse(t.Context(), deviceID(i), key(i)))
	}
	rapid.Check(t, func(rt *rapid.T) {
		model := map[device.ID]store.SessionRow{}
		for i := range uint32(devices) {
			first := store.SessionRow{Device: deviceID(i), Blob: []byte("first"), Begins: true}
			s.SaveSession(first, nil)
			model[first.Device] = read(first)
		}
		changes := rapid.SliceOfN(rapid.Custom(drawChange), 1, 30).Draw(rt, "changes")
		got := make([]bool, len(changes)) // whether each was taken; read after Flush
		want := make([]bool, len(changes))
		for i, c := range changes {
			done := func(err error) { got[i] = err == nil }
			old, there := model[c.row.Device]
			own := there && c.row.Generation >= old.Generation &&
				(old.Origin == c.row.Origin || old.Origin == [8]byte{} && old.CID == c.row.CID)
			if c.remove {
				s.DeleteSession(c.row, done)
				if own {
					delete(model, c.row.Device)
				}
				want[i] = true
				continue
			}
			s.SaveSession(c.row, done)
			known := c.row.Device != deviceID(devices)
			want[i] = known && (!there || own || c.row.Begins)
			if want[i] {
				model[c.row.Device] = read(c.row)
			}
		}
		must(t, s.Flush(t.Context()))
		same(rt, "changes taken", got, want)
		for i := range uint32(devices) {
			row, err := s.Session(t.Context(), deviceID(i))
			wantRow, there := model[deviceID(i)]
			if there != (err == nil) {
				rt.Fatalf("session of device %d: %v, in the model: %v", i, err, there)
			}
			same(rt, "session", row, wantRow)
		}
	})
}

// read gives a row that was saved as it is read.
func read(r store.SessionRow) store.SessionRow {
	r.Begins = false
	return r
}

// ownershipModel plays random claims, releases, names and keys against plain
// maps that do the same.
func ownershipModel(t *testing.T, s *store.Store) {
	people := []account.ID{"ada", "bob"}
	for _, p := range people {
		addUser(t, s, p)
	}
	next := uint32(0)
	rapid.Check(t, func(rt *rapid.T) {
		base := next
		next += devices
		m := ownership{base: base, devices: map[device.ID]*owned{}, keys: map[string]device.ID{}}
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			id := deviceID(base + rapid.Uint32Range(0, devices-1).Draw(rt, "device"))
			who := rapid.SampledFrom(people).Draw(rt, "who")
			k := key(base + rapid.Uint32Range(0, devices-1).Draw(rt, "key"))
			name := rapid.SampledFrom([]string{"a", "A", "b"}).Draw(rt, "name") + deviceID(base).String()[16:]
			var got error
			var want fault.Kind
			step := rapid.SampledFrom([]string{"provision", "trust", "claim", "release", "rename"}).Draw(rt, "step")
			switch step {
			case "provision":
				got, want = s.Provision(t.Context(), id, k, who), m.provision(id, k, who)
			case "trust":
				got, want = s.TrustFirstUse(t.Context(), id, k), m.trust(id, k)
			case "claim":
				got, want = s.Claim(t.Context(), id, who), m.claim(id, who)
			case "release":
				got, want = s.Release(t.Context(), id, who), m.release(id, who)
			case "rename":
				got, want = s.Rename(t.Context(), id, who, name), m.rename(id, who, name)
			}
			if (got == nil) != (want == fine) || got != nil && fault.KindOf(got) != want {
				rt.Fatalf("%s %v by %v: %v, in the model: %v", step, id, who, got, want)
			}
		}
		m.compare(t, rt, s)
	})
}

// fine is the model's kind of no failure; Internal is never wanted.
const fine = fault.Internal

type owned struct {
	owner account.ID
	name  string
	key   string
}

type ownership struct {
	base    uint32
	devices map[device.ID]*owned
	keys    map[string]device.ID // in force
}

func (m *ownership) provision(id device.ID, k device.Key, who account.ID) fault.Kind {
	d, known := m.devices[id]
	if known && d.owner != "" && d.owner != who {
		return fault.Denied
	}
	if holder, taken := m.keys[string(k.SPKI)]; taken && holder != id {
		return fault.Conflict
	}
	if !known {
		d = &owned{}
		m.devices[id] = d
	}
	d.owner = who
	delete(m.keys, d.key)
	d.key = string(k.SPKI)
	m.keys[d.key] = id
	return fine
}

func (m *ownership) trust(id device.ID, k device.Key) fault.Kind {
	if d, known := m.devices[id]; known {
		if d.key != string(k.SPKI) {
			return fault.Conflict
		}
		return fine
	}
	return m.provision(id, k, "")
}

func (m *ownership) claim(id device.ID, who account.ID) fault.Kind {
	d, known := m.devices[id]
	switch {
	case !known:
		return fault.NotFound
	case d.owner != "" && d.owner != who:
		return fault.Denied
	}
	d.owner = who
	return fine
}

func (m *ownership) mustOwn(id device.ID, who account.ID) fault.Kind {
	d, known := m.devices[id]
	switch {
	case !known:
		return fault.NotFound
	case d.owner != who:
		return fault.Denied
	}
	return fine
}

func (m *ownership) release(id device.ID, who account.ID) fault.Kind {
	if kind := m.mustOwn(id, who); kind != fine {
		return kind
	}
	m.devices[id].owner, m.devices[id].name = "", ""
	return fine
}

func (m *ownership) rename(id device.ID, who account.ID, name string) fault.Kind {
	if kind := m.mustOwn(id, who); kind != fine {
		return kind
	}
	for other, d := range m.devices {
		if other != id && d.owner == who && strings.EqualFold(d.name, name) {
			return fault.Conflict
		}
	}
	m.devices[id].name = name
	return fine
}

// compare looks at every device of the model in the store.
func (m *ownership) compare(t *testing.T, rt *rapid.T, s *store.Store) {
	for i := range uint32(devices) {
		id := deviceID(m.base + i)
		want, known := m.devices[id]
		got, err := s.Device(t.Context(), id)
		if known != (err == nil) {
			rt.Fatalf("device %v: %v, in the model: %v", id, err, known)
		}
		if !known {
			continue
		}
		same(rt, "device", got, device.Device{ID: id, Owner: want.owner, Name: want.name, Created: noon()})
		k, err := s.KeyOf(t.Context(), id)
		must(t, err)
		same(rt, "key", string(k.SPKI), want.key)
		same(rt, "holder", holders(t, s, k), []store.Holder{{Device: id, Owner: want.owner}})
	}
}
