package session

import (
	"net/netip"
	"reflect"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/dtls"
	"github.com/cyan-cloud/cyan/wire/sealed"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// fill sets every number, text, flag and array of numbers in a struct, and in
// the structs in it, to something that is not zero.
func fill(v reflect.Value, next *int) {
	switch v.Kind() {
	case reflect.Struct:
		for _, f := range v.Fields() {
			fill(reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr())).Elem(), next)
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), next)
		}
	case reflect.Bool:
		v.SetBool(true)
	case reflect.String:
		*next++
		v.SetString(string(rune('a' + *next%26)))
	case reflect.Int64, reflect.Int:
		*next++
		v.SetInt(int64(*next))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		*next++
		v.SetUint(uint64(*next % 250))
	}
}

// full is a session in which nothing is zero, so that what an export leaves
// out shows.
func full(tcp bool) *Session {
	s := &Session{}
	n := 1
	v := reflect.ValueOf(s).Elem()
	for i := range v.NumField() {
		f := v.Field(i)
		switch v.Type().Field(i).Name {
		case "secure", "hello", "app", "peer", "local", "tokens", "pending", "answered", "desk", "stream":
			continue // by hand
		}
		fill(reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr())).Elem(), &n)
	}
	s.phase, s.saving = startUp, 0
	if tcp {
		s.stream = new(sealed.Channel)
		fill(reflect.ValueOf(s.stream).Elem(), &n)
	} else {
		fill(reflect.ValueOf(&s.secure).Elem(), &n)
		s.secure.CID.Kind, s.secure.Moving, s.secure.DeviceID = dtls.DraftCID, false, [12]byte{}
		s.secure.WriteSeq, s.secure.Window = 77<<dtls.CountBits|5, dtls.Window{Top: 99, Mask: 0xf00f}
	}
	now := time.UnixMilli(1_790_000_000_123)
	hello, _ := spark.ParseHello((&spark.Hello{
		ProductID: 1, ProductVersion: 2, Flags: 3, PlatformID: 4, DeviceID: [12]byte{5}, HasDeviceID: true, SystemVersion: 6200, MaxMessage: 7, Size: 32,
	}).Append(nil))
	s.introduce(hello)
	app := "\nf\n\x00\n2\tv\n"
	s.app, s.reason = &app, share(device.NoAnswer)
	s.subscriptions = share(string(appendSubscription(nil, &spark.Subscription{Prefix: "p", Scope: spark.ScopeMine, CBOR: true})))
	s.peer, s.local = netip.MustParseAddrPort("[2001:db8::1]:5683"), share(netip.MustParseAddr("192.0.2.1"))
	for range 3 {
		_, _ = s.tokens.Take()
	}
	s.desk = fullDesk(now, &n)
	s.desk.ids.Seed(40000)
	_, _ = s.desk.ids.Next(now)
	s.desk.pending.Add(now, 7, 8, true, []byte("again"), coap.DeviceParams, 9)
	s.desk.answered.Remember(now, 11, []byte("answer"))
	s.desk.answered.Remember(now, 12, nil)
	return s
}

func fullDesk(now time.Time, n *int) *desk {
	d := &desk{calls: make([]call, 2), waiting: make([]Call, 1), stale: make([]staleToken, 2), held: make([]heldAnswer, 1)}
	for i := range d.calls {
		fill(reflect.ValueOf(&d.calls[i]).Elem(), n)
	}
	for i := range d.stale {
		fill(reflect.ValueOf(&d.stale[i]).Elem(), n)
	}
	d.waiting[0] = Call{ID: 1, Kind: Function, Name: "f", Argument: "x", On: true, Flags: 1, Deadline: time.UnixMilli(now.UnixMilli())}
	d.held[0] = heldAnswer{version: 3, id: 4, message: []byte("held")}
	fill(reflect.ValueOf(&d.climb).Elem(), n)
	fill(reflect.ValueOf(&d.deaf).Elem(), n)
	fill(reflect.ValueOf(&d.clock).Elem(), n)
	for _, b := range []**blocks{&d.blocks, &d.fetch} {
		*b, _, _ = (*blocks)(nil).add(now, &spark.DescribePart{
			ETag: []byte("e"), Payload: make([]byte, 512), HasBlock: true, Block: coap.Block{SZX: 5, More: true},
		})
	}
	return d
}

// TestHandOverForgetsNothing exports a session in which every field is set and
// adopts it: nothing is missing. Whoever adds a field to a session and not to
// carry is told so here.
func TestHandOverForgetsNothing(t *testing.T) {
	for name, tcp := range map[string]bool{"udp": false, "tcp": true} {
		t.Run(name, func(t *testing.T) {
			s := full(tcp)
			b, err := s.Export(nil)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Adopt(b)
			if err != nil {
				t.Fatal(err)
			}
			exported := cmp.Exporter(func(reflect.Type) bool { return true })
			if diff := cmp.Diff(s, got, exported); diff != "" {
				t.Error(diff)
			}
			again, err := got.Export(nil)
			if err != nil || !cmp.Equal(b, again) {
				t.Error("what was adopted is exported as something else", err)
			}
			t.Log(len(b), "bytes")
		})
	}
}

// TestAdoptAgainSaves has a session handed over whose record is on its way to
// the store: who adopts it sees to it that it is stored.
func TestAdoptAgainSaves(t *testing.T) {
	s := full(false)
	s.version, s.saved, s.saving, s.desk.clock.retryAt = 9, 8, 9, 0
	b, _ := s.Export(nil)
	got, err := Adopt(b)
	if err != nil || got.saving != 0 || got.desk.clock.retryAt == 0 {
		t.Fatalf("%v: it waits for a write of another process: saving %d, retry at %d", err, got.saving, got.desk.clock.retryAt)
	}
	var outs Outs
	got.expirePersist(time.UnixMilli(1_790_000_000_200), &outs)
	if len(outs.List) != 1 || outs.List[0].Kind != Persist || outs.List[0].Token != 9 {
		t.Errorf("%+v", outs.List)
	}
}

func FuzzAdopt(f *testing.F) {
	for _, tcp := range []bool{false, true} {
		b, _ := full(tcp).Export(nil)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Adopt(b)
		if err != nil {
			return
		}
		var outs Outs
		s.Step(time.UnixMilli(1_790_000_000_500), &In{Kind: Tick}, &outs)
		s.State(time.UnixMilli(1_790_000_000_500))
		if _, err := s.Export(nil); err != nil && s.phase != closed {
			t.Error("what was adopted cannot be exported:", err)
		}
	})
}

func BenchmarkHandOver(b *testing.B) {
	s := full(false)
	s.desk = nil
	s.id = device.ID{1}
	b.ReportAllocs()
	var buf []byte
	for range b.N {
		buf, _ = s.Export(buf[:0])
		if _, err := Adopt(buf); err != nil {
			b.Fatal(err)
		}
	}
}
