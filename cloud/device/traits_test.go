package device_test

import (
	"testing"

	"github.com/cyan-cloud/cyan/cloud/device"
)

func TestSystemVersion(t *testing.T) {
	for module, want := range map[uint16]string{0: "", 6200: "6.2.0", 5000: "5.0.0", 3301: "3.3"} {
		if got := device.SystemVersion(module); got != want {
			t.Errorf("%d is %q, want %q", module, got, want)
		}
	}
}
