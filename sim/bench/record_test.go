package bench

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRecordTellsWhatBecameWorse(t *testing.T) {
	dir := t.TempDir()
	here := Run{Bench: "call", Machine: "linux/amd64 test", Cores: 2}
	elsewhere := `[{"bench":"call","machine":"another","cores":2,"p50_us":1,"calls_per_s":1000000}]`
	if err := os.WriteFile(filepath.Join(dir, "99999999-000000.json"), []byte(elsewhere), 0o600); err != nil {
		t.Fatal(err)
	}
	first := []Result{
		&CallsResult{Run: here, P50: 100, Ratio: 1.5, PerSecond: 5000, ServerCPU: 50},
		&HandshakeResult{Run: Run{Bench: "handshake"}, Transport: "dtls", Ratio: 1.4},
		&HandshakeResult{Run: Run{Bench: "handshake"}, Transport: "tcp", Ratio: 1.1},
		&IdleResult{Run: Run{Bench: "idle"}, Devices: 1_000_000, BytesPerDevice: 1000},
		&IdleResult{Run: Run{Bench: "idle"}, Devices: 1000, BytesPerDevice: 2500},
	}
	file, worse, err := Record(dir, first)
	if err != nil || len(worse) != 0 {
		t.Fatalf("the first time: %v, %v", worse, err)
	}
	// Named by the second: the next one must not take its place.
	if err := os.Rename(file, filepath.Join(dir, "20260101-000000.json")); err != nil {
		t.Fatal(err)
	}
	_, worse, err = Record(dir, []Result{
		&CallsResult{Run: here, P50: 900, Ratio: 2, PerSecond: 3000, ServerCPU: 70},
		&HandshakeResult{Run: Run{Bench: "handshake"}, Transport: "dtls", Ratio: 1.5},
		&HandshakeResult{Run: Run{Bench: "handshake"}, Transport: "tcp", Ratio: 1.4},
		&IdleResult{Run: Run{Bench: "idle"}, Devices: 1000, BytesPerDevice: 4000},
		&IdleResult{Run: Run{Bench: "idle"}, Devices: 10, BytesPerDevice: 90000}, // with nothing to compare it with
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{
		"call: p50_ratio was 1.5 and is 2", "call: calls_per_s was 5000 and is 3000", "call: server_cpu_us was 50 and is 70",
		"handshake on tcp: ratio was 1.1 and is 1.4", "idle of 1000 devices: bytes_per_device was 2500 and is 4000",
	}, worse); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRecordOfADamagedFolder(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "20260101-000000.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Record(dir, []Result{&CallsResult{}}); err == nil {
		t.Error("a damaged file was read")
	}
}

// TestSlowerMachine records on a machine that takes half as long again for
// everything: nothing has become worse by that, but what takes longer still has,
// and what is not faster where the machine is.
func TestSlowerMachine(t *testing.T) {
	record := func(crypto, cpu, perS float64, bytes int) []object {
		list, err := asObjects([]Result{
			&HandshakeResult{Run: Run{Bench: "handshake"}, Transport: "dtls", CryptoCPU: crypto, ServerCPU: 1.5 * crypto, Ratio: 1.5},
			&CallsResult{Run: Run{Bench: "call"}, ServerCPU: cpu, PerSecond: perS},
			&IdleResult{Run: Run{Bench: "idle"}, BytesPerDevice: bytes},
		})
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	last := record(240, 200, 6000, 1000)
	for name, c := range map[string]struct {
		now  []object
		want []string
	}{
		"all of it half as long again": {record(360, 300, 4000, 1000), nil},
		"and calls worse than that": {record(360, 380, 3000, 1300), []string{
			"call: calls_per_s was 6000 and is 3000, and the machine takes 1.50 times as long as then",
			"call: server_cpu_us was 200 and is 380, and the machine takes 1.50 times as long as then",
			"idle: bytes_per_device was 1000 and is 1300",
		}},
		"a faster one, and calls as before": {record(160, 200, 6000, 1000), []string{
			"call: calls_per_s was 6000 and is 6000, and the machine takes 0.67 times as long as then",
			"call: server_cpu_us was 200 and is 200, and the machine takes 0.67 times as long as then",
		}},
	} {
		if diff := cmp.Diff(c.want, compare([][]object{record(100, 1, 1, 1)[:1], last}, c.now)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
