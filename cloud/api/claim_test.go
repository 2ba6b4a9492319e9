package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/bus/bustest"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// orphan puts a device into the store that has connected and is nobody's.
func (w *world) orphan(t *testing.T, n byte) device.ID {
	t.Helper()
	id := device.ID{0xe0, 0x0f, 0xce, 0x68, 11: n}
	key := device.Key{Algorithm: device.ECC, SPKI: append([]byte("key of "), id[:]...), Added: noon}
	if err := w.store.TrustFirstUse(t.Context(), id, key); err != nil {
		t.Fatal(err)
	}
	update := seenNow(id)
	update.Handshake = time.Now()
	w.store.Seen(update)
	if err := w.store.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	return id
}

// A device goes from hand to hand: claimed, claimed again, let go, claimed by
// somebody else; and the gateways hear of each step.
func TestClaimAndUnclaim(t *testing.T) {
	w := newWorld(t, nil)
	id := w.orphan(t, 0x51)
	bobs := "Authorization: Bearer " + bobToken
	claim := func(body string, headers ...string) reply { return w.do("POST", "/v1/devices", body, headers...) }
	for _, body := range []string{
		`{"id":"` + strings.ToUpper(id.String()) + `","request_transfer":false}`, "id=" + id.String(), // again, as old scripts do
	} {
		got := claim(body)
		var c rest.Claimed
		got.into(t, &c)
		want := rest.Claimed{OK: true, UserID: string(alice), ID: id.String()}
		if diff := cmp.Diff(want, c); got.status != http.StatusOK || diff != "" {
			t.Fatalf("status %d: %s", got.status, diff)
		}
	}
	if got := w.do("PUT", rest.PathDevice(id.String()), "name=orphan"); got.status != http.StatusOK {
		t.Fatal(got.body)
	}
	got := claim("id="+id.String(), bobs)
	e := got.fault(t)
	if got.status != http.StatusForbidden || e.Code != rest.CodeNotYours || !strings.Contains(e.Description, "belongs to someone else") {
		t.Errorf("somebody else's: status %d: %s", got.status, got.body)
	}
	if got := w.do("DELETE", rest.PathDevice("orphan"), "{}"); got.status != http.StatusOK || got.body != `{"ok":true}` {
		t.Errorf("unclaim: status %d: %s", got.status, got.body)
	}
	if got := w.do("GET", rest.PathDevice(id.String()), ""); got.status != http.StatusForbidden {
		t.Errorf("it can still be seen: status %d", got.status)
	}
	if got := claim(`{"id":"`+id.String()+`","request_transfer":true}`, bobs); got.status != http.StatusOK {
		t.Errorf("status %d: %s", got.status, got.body)
	}
	want := []bustest.Change{
		{Device: id, Owner: alice}, {Device: id, Owner: alice}, {Device: id}, {Device: id, Owner: bob},
	}
	w.eventually("all changes", func() bool { return cmp.Diff(want, w.gateway.Changes()) == "" })
	w.wantOwner(t, id, bob)
}

func (w *world) wantOwner(t *testing.T, id device.ID, want account.ID) {
	t.Helper()
	if d, err := w.store.Device(t.Context(), id); err != nil || d.Owner != want {
		t.Errorf("owner %q, want %q; error %v", d.Owner, want, err)
	}
}

// What is claimed is connected or not, as it is listed.
func TestClaimTellsWhetherItIsConnected(t *testing.T) {
	w := newWorld(t, nil)
	var c rest.Claimed
	w.do("POST", "/v1/devices", "id="+oven.String()).into(t, &c)
	if !c.Connected {
		t.Errorf("%+v", c)
	}
	w.do("POST", "/v1/devices", "id="+blank.String()).into(t, &c) // one's own, though it never came
	if c.Connected || !c.OK {
		t.Errorf("%+v", c)
	}
}

// An id that is registered and has never connected is nobody's to take.
func TestClaimNeedsADevice(t *testing.T) {
	w := newWorld(t, nil)
	if err := w.store.Release(t.Context(), blank, alice); err != nil {
		t.Fatal(err)
	}
	got := w.do("POST", "/v1/devices", "id="+blank.String())
	if e := got.fault(t); got.status != http.StatusNotFound || !strings.HasPrefix(e.Message, "Device not found") {
		t.Errorf("status %d: %s", got.status, got.body)
	}
	w.wantOwner(t, blank, "")
}

// say has a device say a claim code, as its gateway publishes it.
func (w *world) say(t *testing.T, id device.ID, owner account.ID, code string) {
	t.Helper()
	err := w.bus.Publish(&event.Event{
		ID: "e", Name: event.ClaimCode, Data: []byte(code), HasData: true, Device: id, Owner: owner, Published: time.Now(),
	})
	if err != nil {
		t.Fatal(err)
	}
}

// counted tells how often claim codes came to the outcome.
func (w *world) counted(outcome, times string) bool {
	w.t.Helper()
	body := w.do("GET", "/metrics", "", "Authorization: ").body
	return strings.Contains(body, `cyan_api_claim_codes_total{outcome="`+outcome+`"} `+times+"\n")
}

// A device that is being set up says the code that its owner got, once.
func TestClaimByCode(t *testing.T) {
	w := newWorld(t, nil)
	first, second := w.orphan(t, 0x61), w.orphan(t, 0x62)
	got := w.do("POST", "/v1/device_claims", "{}")
	var code rest.ClaimCode
	got.into(t, &code)
	want := []string{oven.String(), fridge.String(), blank.String()}
	if life := time.Until(code.ExpiresAt.Time); len(code.Code) != 63 || life > time.Hour || life < 59*time.Minute {
		t.Errorf("status %d: %s", got.status, got.body)
	}
	if diff := cmp.Diff(want, code.DeviceIDs); diff != "" {
		t.Error(diff)
	}
	w.say(t, lamp, bob, code.Code)
	w.eventually("bob's lamp is refused", func() bool { return w.counted("not_yours", "1") })
	w.say(t, first, "", code.Code+"\x00") // as devices send it, with its end
	w.eventually("the first is alice's", func() bool { return w.counted("ok", "1") })
	w.wantOwner(t, first, alice)
	w.eventually("the gateways know", func() bool {
		return cmp.Diff([]bustest.Change{{Device: first, Owner: alice}}, w.gateway.Changes()) == ""
	})
	w.say(t, second, "", code.Code)
	w.eventually("the code is used up", func() bool { return w.counted("unknown", "1") })
	w.wantOwner(t, second, "")
	w.wantOwner(t, lamp, bob)
}

// Nobody hears of claim codes, not even the owner of the device.
func TestClaimCodesAreShownToNobody(t *testing.T) {
	w := newWorld(t, nil)
	stream := w.subscribe("/v1/devices/events")
	stream.next() // what it is subscribed to
	w.say(t, oven, alice, "code")
	w.do("POST", "/v1/devices/events", "name=after")
	if f := stream.next(); f.Event != "after" {
		t.Errorf("heard %+v", f)
	}
}
