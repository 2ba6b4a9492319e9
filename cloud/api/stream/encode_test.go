package stream

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/wire/rest"
	"github.com/cyan-cloud/cyan/wire/sse"
)

// oracle encodes an event by way of encoding/json and the shape that clients
// are told of.
func oracle(t *testing.T, e *event.Event) string {
	t.Helper()
	shape := rest.Event{TTL: int(e.TTL / time.Second), PublishedAt: rest.At(e.Published), CoreID: e.Publisher(), Public: e.Public}
	if e.HasData {
		text := string(e.Data)
		if media, ok := mediaTypes[e.ContentFormat]; ok {
			text = "data:" + media + ";base64," + base64.StdEncoding.EncodeToString(e.Data)
		}
		shape.Data = &text
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(shape); err != nil {
		t.Fatal(err)
	}
	return string(sse.AppendFrame(nil, strings.ToValidUTF8(e.Name, "\uFFFD"), bytes.TrimSuffix(buf.Bytes(), []byte("\n"))))
}

func FuzzEncode(f *testing.F) {
	f.Add("temp", []byte(`{"a":"<ü>"}`), uint8(1), uint16(0), int64(60), int64(1_780_000_000_000_000_000))
	f.Add("a\nb\xff", []byte("\x00\x1f\x7f\b\f\n\r\t\\\"\u2028\u2029\ufffd\xff\xc3\xf0\x9f\x92\xa9"), uint8(7), uint16(42), int64(-1), int64(-1))
	f.Add("", []byte("\xe2\x80"), uint8(5), uint16(60), int64(1)<<40, int64(0))
	var c encoder
	f.Fuzz(func(t *testing.T, name string, data []byte, bits uint8, format uint16, ttl, published int64) {
		e := event.Event{
			Name: name, Data: data, HasData: bits&1 != 0, ContentFormat: format, TTL: time.Duration(ttl) * time.Second,
			Public: bits&2 != 0, Source: event.Source(bits >> 4 & 1),
		}
		if bits&4 != 0 {
			e.Device = device.ID{0xe0, 11: bits}
		}
		if bits&8 != 0 {
			e.Published = time.Unix(0, published)
		}
		if diff := cmp.Diff(oracle(t, &e), string(c.encode(&e))); diff != "" {
			t.Error(diff)
		}
	})
}

// An event becomes a frame without any garbage.
func TestEncodeDoesNotAllocate(t *testing.T) {
	e := event.Event{
		Name: "temperature", Data: bytes.Repeat([]byte("x"), 100), HasData: true, Device: device.ID{1},
		Published: time.Unix(1_780_000_000, 0), TTL: time.Minute,
	}
	var c encoder
	c.encode(&e)
	if n := testing.AllocsPerRun(100, func() { c.encode(&e) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkEncode(b *testing.B) {
	e := event.Event{
		Name: "temperature", Data: bytes.Repeat([]byte("x"), 100), HasData: true, Device: device.ID{1},
		Published: time.Unix(1_780_000_000, 0), TTL: time.Minute,
	}
	var c encoder
	for b.Loop() {
		c.encode(&e)
	}
}
