package bus

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"pgregory.net/rapid"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/event"
)

func drawID(t *rapid.T) (id device.ID) {
	copy(id[:], rapid.SliceOfN(rapid.Byte(), 12, 12).Draw(t, "id"))
	return id
}

func TestRequestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := request{
			id:       callID{rapid.Uint64().Draw(t, "caller"), rapid.Uint64().Draw(t, "count")},
			patience: time.Duration(rapid.Int64().Draw(t, "patience")),
			call: Call{
				Device: drawID(t), Kind: CallKind(rapid.Byte().Draw(t, "kind")), Name: rapid.String().Draw(t, "name"),
				Argument: rapid.String().Draw(t, "argument"), On: rapid.Bool().Draw(t, "on"),
				Flags: rapid.Byte().Draw(t, "flags"), Timeout: time.Duration(rapid.Int64().Draw(t, "timeout")),
				Request: rapid.String().Draw(t, "request"),
			},
		}
		got, err := decodeRequest(encodeRequest(&want))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(request{}, callID{})); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestDecodersRefuseWhatIsCutShort(t *testing.T) {
	states := map[device.ID]device.State{{1}: {Word: device.Online, Since: time.Unix(5, 0), Reason: "x"}}
	for name, c := range map[string]struct {
		whole  []byte
		decode func([]byte) error
	}{
		"request": {
			encodeRequest(&request{call: Call{Name: "f", Argument: "1"}}),
			func(b []byte) error { _, err := decodeRequest(b); return err },
		},
		"cancel": {encodeCancel(callID{1, 2}), func(b []byte) error { _, err := decodeCancel(b); return err }},
		"reply": {
			encodeReply(&Result{Value: TextValue("v")}, errStopped),
			func(b []byte) error { _, _, bad := decodeReply(b); return bad },
		},
		"ask":    {encodeAsk([]device.ID{{1}, {2}}), func(b []byte) error { _, err := decodeAsk(b); return err }},
		"states": {encodeStates(states), func(b []byte) error { return decodeStates(b, func(device.ID, device.State) {}) }},
		"announcement": {
			encodeAnnouncement(&announcement{kind: annChanges, from: "a", changes: []change{{device.ID{1}, true}}}),
			func(b []byte) error { _, err := decodeAnnouncement(b); return err },
		},
	} {
		if err := c.decode(c.whole); err != nil {
			t.Errorf("%s whole: %v", name, err)
		}
		for n := range c.whole {
			if c.decode(c.whole[:n:n]) == nil {
				t.Errorf("%s: its first %d bytes were taken for all of it", name, n)
			}
		}
		if c.decode(append(slices.Clip(c.whole), 0)) == nil {
			t.Errorf("%s: a byte too many was taken", name)
		}
	}
}

// FuzzDecode gives every decoder the same bytes: none may panic, nor make
// more of them than they are.
func FuzzDecode(f *testing.F) {
	f.Add(encodeRequest(&request{call: Call{Name: "f"}}))
	f.Add(encodeReply(&Result{Value: DoubleValue(1)}, errStopped))
	f.Add(encodeAsk([]device.ID{{1}}))
	f.Add(encodeStates(map[device.ID]device.State{{1}: {}}))
	f.Add(encodeAnnouncement(&announcement{kind: annAlive, from: "a"}))
	f.Add(encodeAnnouncement(&announcement{kind: annChanges, from: "a", changes: []change{{held: true}}}))
	f.Add([]byte{Version + 1, annAlive, 3, 'o', '-', '1', 99})
	bystander, err := newBus(Config{Heir: true}) // one that says nothing
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		decodeRequest(b)
		decodeCancel(b)
		decodeReply(b)
		if ids, err := decodeAsk(b); err == nil && len(ids)*12 > len(b) {
			t.Errorf("%d devices out of %d bytes", len(ids), len(b))
		}
		decodeStates(b, func(device.ID, device.State) {})
		if a, err := decodeAnnouncement(b); err == nil && len(a.changes)*13 > len(b) {
			t.Errorf("%d changes out of %d bytes", len(a.changes), len(b))
		}
		heard := 0
		if u := eachEvent(b, func(*event.Event) { heard++ }); (heard+u.malformed+u.other)*frameHead > len(b)+frameHead {
			t.Errorf("%d events, %d malformed and %d of another version out of %d bytes", heard, u.malformed, u.other, len(b))
		}
		bystander.heard(&nats.Msg{Data: b})
		bystander.changed(&nats.Msg{Data: b})
		bystander.revoked(&nats.Msg{Data: b})
	})
}
