package coap_test

import (
	"bytes"
	"testing"

	"github.com/cyan-cloud/cyan/wire/coap"
)

func FuzzParse(f *testing.F) {
	for _, messages := range recorded(f) {
		for _, b := range messages[:20] {
			f.Add(b)
		}
	}
	f.Add(unhex(f, "40 01 0000 e0 fef2 10"))
	f.Fuzz(func(t *testing.T, b []byte) {
		againstOracle(t, b)
		m, err := coap.Parse(b)
		if err != nil {
			return
		}
		if got := m.Append(nil); !bytes.Equal(got, b) {
			t.Fatalf("Append\n got %x\nwant %x", got, b)
		}
		if got, err := rebuild(nil, &m); err != nil || !bytes.Equal(got, b) {
			t.Fatalf("Builder\n got %x, %v\nwant %x", got, err, b)
		}
	})
}

func FuzzBlock(f *testing.F) {
	f.Add([]byte{0x16}, []byte("payload"))
	f.Add([]byte{}, make([]byte, 16))
	f.Fuzz(func(t *testing.T, value, payload []byte) {
		b, err := coap.ParseBlock(value)
		if err != nil {
			return
		}
		if again, err := coap.ParseBlock(b.Append(nil)); err != nil || again != b {
			t.Fatalf("%+v became %+v, %v", b, again, err)
		}
		a := coap.Assembler{Max: 64}
		_, _, _ = a.Add(coap.Block{More: true, SZX: b.SZX}, make([]byte, b.Size()))
		if whole, _, _ := a.Add(b, payload); len(whole) > 64 || a.Received() > 64 {
			t.Fatalf("%d and %d bytes of 64", len(whole), a.Received())
		}
	})
}

// State that comes from another process is checked like anything that comes
// from outside.
func FuzzImport(f *testing.F) {
	d, x := coap.Duplicates{}, coap.Exchanges{}
	d.Remember(start, 7, []byte("answer"))
	x.Add(start, 7, 1, true, []byte("message"), coap.DeviceParams, 0)
	one, _ := d.AppendBinary(nil)
	two, _ := x.AppendBinary(nil)
	f.Add(one)
	f.Add(two)
	f.Add(make([]byte, 18))
	f.Fuzz(func(t *testing.T, b []byte) {
		var (
			ids    coap.MessageIDs
			tokens coap.Tokens
			x      coap.Exchanges
			d      coap.Duplicates
		)
		if ids.UnmarshalBinary(b) == nil {
			if again, _ := ids.AppendBinary(nil); !bytes.Equal(again, b) {
				t.Fatalf("ids: %x", again)
			}
			_, _ = ids.Next(start)
		}
		if tokens.UnmarshalBinary(b) == nil && tokens.InUse() > len(b)-1 {
			t.Fatalf("%d tokens in use", tokens.InUse())
		}
		if x.UnmarshalBinary(b) == nil {
			if again, _ := x.AppendBinary(nil); !bytes.Equal(again, b) {
				t.Fatalf("exchanges: %x", again)
			}
			x.Expire(start, coap.CloudSpan, func([]byte) {}, func(coap.Exchange) {})
		}
		if d.UnmarshalBinary(b) == nil {
			if again, _ := d.AppendBinary(nil); !bytes.Equal(again, b) {
				t.Fatalf("duplicates: %x", again)
			}
			d.Remember(start, 1, []byte("a"))
			if _, dup := d.Seen(start, 1); !dup {
				t.Fatal("forgotten at once")
			}
		}
	})
}
