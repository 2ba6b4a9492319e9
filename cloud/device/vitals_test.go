package device_test

import (
	"testing"

	"github.com/cyan-cloud/cyan/cloud/device"
)

func TestVitalsPayload(t *testing.T) {
	got := string(device.VitalsPayload([]device.Metric{
		{ID: 6, Value: 120}, {ID: 25, Value: 160000}, {ID: 26, Value: 90000}, {ID: 31, Failed: true, Value: -210}, {ID: 4000, Value: -7},
	}))
	want := `{"device":{"cloud":{"coap":{"round_trip":{"err":-210}}},"raw":{"4000":-7},` +
		`"system":{"memory":{"total":160000,"used":90000},"uptime":120}},"service":{"device":{"status":"ok"}}}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
