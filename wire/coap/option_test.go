package coap_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/cyan-cloud/cyan/wire/coap"
)

// The lengths and distances at which the encoding changes its form.
func TestOptionExtensions(t *testing.T) {
	tests := []struct {
		v      int
		nibble byte
		ext    []byte
	}{
		{0, 0, nil},
		{1, 1, nil},
		{12, 12, nil},
		{13, 13, []byte{0}},
		{14, 13, []byte{1}},
		{15, 13, []byte{2}},
		{268, 13, []byte{255}},
		{269, 14, []byte{0, 0}},
		{270, 14, []byte{0, 1}},
		{524, 14, []byte{0, 255}},
		{525, 14, []byte{1, 0}},
		{65535, 14, []byte{0xfe, 0xf2}},
	}
	for _, delta := range tests {
		for _, length := range tests {
			value := bytes.Repeat([]byte{0xff}, length.v)
			b := coap.Begin(nil, coap.NonConfirmable, coap.GET, 1, nil)
			b.Option(coap.Option(delta.v), value)
			got, err := b.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			want := []byte{0x50, 1, 0, 1, delta.nibble<<4 | length.nibble}
			want = append(append(append(want, delta.ext...), length.ext...), value...)
			if !bytes.Equal(got, want) {
				t.Fatalf("delta %d length %d: %x", delta.v, length.v, got[:min(len(got), 12)])
			}
			m := mustParse(t, got)
			if v, ok := m.Option(coap.Option(delta.v)); !ok || !bytes.Equal(v, value) {
				t.Fatalf("delta %d length %d: read back %d bytes, %v", delta.v, length.v, len(v), ok)
			}
			// Cut anywhere inside the option, it is refused.
			for _, cut := range []int{5 + len(delta.ext), len(got) - 1} {
				if cut > 4 && cut < len(got) {
					if _, err := coap.Parse(got[:cut]); !errors.Is(err, coap.ErrOption) {
						t.Fatalf("delta %d length %d cut at %d: %v", delta.v, length.v, cut, err)
					}
				}
			}
		}
	}
}

func TestLongestOption(t *testing.T) {
	const longest = 269 + 65535
	for length, want := range map[int]error{longest: nil, longest + 1: coap.ErrOption} {
		b := coap.Begin(nil, coap.Confirmable, coap.POST, 1, nil)
		b.Option(coap.URIPath, make([]byte, length))
		got, err := b.Bytes()
		if !errors.Is(err, want) {
			t.Errorf("length %d: %v", length, err)
		}
		if want == nil {
			if m := mustParse(t, got); len(m.Path(nil)) != length {
				t.Errorf("length %d read back as %d", length, len(m.Path(nil)))
			}
		}
	}
}

// Nothing bounds the number of options but the datagram; reading them costs no
// memory however many there are.
func TestTenThousandOptions(t *testing.T) {
	const count = 10_000
	datagram := append([]byte{0x40, 1, 0, 1, 0xb0}, make([]byte, count-1)...)
	datagram = append(datagram, 0xff, 1)
	allocs := testing.AllocsPerRun(10, func() {
		m, err := coap.Parse(datagram)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for o := m.Options(); o.Next(); n++ {
			if o.Number != coap.URIPath {
				t.Fatalf("option %d has number %d", n, o.Number)
			}
		}
		if n != count {
			t.Fatalf("%d options", n)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
	m := mustParse(t, datagram)
	if got, err := rebuild(nil, &m); err != nil || !bytes.Equal(got, datagram) {
		t.Errorf("rebuilt %d bytes, %v; want %d", len(got), err, len(datagram))
	}
}

func TestUint(t *testing.T) {
	for v, want := range map[uint32]string{
		0: "", 1: "01", 255: "ff", 256: "0100", 65535: "ffff",
		1 << 16: "010000", 1<<24 - 1: "ffffff", 1 << 24: "01000000", 1<<32 - 1: "ffffffff",
	} {
		got := coap.AppendUint([]byte{7}, v)
		if !bytes.Equal(got[1:], unhex(t, want)) || got[0] != 7 {
			t.Errorf("%d: %x", v, got)
		}
		if back, ok := coap.ParseUint(got[1:]); !ok || back != v {
			t.Errorf("%d: read back %d, %v", v, back, ok)
		}
	}
	if v, ok := coap.ParseUint([]byte{0, 0, 60}); !ok || v != 60 {
		t.Errorf("leading zeros, which devices send in Max-Age: %d, %v", v, ok)
	}
	if _, ok := coap.ParseUint(make([]byte, 5)); ok {
		t.Error("five bytes were taken for a uint")
	}
}

func TestMessageUint(t *testing.T) {
	m := mustParse(t, unhex(t, "40 02 0001 c1 2a 25 0102030405"))
	if v, ok := m.Uint(coap.ContentFormat); !ok || v != 42 {
		t.Errorf("content format %d, %v", v, ok)
	}
	if v, ok := m.Uint(coap.MaxAge); ok {
		t.Errorf("a Max-Age of five bytes is %d", v)
	}
	if _, ok := m.Uint(coap.Block1); ok {
		t.Error("an absent option has a value")
	}
}

func TestCritical(t *testing.T) {
	if !coap.URIPath.Critical() || !coap.Block1.Critical() || coap.NoResponse.Critical() || coap.ETag.Critical() {
		t.Error("critical options are those with odd numbers")
	}
}
