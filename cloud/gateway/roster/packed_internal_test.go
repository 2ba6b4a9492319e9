package roster

import (
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cyan-cloud/cyan/cloud/device"
)

// packedBudget is how many bytes a device may take in the table.
const packedBudget = 68

func TestPackedIsSmall(t *testing.T) {
	n := unsafe.Sizeof(packed{})
	t.Logf("%d bytes for a device", n)
	if n > packedBudget {
		t.Errorf("%d bytes for a device in the table, at most %d are wanted", n, packedBudget)
	}
}

// TestPackedKeepsStates packs states, one over the other, and compares what
// comes out.
func TestPackedKeepsStates(t *testing.T) {
	at := rapid.Custom(func(t *rapid.T) time.Time {
		if ms := rapid.Int64Range(0, 1<<47).Draw(t, "ms"); ms != 0 {
			return time.UnixMilli(ms).UTC()
		}
		return time.Time{}
	})
	rapid.Check(t, func(t *rapid.T) {
		tab := New()
		for range 3 {
			id := device.ID{11: byte(rapid.IntRange(0, 1).Draw(t, "id"))}
			want := device.State{
				Word: device.Word(rapid.IntRange(0, int(device.Unknown)).Draw(t, "word")), Since: at.Draw(t, "since"),
				Reason:   rapid.SampledFrom([]device.Reason{device.ReasonNone, device.NoAnswer, device.DeviceSleep, "another"}).Draw(t, "reason"),
				LastSeen: at.Draw(t, "seen"), ProvenAt: at.Draw(t, "proven"),
				KeepAlive: time.Duration(rapid.Uint16().Draw(t, "keep-alive")) * time.Second,
				Transport: rapid.SampledFrom([]string{"", "tcp", "udp"}).Draw(t, "transport"),
				Address: rapid.SampledFrom([]string{
					"", "192.0.2.1:5684", "[2001:db8::1]:1", "[::ffff:192.0.2.1]:2", "[fe80::1%eth0]:3", "somewhere", "0.0.0.0:0",
				}).Draw(t, "address"),
				Until: at.Draw(t, "until"),
			}
			tab.Show(id, 1, &want)
			e, ok := tab.Holder(id)
			if diff := cmp.Diff(want, e.State); !ok || diff != "" {
				t.Fatal(diff)
			}
		}
	})
}
