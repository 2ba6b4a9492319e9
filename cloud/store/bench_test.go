package store_test

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/store"
)

// fill registers n devices, each with a session of 300 bytes.
func fill(b *testing.B, s *store.Store, n int) []device.ID {
	b.Helper()
	ids := make([]device.ID, n)
	for i := range ids {
		// Scattered, as the ids of real devices are.
		binary.BigEndian.PutUint64(ids[i][:], uint64(i+1)*0x9e3779b97f4a7c15)
	}
	must(b, store.InsertDevices(s, ids))
	saveAll(b, s, ids, 0)
	return ids
}

// saveAll saves a fresh session of every device, as fast as they are taken.
func saveAll(b *testing.B, s *store.Store, ids []device.ID, round int) {
	b.Helper()
	failed := make(chan error, 1)
	for i, id := range ids {
		blob := make([]byte, 300)
		binary.BigEndian.PutUint64(blob, uint64(round)<<32|uint64(i)) // a value that is not there yet: else nothing is written
		row := store.SessionRow{Device: id, CID: [8]byte{1}, Transport: "udp", Generation: uint32(round), Blob: blob, Updated: time.Now()}
		done := func(err error) {
			if err != nil {
				select {
				case failed <- err:
				default:
				}
			}
		}
		for !s.SaveSession(row, done) {
			must(b, s.Flush(b.Context()))
		}
	}
	must(b, s.Flush(b.Context()))
	select {
	case err := <-failed:
		b.Fatal(err)
	default:
	}
}

// BenchmarkSave is durable saves of sessions: as many at once as the queue
// takes, and one at a time.
func BenchmarkSave(b *testing.B) {
	for _, devices := range []int{10_000, 100_000} {
		b.Run(fmt.Sprintf("%d devices", devices), func(b *testing.B) {
			s, _ := openFile(b, store.Config{})
			ids := fill(b, s, devices)
			rows, start := 0, time.Now()
			for round := 1; b.Loop(); round++ {
				saveAll(b, s, ids, round)
				rows += len(ids)
			}
			b.ReportMetric(float64(rows)/time.Since(start).Seconds(), "rows/s")
		})
	}
	b.Run("one at a time", func(b *testing.B) {
		s, _ := openFile(b, store.Config{})
		ids := fill(b, s, 10_000)
		for n := uint32(1); b.Loop(); n++ {
			must(b, trySave(b, s, store.SessionRow{Device: ids[int(n)%len(ids)], CID: [8]byte{1}, Generation: n, Blob: ids[n%10][:]}))
		}
	})
}

// BenchmarkAdopt is the adoption of 100,000 sessions after a crash.
func BenchmarkAdopt(b *testing.B) {
	s, _ := openFile(b, store.Config{})
	ids := fill(b, s, 100_000)
	for b.Loop() {
		n := 0
		must(b, s.AdoptSessions(b.Context(), time.Now(), func(store.SessionRow) error { n++; return nil }))
		if n != len(ids) {
			b.Fatalf("%d sessions adopted, want %d", n, len(ids))
		}
	}
}

// BenchmarkHolders is the look-up that every handshake makes, alone and as it
// is when many come at once; the time is that of one key.
func BenchmarkHolders(b *testing.B) {
	s, _ := openFile(b, store.Config{})
	var keys []device.Fingerprint
	for n := range uint32(1000) {
		id := addDevice(b, s, n)
		keys = append(keys, device.FingerprintOf(id[:]))
	}
	for _, together := range []int{1, 4, 16, 64} {
		b.Run(fmt.Sprintf("%d together", together), func(b *testing.B) {
			for i := 0; i < b.N; i += together {
				at := i % (len(keys) - together)
				found, err := s.Holders(b.Context(), keys[at:at+together])
				must(b, err)
				if found[0].Device.IsZero() {
					b.Fatal("the first is not found")
				}
			}
		})
	}
}
