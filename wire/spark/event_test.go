package spark_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// TestEventBytes are the layouts of the generations, from both ends.
func TestEventBytes(t *testing.T) {
	text := spark.Event{Name: "vdev/tick", Data: []byte("1"), HasData: true, TTL: 60}
	json := text
	json.TTL, json.HasFormat, json.ContentFormat = 3600, true, spark.FormatJSON
	bare := spark.Event{Name: "a", TTL: 60, Public: true}
	const name = "09 766465762f7469636b"
	for _, tc := range []struct {
		what   string
		event  spark.Event
		layout spark.EventLayout
		want   string
	}{
		{"published by any device", text, spark.PublishLayout(0), "4002 0010 b145" + name + "ff31"},
		{"published by 2.x with a TTL", json, spark.PublishLayout(0), "4002 0010 b145" + name + "33 000e10 ff31"},
		{"published by 5.x with a TTL", json, spark.PublishLayout(5901), "4002 0010 b145" + name + "33 000e10 ff31"},
		{"published by 6.2", json, spark.PublishLayout(6200), "4002 0010 b145" + name + "11 32 22 0e10 ff31"},
		{"delivered to 2.x", json, spark.DeliveryLayout(0), "4002 0010 b145" + name + "ff31"},
		{"delivered to 6.2", json, spark.DeliveryLayout(6200), "4002 0010 b145" + name + "11 32 ff31"},
		{"in segments", text, spark.EventLayout{Split: true}, "4002 0010 b145 0476646576 047469636b ff31"},
		{"age always", text, spark.EventLayout{Age: spark.AgeAlways}, "4002 0010 b145" + name + "31 3c ff31"},
		{"public, without data", bare, spark.DeliveryLayout(6200), "4002 0010 b165 0161"},
	} {
		got := must(t)(spark.AppendEvent(nil, coap.Confirmable, 0x10, &tc.event, tc.layout))
		if want := unhex(t, tc.want); !bytes.Equal(got, want) {
			t.Errorf("%s: %x, want %x", tc.what, got, want)
		}
	}
}

func TestAppendEventRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		event  spark.Event
		layout spark.EventLayout
		want   error
	}{
		"no name":             {spark.Event{}, spark.EventLayout{}, spark.ErrName},
		"empty first segment": {spark.Event{Name: "/a"}, spark.EventLayout{Split: true}, spark.ErrName},
		"too much data":       {spark.Event{Name: "a", Data: make([]byte, 1025)}, spark.EventLayout{}, spark.ErrTooLong},
		"too long a life":     {spark.Event{Name: "a", TTL: 1 << 24}, spark.EventLayout{}, spark.ErrOption},
	} {
		got, err := spark.AppendEvent([]byte("x"), coap.Confirmable, 1, &tc.event, tc.layout)
		if !errors.Is(err, tc.want) || string(got) != "x" {
			t.Errorf("%s: %x, %v", name, got, err)
		}
	}
}

func TestParseEvent(t *testing.T) {
	for _, tc := range []struct {
		name, hex string
		want      spark.Event
	}{
		{"plain", "5002 0001 b145 0161 ff31", spark.Event{Name: "a", Data: []byte("1"), HasData: true, TTL: 60}},
		{"public", "5002 0001 b165 0161", spark.Event{Name: "a", TTL: 60, Public: true}},
		{"segments", "5002 0001 b145 0161 00 0162", spark.Event{Name: "a//b", TTL: 60}},
		{"TTL of three bytes", "5002 0001 b145 0161 33 000001", spark.Event{Name: "a", TTL: 1}},
		{"TTL of no bytes", "5002 0001 b145 0161 30", spark.Event{Name: "a", TTL: 0}},
		{"TTL beyond all", "5002 0001 b145 0161 34 ffffffff", spark.Event{Name: "a", TTL: spark.MaxTTL}},
		{"CBOR", "5002 0001 b145 0161 113c ff a0", spark.Event{
			Name: "a", Data: []byte{0xa0}, HasData: true, TTL: 60, HasFormat: true, ContentFormat: spark.FormatCBOR,
		}},
		{"text, said so", "5002 0001 b145 0161 10", spark.Event{Name: "a", TTL: 60, HasFormat: true}},
		{"unknown options", "5002 0001 3168 8145 0161 4171 d1e0 00", spark.Event{Name: "a", TTL: 60}},
	} {
		m := parse(t, unhex(t, tc.hex))
		got, err := spark.ParseEvent(&m)
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
		}
		same(t, tc.want, got)
	}
}

func TestBadEvents(t *testing.T) {
	for _, tc := range []struct {
		name, hex string
		want      error
	}{
		{"no name", "5002 0001 b145", spark.ErrName},
		{"empty name", "5002 0001 b145 00", spark.ErrName},
		{"65 bytes", "5002 0001 b145 0d34" + strings.Repeat("61", 65), spark.ErrName},
		{"65 bytes in segments", "5002 0001 b145 0d13" + strings.Repeat("61", 32) + "0d13" + strings.Repeat("62", 32), spark.ErrName},
		{"65 slashes", "5002 0001 b145" + strings.Repeat("00", 66), spark.ErrName},
		{"line break", "5002 0001 b145 03 610a62", spark.ErrName},
		{"no UTF-8", "5002 0001 b145 01 ff", spark.ErrName},
		{"TTL of five bytes", "5002 0001 b145 0161 35 0000000001", spark.ErrOption},
		{"format of three bytes", "5002 0001 b145 0161 13 010000", spark.ErrOption},
		{"format of five bytes", "5002 0001 b145 0161 15 0000000001", spark.ErrOption},
	} {
		m := parse(t, unhex(t, tc.hex))
		if e, err := spark.ParseEvent(&m); !errors.Is(err, tc.want) {
			t.Errorf("%s: %+v, %v; want %v", tc.name, e, err, tc.want)
		}
	}
}

