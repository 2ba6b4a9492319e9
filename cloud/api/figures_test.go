package api_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/api"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/store"
)

// BenchmarkOffline calls a device that is offline, and shows how long the
// slowest in a hundred waits.
func BenchmarkOffline(b *testing.B) {
	w := benchWorld(b)
	var took []time.Duration
	for b.Loop() {
		start := time.Now()
		if got := w.do("POST", "/v1/devices/old%20fridge/reset", ""); got.status != http.StatusRequestTimeout {
			b.Fatal(got.body)
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}

// BenchmarkLogin logs in; the time is that of the password's hash, by design.
func BenchmarkLogin(b *testing.B) {
	w := benchWorld(b)
	for b.Loop() {
		got := w.do("POST", "/oauth/token", "grant_type=password&username=alice@example.com&password=correct+horse&client_id=x&client_secret=x")
		if got.status != http.StatusOK {
			b.Fatal(got.body)
		}
	}
}

// BenchmarkListThousand lists a thousand devices, as `particle list` begins.
func BenchmarkListThousand(b *testing.B) {
	w := benchWorld(b)
	for i := range 1000 {
		id := device.ID{0xe0, 1, byte(i >> 8), byte(i), 11: 9}
		key := device.Key{Algorithm: device.ECC, SPKI: append([]byte("key of "), id[:]...), Added: noon}
		if err := w.store.Provision(b.Context(), id, key, alice); err != nil {
			b.Fatal(err)
		}
		w.store.Seen(store.DeviceUpdate{Device: id, Heard: noon, Describe: &device.Describe{Functions: []string{"a", "b"}}, Described: noon})
	}
	if err := w.store.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if got := w.do("GET", "/v1/devices", ""); got.status != http.StatusOK {
			b.Fatal(got.body)
		}
	}
}

func benchWorld(b *testing.B) *world {
	b.Helper()
	return newWorld(b, func(cfg *api.Config) { cfg.MaxLogins = -1 })
}
