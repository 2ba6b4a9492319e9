package storetest

import (
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/store"
)

func provision(t *testing.T, s *store.Store) {
	addUser(t, s, "ada")
	addUser(t, s, "bob")
	id := deviceID(1)
	_, err := s.Device(ctx(t), id)
	wantKind(t, "unknown device", err, fault.NotFound)

	must(t, s.Provision(ctx(t), id, key(1), "ada"))
	got, err := s.Device(ctx(t), id)
	must(t, err)
	same(t, "provisioned device", got, device.Device{ID: id, Owner: "ada", Created: noon()})

	must(t, s.Provision(ctx(t), id, key(1), "ada")) // again
	wantKind(t, "somebody else's device", s.Provision(ctx(t), id, key(2), "bob"), fault.Denied)
	wantKind(t, "owned device, by nobody", s.Provision(ctx(t), id, key(2), ""), fault.Denied)
	wantKind(t, "another device's key", s.Provision(ctx(t), deviceID(2), key(1), "bob"), fault.Conflict)
	wantKind(t, "unknown owner", s.Provision(ctx(t), deviceID(2), key(2), "nobody"), fault.NotFound)
	wantKind(t, "no id", s.Provision(ctx(t), device.ID{}, key(2), "ada"), fault.Invalid)
	wantKind(t, "no key", s.Provision(ctx(t), deviceID(2), device.Key{}, "ada"), fault.Invalid)
	_, err = s.Device(ctx(t), deviceID(2))
	wantKind(t, "device that was refused", err, fault.NotFound)
	k, err := s.KeyOf(ctx(t), id)
	must(t, err)
	same(t, "key after refusals", k, key(1))

	must(t, s.Provision(ctx(t), deviceID(3), key(3), ""))
	got, err = s.Device(ctx(t), deviceID(3))
	must(t, err)
	same(t, "owner of an unclaimed device", got.Owner, "")
	must(t, s.Provision(ctx(t), deviceID(3), key(3), "bob"))
	got, err = s.Device(ctx(t), deviceID(3))
	must(t, err)
	same(t, "owner once claimed", got.Owner, "bob")
}

// keys: a new key takes the place of the old one, which then opens nothing;
// the session made with it is gone, and the history is kept.
func keys(t *testing.T, s *store.Store) {
	addUser(t, s, "ada")
	id := deviceID(1)
	_, err := s.KeyOf(ctx(t), id)
	wantKind(t, "key of an unknown device", err, fault.NotFound)
	same(t, "holders of an unknown key", holders(t, s, key(1)), []store.Holder{{}})

	must(t, s.Provision(ctx(t), id, key(1), "ada"))
	save(t, s, store.SessionRow{Device: id, Generation: 1})
	must(t, s.Provision(ctx(t), id, key(1), "ada")) // the same key: the session stays
	_, err = s.Session(ctx(t), id)
	must(t, err)

	second := device.Key{Algorithm: device.RSA, SPKI: []byte("another"), Added: noon().Add(time.Hour)}
	must(t, s.Provision(ctx(t), id, second, "ada"))
	got, err := s.KeyOf(ctx(t), id)
	must(t, err)
	same(t, "key in force", got, second)
	must(t, s.TrustFirstUse(ctx(t), deviceID(2), key(2)))
	same(t, "holders of keys", holders(t, s, second, key(1), key(2), second), []store.Holder{
		{Device: id, Owner: "ada"}, {}, {Device: deviceID(2)}, {Device: id, Owner: "ada"},
	})
	_, err = s.Session(ctx(t), id)
	wantKind(t, "session of the retired key", err, fault.NotFound)

	third := key(1) // back to the first
	third.Added = noon().Add(2 * time.Hour)
	must(t, s.Provision(ctx(t), id, third, "ada"))
	history, err := s.KeysOf(ctx(t), id)
	must(t, err)
	same(t, "history of keys", history, []store.KeyRecord{
		{Key: third},
		{Key: second, Retired: third.Added},
		{Key: key(1), Retired: second.Added},
	})
}

// holders tells who holds the keys now, none being the zero Holder.
func holders(t testing.TB, s *store.Store, keys ...device.Key) []store.Holder {
	t.Helper()
	prints := make([]device.Fingerprint, len(keys))
	for i := range keys {
		prints[i] = keys[i].Fingerprint()
	}
	found, err := s.Holders(ctx(t), prints)
	must(t, err)
	return found
}

// manyHolders asks for more keys than one query does.
func manyHolders(t *testing.T, s *store.Store) {
	var all []device.Key
	var want []store.Holder
	for n := range uint32(150) {
		all = append(all, key(n))
		want = append(want, store.Holder{})
		if n%3 > 0 {
			must(t, s.TrustFirstUse(ctx(t), deviceID(n+1), key(n)))
			want[n].Device = deviceID(n + 1)
		}
	}
	for _, n := range []int{0, 1, 2, 3, 64, 65, 150} {
		same(t, "holders", holders(t, s, all[:n]...), want[:n])
	}
}

