package lane

import (
	"errors"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
)

// handMemory gives what a lane remembers to a new one.
func handMemory(t *testing.T, now time.Time, from *Lane) *Lane {
	t.Helper()
	to := New(Config{})
	err := from.Memory(now, func(_ device.ID, _ [8]byte, b []byte) error { return to.Remember(b) })
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// TestMemory hands a lane's memory over while a device must not be asked, one
// has been started over as often as it may be, and a source may not go on:
// nothing of that begins anew.
func TestMemory(t *testing.T) {
	now := time.Date(2026, 11, 22, 5, 0, 0, 123e6, time.UTC)
	sore, lame, source := device.ID{1}, device.ID{2}, netip.MustParseAddrPort("192.0.2.7:999")
	l := New(Config{})
	for range breaksEach {
		l.questioned(now, &conn{device: sore})
		l.broke(now.Add(time.Second), sore)
	}
	for l.ward.mayStartOver(now, lame) {
	}
	for l.welcome(now, source, true) {
		l.sources.fail(now, source, time.Minute/time.Duration(l.cfg.Failures))
	}
	now = now.Add(time.Second / 2)
	l = handMemory(t, now, l)
	if p := l.ward.patients[sore]; p == nil || !now.Before(p.avoidUntil) {
		t.Error("a device that cannot bear a question is asked again")
	}
	if l.ward.mayStartOver(now, lame) {
		t.Error("a device is started over once more")
	}
	for range 6 { // for the half second
		l.sources.fail(now, source, time.Minute/time.Duration(l.cfg.Failures))
	}
	if l.welcome(now, source, true) {
		t.Error("a source that fails all the time begins anew")
	}
	if !l.ward.mayStartOver(now.Add(healWindow+time.Second), lame) || !l.welcome(now.Add(2*time.Minute), source, true) {
		t.Error("what was remembered is never forgotten")
	}
	if l = handMemory(t, now.Add(2*avoidFor), l); len(l.ward.patients)+len(l.sources.failed) > 0 {
		t.Errorf("what is over was handed over: %d devices, %d sources", len(l.ward.patients), len(l.sources.failed))
	}
	if err := l.Remember([]byte{3, 1, 2, 3}); !errors.Is(err, ErrExport) {
		t.Errorf("nonsense was remembered: %v", err)
	}
}

// TestMemoryIsBounded has a lane remember more than it has room for.
func TestMemoryIsBounded(t *testing.T) {
	now := time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC)
	to := New(Config{})
	for round := range byte(3) {
		from := New(Config{})
		for i := range maxFailing {
			a := netip.AddrFrom4([4]byte{10, round, byte(i >> 8), byte(i)})
			from.sources.fail(now, netip.AddrPortFrom(a, 1), time.Minute)
			from.ward.patients[device.ID{round, byte(i >> 8), byte(i)}] = &patient{lostAt: now}
		}
		err := from.Memory(now, func(_ device.ID, _ [8]byte, b []byte) error { return to.Remember(b) })
		if err != nil {
			t.Fatal(err)
		}
	}
	if n := len(to.sources.failed) + len(to.sources.before); n > 2*maxFailing || len(to.ward.patients) > maxPatients {
		t.Errorf("%d sources and %d devices are remembered", n, len(to.ward.patients))
	}
}

// TestLingered: the map of those that linger is given up after a storm, and not
// whenever one has gone.
func TestLingered(t *testing.T) {
	for _, c := range []struct {
		many  int
		given bool
	}{{manyLingered, false}, {manyLingered + 1, true}} {
		l := New(Config{})
		before := reflect.ValueOf(l.shaking).Pointer()
		var all []*conn
		for i := range c.many {
			gate := netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}), uint16(i))
			all = append(all, &conn{shake: &handshake{gate: gate}})
			l.linger(all[i])
		}
		for i, one := range all {
			if l.shaking[one.shake.gate] != one || reflect.ValueOf(l.shaking).Pointer() != before {
				t.Fatalf("handshake %d of %d is not found", i, c.many)
			}
			l.forgetShake(one)
		}
		if given := reflect.ValueOf(l.shaking).Pointer() != before; given != c.given || len(l.shaking) != 0 {
			t.Errorf("after %d handshakes: %d, given up: %v", c.many, len(l.shaking), given)
		}
	}
}
