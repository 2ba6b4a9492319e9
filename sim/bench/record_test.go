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
		&CallsResult{Run: here, P50: 100, PerSecond: 5000, ServerCPU: 50},
		&HandshakeResult{Run: Run{Bench: "handshake"}, Transport: "dtls", Ratio: 1.4},
		&HandshakeResult{Run: Run{Bench: "handshake"}, Transport: "tcp", Ratio: 1.1},
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
		&CallsResult{Run: here, P50: 110, PerSecond: 3000, ServerCPU: 70},
		&HandshakeResult{Run: Run{Bench: "handshake"}, Transport: "dtls", Ratio: 1.5},
		&HandshakeResult{Run: Run{Bench: "handshake"}, Transport: "tcp", Ratio: 1.4},
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{
		"call: calls_per_s was 5000 and is 3000", "call: server_cpu_us was 50 and is 70", "handshake on tcp: ratio was 1.1 and is 1.4",
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
