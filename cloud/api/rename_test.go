package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/cyan-cloud/cyan/wire/rest"
)

// A device answers to its new name at once, and no longer to the old one.
func TestRename(t *testing.T) {
	w := newWorld(t, nil)
	got := w.do("PUT", "/v1/devices/oven", `{"name":"Smoker"}`, "Content-Type: application/json")
	if got.status != http.StatusOK || !strings.HasPrefix(got.body, `{"id":"`+oven.String()+`","name":"Smoker","updated_at":"2`) {
		t.Fatalf("status %d: %s", got.status, got.body)
	}
	if got := w.do("GET", "/v1/devices/smoker", ""); got.status != http.StatusOK || !strings.Contains(got.body, `"name":"Smoker"`) {
		t.Errorf("by the new name: status %d: %s", got.status, got.body)
	}
	if got := w.do("GET", "/v1/devices/oven", ""); got.status != http.StatusForbidden {
		t.Errorf("by the old name: status %d: %s", got.status, got.body)
	}
	if got := w.do("PUT", "/v1/devices/"+oven.String(), "name=Smoker"); got.status != http.StatusOK {
		t.Errorf("the same name again: status %d: %s", got.status, got.body)
	}
}

func TestRenameIsRefused(t *testing.T) {
	w := newWorld(t, nil)
	for name, c := range map[string]struct {
		device, body string
		status       int
		code         string
	}{
		"to another's name":      {"oven", "name=OLD+FRIDGE", http.StatusConflict, "conflict"},
		"to nothing":             {"oven", "name=", http.StatusBadRequest, "invalid"},
		"to an id":               {"oven", "name=" + fridge.String(), http.StatusBadRequest, "invalid"},
		"unknown device":         {"toaster", "name=a", http.StatusForbidden, rest.CodeDeviceUnknown},
		"someone else's device":  {lamp.String(), "name=a", http.StatusForbidden, rest.CodeDeviceUnknown},
		"a signal, not a name":   {"oven", "signal=1", http.StatusNotImplemented, rest.CodeNotImplemented},
		"without anything to do": {"oven", "", http.StatusNotImplemented, rest.CodeNotImplemented},
	} {
		t.Run(name, func(t *testing.T) {
			got := w.do("PUT", "/v1/devices/"+c.device, c.body)
			if e := got.fault(t); got.status != c.status || e.Code != c.code {
				t.Errorf("status %d, code %s: %s", got.status, e.Code, e.Message)
			}
		})
	}
	if got := w.do("GET", "/v1/devices/oven", ""); got.status != http.StatusOK {
		t.Errorf("its name is gone: %s", got.body)
	}
}