func trustFirstUse(t *testing.T, s *store.Store) {
	addUser(t, s, "ada")
	id := deviceID(1)
	must(t, s.TrustFirstUse(ctx(t), id, key(1)))
	must(t, s.TrustFirstUse(ctx(t), id, key(1))) // again
	got, err := s.Device(ctx(t), id)
	must(t, err)
	same(t, "trusted device", got, device.Device{ID: id, Created: noon()})

	wantKind(t, "another key", s.TrustFirstUse(ctx(t), id, key(2)), fault.Conflict)
	wantKind(t, "another device's key", s.TrustFirstUse(ctx(t), deviceID(2), key(1)), fault.Conflict)
	_, err = s.Device(ctx(t), deviceID(2))
	wantKind(t, "device that was refused", err, fault.NotFound)
	must(t, s.Provision(ctx(t), deviceID(3), key(3), "ada"))
	wantKind(t, "owned device with another key", s.TrustFirstUse(ctx(t), deviceID(3), key(4)), fault.Conflict)
	k, err := s.KeyOf(ctx(t), deviceID(3))
	must(t, err)
	same(t, "key after the refusal", k, key(3))
}

func claimRelease(t *testing.T, s *store.Store) {
	addUser(t, s, "ada")
	addUser(t, s, "bob")
	for n := uint32(1); n <= 3; n++ {
		must(t, s.TrustFirstUse(ctx(t), deviceID(n), key(n)))
	}
	wantKind(t, "claim the unknown", s.Claim(ctx(t), deviceID(9), "ada"), fault.NotFound)
	wantKind(t, "claim for nobody known", s.Claim(ctx(t), deviceID(1), "nobody"), fault.NotFound)
	wantKind(t, "release what nobody has", s.Release(ctx(t), deviceID(1), "ada"), fault.Denied)
	for _, n := range []uint32{3, 1} {
		must(t, s.Claim(ctx(t), deviceID(n), "ada"))
		must(t, s.Claim(ctx(t), deviceID(n), "ada")) // again
	}
	wantKind(t, "claim somebody else's", s.Claim(ctx(t), deviceID(1), "bob"), fault.Denied)
	wantKind(t, "release somebody else's", s.Release(ctx(t), deviceID(1), "bob"), fault.Denied)
	wantKind(t, "release the unknown", s.Release(ctx(t), deviceID(9), "ada"), fault.NotFound)
	same(t, "ada's devices", idsOf(t, s, "ada"), []device.ID{deviceID(1), deviceID(3)})
	same(t, "bob's devices", idsOf(t, s, "bob"), nil)

	must(t, s.Rename(ctx(t), deviceID(1), "ada", "argon_one"))
	must(t, s.Release(ctx(t), deviceID(1), "ada"))
	must(t, s.Claim(ctx(t), deviceID(1), "bob"))
	got, err := s.Device(ctx(t), deviceID(1))
	must(t, err)
	same(t, "released and claimed device", got, device.Device{ID: deviceID(1), Owner: "bob", Created: noon()})
	_, err = s.KeyOf(ctx(t), deviceID(1))
	must(t, err)
}

func idsOf(t testing.TB, s *store.Store, owner account.ID) (ids []device.ID) {
	t.Helper()
	list, err := s.DevicesOf(ctx(t), owner)
	must(t, err)
	for _, d := range list {
		ids = append(ids, d.ID)
	}
	return ids
}

func names(t *testing.T, s *store.Store) {
	addUser(t, s, "ada")
	addUser(t, s, "bob")
	must(t, s.Provision(ctx(t), deviceID(1), key(1), "ada"))
	must(t, s.Provision(ctx(t), deviceID(2), key(2), "ada"))
	must(t, s.Provision(ctx(t), deviceID(3), key(3), "bob"))

	must(t, s.Rename(ctx(t), deviceID(1), "ada", "Küche Ä"))
	must(t, s.Rename(ctx(t), deviceID(3), "bob", "küche ä")) // another owner's may have the same
	got, err := s.DeviceByName(ctx(t), "ada", "KÜCHE ä")
	must(t, err)
	same(t, "device by name", got, device.Device{ID: deviceID(1), Name: "Küche Ä", Owner: "ada", Created: noon()})
	wantKind(t, "a name that is taken", s.Rename(ctx(t), deviceID(2), "ada", "küche ä"), fault.Conflict)
	must(t, s.Rename(ctx(t), deviceID(1), "ada", "KÜCHE Ä")) // its own, in another case
	wantKind(t, "somebody else's device", s.Rename(ctx(t), deviceID(1), "bob", "mine"), fault.Denied)
	wantKind(t, "an unknown device", s.Rename(ctx(t), deviceID(9), "ada", "mine"), fault.NotFound)
	wantKind(t, "an id as a name", s.Rename(ctx(t), deviceID(2), "ada", deviceID(1).String()), fault.Invalid)
	for _, name := range []string{"", "nothing"} {
		_, err = s.DeviceByName(ctx(t), "ada", name)
		wantKind(t, "name "+name, err, fault.NotFound)
	}
}