func TestSystemEventNames(t *testing.T) {
	for _, name := range []string{
		spark.EventMaxBinary, spark.EventChunkSize, spark.EventClaimCode, spark.EventIdent, spark.EventLastReset,
		spark.EventSafeMode, spark.EventKeyError, spark.EventUpdatesEnabled, spark.EventUpdatesForced,
		spark.EventUpdatesPending, spark.EventReset, spark.EventClaimed, spark.EventKeyRestore,
		spark.EventDeviceName, spark.EventDeviceIP, spark.EventDeviceRandom, "SPARK/x", "Particle", "sparkle",
	} {
		if !spark.Reserved(name) {
			t.Errorf("%q is not reserved", name)
		}
		if spark.Forbidden(name) != (name == spark.EventKeyRestore) {
			t.Errorf("Forbidden(%q) = %v", name, spark.Forbidden(name))
		}
	}
	for _, name := range []string{"", "spar", "my/spark", "particl", "temperature"} {
		if spark.Reserved(name) || spark.Forbidden(name) {
			t.Errorf("%q is reserved", name)
		}
	}
	for _, name := range []string{"spark/device/key/restore", "Spark/Device/KEY/restore", "spark/device/key/restored/x"} {
		if !spark.Forbidden(name) {
			t.Errorf("%q would reach a device", name)
		}
	}
}

func TestParseSubscription(t *testing.T) {
	const device = "e00fce6800000000000067fe"
	id := hex.EncodeToString([]byte(device))
	for _, tc := range []struct {
		name, hex string
		version   uint16
		want      spark.Subscription
	}{
		{"mine, 2.x", "4001 0001 b165 0161 4175", 0, spark.Subscription{Prefix: "a"}},
		{"everything mine, 2.x", "4001 0001 b165 4175", 0, spark.Subscription{}},
		{"all, 2.x", "4001 0001 b165 0161", 0, spark.Subscription{Prefix: "a", Scope: spark.ScopeAll}},
		{"all, 6.1", "4001 0001 b165 0161", 6101, spark.Subscription{Prefix: "a", Scope: spark.ScopeAll}},
		{"6.2", "5001 0001 b165 0161", 6200, spark.Subscription{Prefix: "a"}},
		{"everything, 6.2", "5001 0001 b165 00", 6200, spark.Subscription{}},
		{"binary", "5001 0001 b165 0161 4162", 6200, spark.Subscription{Prefix: "a", Binary: true}},
		{"CBOR", "5001 0001 b165 0161 4163", 6200, spark.Subscription{Prefix: "a", CBOR: true}},
		{"segments", "4001 0001 b165 0161 0162 00", 6200, spark.Subscription{Prefix: "a/b/"}},
		{"one device", "4001 0001 b165 0161 ff" + id, 0, spark.Subscription{
			Prefix: "a", Scope: spark.ScopeDevice, Device: device,
		}},
		{"half an id", "4001 0001 b165 0161 ff" + id[:24], 0, spark.Subscription{
			Prefix: "a", Scope: spark.ScopeDevice, Device: device[:12],
		}},
	} {
		m := parse(t, unhex(t, tc.hex))
		got, err := spark.ParseSubscription(&m, tc.version)
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
		}
		same(t, tc.want, got)
	}
}

func TestBadSubscriptions(t *testing.T) {
	for _, tc := range []struct {
		name, hex string
		want      error
	}{
		{"everything of everybody", "4001 0001 b165", spark.ErrName},
		{"empty prefix for all", "4001 0001 b165 00", spark.ErrName},
		{"everything of a device", "4001 0001 b165 ff 6161", spark.ErrName},
		{"long prefix", "4001 0001 b165 0d34" + strings.Repeat("61", 65), spark.ErrName},
		{"line break", "4001 0001 b165 010a 4175", spark.ErrName},
		{"device id not hex", "4001 0001 b165 0161 ff 7a7a", spark.ErrOption},
		{"device id too long", "4001 0001 b165 0161 ff" + strings.Repeat("61", 25), spark.ErrOption},
	} {
		m := parse(t, unhex(t, tc.hex))
		if s, err := spark.ParseSubscription(&m, 0); !errors.Is(err, tc.want) {
			t.Errorf("%s: %+v, %v; want %v", tc.name, s, err, tc.want)
		}
	}
}

func TestScopeNames(t *testing.T) {
	got := []string{spark.ScopeMine.String(), spark.ScopeAll.String(), spark.ScopeDevice.String(), spark.Scope(9).String()}
	same(t, []string{"mine", "all", "device", "unknown"}, got)
}
