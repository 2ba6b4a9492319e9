package rest_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/wire/rest"
)

func TestTimeAndText(t *testing.T) {
	type both struct {
		At   rest.Time
		Name rest.Text
	}
	at := time.Date(2016, 7, 24, 14, 50, 58, 387_654_321, time.FixedZone("CEST", 7200))
	for _, c := range []struct {
		in   both
		json string
	}{
		{both{rest.At(at), `"oven"`}, `{"At":"2016-07-24T12:50:58.387Z","Name":"\"oven\""}`},
		{both{}, `{"At":null,"Name":null}`},
	} {
		got, err := json.Marshal(c.in)
		if err != nil || string(got) != c.json {
			t.Errorf("%s, error %v; want %s", got, err, c.json)
		}
		var back both
		if err := json.Unmarshal(got, &back); err != nil {
			t.Fatal(err)
		}
		if back.Name != c.in.Name || !back.At.Equal(c.in.At.Truncate(time.Millisecond)) {
			t.Errorf("read back as %v", back)
		}
	}
	if rest.At(time.Time{}).String() != "" {
		t.Error("the zero time has a text")
	}
	for _, bad := range []string{`{"At":"yesterday"}`, `{"At":5}`, `{"Name":5}`} {
		if json.Unmarshal([]byte(bad), new(both)) == nil {
			t.Errorf("%s was read", bad)
		}
	}
	var local both
	if err := json.Unmarshal([]byte(`{"At":"2016-07-24T14:50:58+02:00"}`), &local); err != nil {
		t.Fatal(err)
	}
	if got := local.At.String(); got != "2016-07-24T12:50:58.000Z" {
		t.Errorf("another zone: %s", got)
	}
}

func TestPaths(t *testing.T) {
	for want, got := range map[string]string{
		"/v1/devices/my%20oven":                 rest.PathDevice("my oven"),
		"/v1/devices/oven/temp":                 rest.PathVariable("oven", "temp"),
		"/v1/devices/oven/a%2Fb":                rest.PathFunction("oven", "a/b"),
		"/v1/devices/oven/ping":                 rest.PathPing("oven"),
		"/v1/devices/oven/attempts":             rest.PathAttempts("oven"),
		"/v1/devices/oven/events":               rest.PathDeviceEvents("oven", ""),
		"/v1/devices/oven/events/temp%2Fki":     rest.PathDeviceEvents("oven", "temp/ki"),
		"/v1/devices/events":                    rest.PathMyEvents(""),
		"/v1/devices/events/temp":               rest.PathMyEvents("temp"),
		"/v1/events/temp":                       rest.PathAllEvents("temp"),
		"/v1/provisioning/e00fce680000000000ab": rest.PathProvision("e00fce680000000000ab"),
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// Programs compare these fields: a device without them reads as broken.
func TestDeviceHasAllFields(t *testing.T) {
	got, err := json.Marshal(rest.Device{ID: "e00fce681fffffffc08949b2", Status: "normal"})
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(got, &fields); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"id", "name", "connected", "online", "product_id", "platform_id", "functions", "variables", "owner",
		"last_ip_address", "last_heard", "last_handshake_at", "cellular", "notes", "status", "serial_number",
		"system_firmware_version", "current_build_target", "default_build_target", "firmware_updates_enabled",
		"firmware_updates_forced", "mobile_secret", "denied", "development", "firmware_product_id", "groups",
		"quarantined", "targeted_firmware_release_version",
	} {
		if _, ok := fields[name]; !ok {
			t.Errorf("%s is missing", name)
		}
	}
}

func TestErrorBody(t *testing.T) {
	body, err := json.Marshal(rest.Error{Message: "Timed out. It is off.", Description: "It is off.", Code: rest.CodeNotConnected, RequestID: "r"})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"ok":false,"error":"Timed out. It is off.","error_description":"It is off.","code":"not_connected","request_id":"r"}`
	if diff := cmp.Diff(want, string(body)); diff != "" {
		t.Error(diff)
	}
}