// notes are the owner's: nobody else writes them, and they go with him.
func notes(t *testing.T, s *store.Store) {
	addUser(t, s, "ada")
	addUser(t, s, "bob")
	id := deviceID(1)
	must(t, s.Provision(ctx(t), id, key(1), "ada"))
	for _, text := range []string{"cellar,\nbehind the boiler", ""} {
		must(t, s.Annotate(ctx(t), id, "ada", text))
		got, err := s.Device(ctx(t), id)
		must(t, err)
		same(t, "notes", got.Notes, text)
	}
	must(t, s.Annotate(ctx(t), id, "ada", "mine"))
	wantKind(t, "notes on somebody else's", s.Annotate(ctx(t), id, "bob", "his"), fault.Denied)
	wantKind(t, "notes on the unknown", s.Annotate(ctx(t), deviceID(9), "ada", "x"), fault.NotFound)
	list, err := s.DevicesOf(ctx(t), "ada")
	must(t, err)
	same(t, "notes in the list", list[0].Notes, "mine")
	must(t, s.Release(ctx(t), id, "ada"))
	must(t, s.Claim(ctx(t), id, "bob"))
	got, err := s.Device(ctx(t), id)
	must(t, err)
	same(t, "notes for the next owner", got.Notes, "")
}

// restarts are the owner's to allow, and a new owner has allowed none.
func restarts(t *testing.T, s *store.Store) {
	addUser(t, s, "ada")
	addUser(t, s, "bob")
	id := deviceID(1)
	must(t, s.Provision(ctx(t), id, key(1), "ada"))
	for _, want := range []device.Restarting{device.RestartDevice, device.RestartNever, device.RestartNetwork} {
		must(t, s.AllowRestart(ctx(t), id, "ada", want))
		got, err := s.Device(ctx(t), id)
		must(t, err)
		same(t, "what the owner allows", got.Restart, want)
	}
	wantKind(t, "somebody else's leave", s.AllowRestart(ctx(t), id, "bob", device.RestartDevice), fault.Denied)
	wantKind(t, "leave for the unknown", s.AllowRestart(ctx(t), deviceID(9), "ada", device.RestartDevice), fault.NotFound)
	must(t, s.Release(ctx(t), id, "ada"))
	must(t, s.Claim(ctx(t), id, "bob"))
	got, err := s.Device(ctx(t), id)
	must(t, err)
	same(t, "what the next owner allows", got.Restart, device.RestartNever)
}

func seen(t *testing.T, s *store.Store) {
	id := deviceID(1)
	must(t, s.TrustFirstUse(ctx(t), id, key(1)))
	want := device.Device{ID: id, Created: noon()}
	check := func(what string, updates ...store.DeviceUpdate) {
		t.Helper()
		for _, u := range updates {
			if !s.Seen(u) {
				t.Fatalf("%s: Seen is refused", what)
			}
		}
		must(t, s.Flush(ctx(t)))
		got, err := s.Device(ctx(t), id)
		must(t, err)
		same(t, what, got, want)
	}

	want.LastHeard, want.LastAddress = noon(), "[2001:db8::1]:5684"
	check("heard", store.DeviceUpdate{Device: id, Heard: want.LastHeard, Address: want.LastAddress})
	want.LastHandshake = noon().Add(time.Second)
	want.ProductID, want.PlatformID, want.Firmware, want.System = 65535, 12, 3, 6200
	check("hello, then an older note",
		store.DeviceUpdate{Device: id, Handshake: want.LastHandshake, Hello: &store.HelloFacts{ProductID: 65535, PlatformID: 12, Firmware: 3, System: 6200}},
		store.DeviceUpdate{Device: id, Heard: noon().Add(-time.Hour)})
	want.Describe = device.Describe{Functions: []string{"led", "blink"}, Variables: []device.Variable{{Name: "temp", Type: device.Double}}}
	want.DescribedAt = noon().Add(2 * time.Second)
	check("describe", store.DeviceUpdate{Device: id, Describe: &want.Describe, Described: want.DescribedAt})
	want.Describe, want.DescribedAt = device.Describe{}, noon().Add(3*time.Second)
	check("an empty describe, after others",
		store.DeviceUpdate{Device: id, Describe: &device.Describe{Functions: []string{"old"}}, Described: noon()},
		store.DeviceUpdate{Device: deviceID(9), Heard: noon()}, // unknown: passed over
		store.DeviceUpdate{Device: id, Describe: &device.Describe{}, Described: want.DescribedAt})
}
