package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/cloud/bus"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// update changes a device and reads what has changed; updated_at must be now
// where there is one.
func (w *world) update(t *testing.T, device, body string) rest.DeviceUpdated {
	t.Helper()
	got := w.do("PUT", "/v1/devices/"+device, body)
	if got.status != http.StatusOK {
		t.Fatalf("%s: status %d: %s", body, got.status, got.body)
	}
	var u rest.DeviceUpdated
	got.into(t, &u)
	if at := u.UpdatedAt; !at.IsZero() && time.Since(at.Time) > time.Minute {
		t.Errorf("updated at %v", at)
	}
	return u
}

// A device is renamed as every client does it, and is found by the new name
// from then on.
func TestRename(t *testing.T) {
	w := newWorld(t, nil)
	from := "oven"
	for _, c := range []struct{ body, name string }{
		{`{"name":"Backofen"}`, "Backofen"},
		{"name=my+oven", "my oven"},
		{"name=MY+OVEN", "MY OVEN"}, // its own name in another case
		{"name=K%C3%BCche", "Küche"},
	} {
		u := w.update(t, oven.String(), c.body)
		if u.ID != oven.String() || u.Name == nil || *u.Name != c.name || u.UpdatedAt.IsZero() || u.Signaling != nil {
			t.Errorf("%s: %+v", c.body, u)
		}
		var d rest.Device
		w.do("GET", rest.PathDevice(c.name), "").into(t, &d)
		if d.ID != oven.String() || string(d.Name) != c.name {
			t.Errorf("%s is %+v", c.name, d)
		}
	}
	if got := w.do("GET", "/v1/devices/"+from, ""); got.status != http.StatusForbidden {
		t.Errorf("the old name is still good: status %d", got.status)
	}
}

func TestNotes(t *testing.T) {
	w := newWorld(t, nil)
	for _, text := range []string{"behind the boiler", ""} {
		u := w.update(t, "oven", `{"notes":`+jsonText(text)+`}`)
		if u.Notes == nil || *u.Notes != text || u.Name != nil || u.UpdatedAt.IsZero() {
			t.Errorf("%+v", u)
		}
		var d rest.Device
		w.do("GET", "/v1/devices/oven", "").into(t, &d)
		if string(d.Notes) != text {
			t.Errorf("notes %q, want %q", d.Notes, text)
		}
	}
}

func TestSignal(t *testing.T) {
	w := newWorld(t, nil)
	for body, on := range map[string]bool{
		`{"signal":"1"}`: true, `{"signal":"0"}`: false, "signal=1": true, "signal=0": false, `{"signal":true}`: true,
	} {
		u := w.update(t, "oven", body)
		if u.Connected == nil || !*u.Connected || u.Signaling == nil || *u.Signaling != on || !u.UpdatedAt.IsZero() {
			t.Errorf("%s: %+v", body, u)
		}
		calls := w.gateway.Calls()
		want := bus.Call{Device: oven, Kind: bus.Signal, On: on, Timeout: 20 * time.Second, Request: "test"}
		if diff := cmp.Diff(want, calls[len(calls)-1]); diff != "" {
			t.Error(diff)
		}
	}
}

// A signal that does not arrive leaves the name as it was: the request has
// failed as a whole.
func TestSignalAndNameTogether(t *testing.T) {
	w := newWorld(t, nil)
	if got := w.do("PUT", "/v1/devices/old%20fridge", `{"name":"new","signal":"1"}`); got.status != http.StatusRequestTimeout {
		t.Errorf("status %d: %s", got.status, got.body)
	}
	if got := w.do("GET", "/v1/devices/old%20fridge", ""); got.status != http.StatusOK {
		t.Errorf("it was renamed: %s", got.body)
	}
	u := w.update(t, "oven", `{"name":"new","notes":"n","signal":"1"}`)
	if u.Name == nil || u.Notes == nil || u.Signaling == nil {
		t.Errorf("%+v", u)
	}
}
