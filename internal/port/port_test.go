package port_test

import (
	"net"
	"testing"

	"github.com/cyan-cloud/cyan/internal/port"
)

// TestFree: what somebody is given is free, and nobody else is given it, also
// while he is not there.
func TestFree(t *testing.T) {
	t.Parallel()
	given := map[string]bool{}
	for range 300 {
		at := port.Free(t)
		if given[at] {
			t.Errorf("%s is given twice", at)
		}
		given[at] = true
		l, err := net.Listen("tcp", at)
		if err != nil {
			t.Error("it is not free:", err)
			continue
		}
		_ = l.Close()
	}
}
