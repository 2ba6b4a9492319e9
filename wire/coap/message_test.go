package coap_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/cyan-cloud/cyan/wire/coap"
)

func TestParse(t *testing.T) {
	m := mustParse(t, unhex(t, "41 02 6d7c 0b b1 64 41 02 ff 7b7d"))
	switch {
	case m.Type != coap.Confirmable, m.Code != coap.POST, m.ID != 0x6d7c:
		t.Errorf("header: %v %v %x", m.Type, m.Code, m.ID)
	case string(m.Token) != "\x0b", string(m.Payload) != "{}":
		t.Errorf("token %x payload %q", m.Token, m.Payload)
	case string(m.Path(nil)) != "d":
		t.Errorf("path %q", m.Path(nil))
	}
	if q, ok := m.Option(coap.URIQuery); !ok || !bytes.Equal(q, []byte{2}) {
		t.Errorf("query %x %v", q, ok)
	}
	if v, ok := m.Option(coap.ETag); ok {
		t.Errorf("an ETag %x out of nowhere", v)
	}
}

func TestParseRefuses(t *testing.T) {
	tests := []struct {
		name, bytes string
		want        error
	}{
		{"nothing", "", coap.ErrShort},
		{"three bytes", "40 00 00", coap.ErrShort},
		{"version 0", "00 01 0000", coap.ErrVersion},
		{"version 2", "80 01 0000", coap.ErrVersion},
		{"version 3", "c0 01 0000", coap.ErrVersion},
		{"token of 9", "49 01 0000 010203040506070809", coap.ErrToken},
		{"token of 15", "4f 01 0000 0102030405060708090a0b0c0d0e0f", coap.ErrToken},
		{"token cut", "42 01 0000 01", coap.ErrToken},
		{"class 1", "40 20 0000", coap.ErrCode},
		{"class 6", "40 c0 0000", coap.ErrCode},
		{"class 7", "40 e1 0000", coap.ErrCode},
		{"empty NON", "50 00 0000", coap.ErrCode},
		{"request in ACK", "60 01 0000", coap.ErrCode},
		{"request in RST", "70 01 0000", coap.ErrCode},
		{"response in RST", "70 45 0000", coap.ErrCode},
		{"ping with token", "41 00 0000 01", coap.ErrEmpty},
		{"ping with token length", "41 00 0000", coap.ErrEmpty},
		{"ping with option", "40 00 0000 b1 64", coap.ErrEmpty},
		{"ping with payload", "40 00 0000 ff 01", coap.ErrEmpty},
		{"delta 15", "40 01 0000 f0", coap.ErrOption},
		{"length 15", "40 01 0000 0f", coap.ErrOption},
		{"delta extension cut", "40 01 0000 d0", coap.ErrOption},
		{"long delta extension cut", "40 01 0000 e0 00", coap.ErrOption},
		{"length extension cut", "40 01 0000 0d", coap.ErrOption},
		{"long length extension cut", "40 01 0000 0e 00", coap.ErrOption},
		{"value cut", "40 01 0000 b2 64", coap.ErrOption},
		{"number 65536", "40 01 0000 e0 fef2 10", coap.ErrOption},
		{"number 65804 at once", "40 01 0000 e0 ffff", coap.ErrOption},
		{"marker and nothing", "40 01 0000 ff", coap.ErrPayload},
		{"marker and nothing, after an option", "40 01 0000 b1 64 ff", coap.ErrPayload},
	}
	for _, tt := range tests {
		if m, err := coap.Parse(unhex(t, tt.bytes)); !errors.Is(err, tt.want) || m.ID != 0 {
			t.Errorf("%s: got %+v, %v; want %v", tt.name, m, err, tt.want)
		}
	}
}

func TestAppendEmptyAndPiggyback(t *testing.T) {
	if got := coap.AppendEmpty([]byte{9}, coap.Reset, 0x1234); !bytes.Equal(got, unhex(t, "09 70 00 1234")) {
		t.Errorf("reset: %x", got)
	}
	req := mustParse(t, unhex(t, "41 01 6d79 0a b1 74"))
	got := coap.AppendPiggyback(nil, &req, coap.Content, unhex(t, "6b02f459"))
	if !bytes.Equal(got, unhex(t, "61 45 6d79 0a ff 6b02f459")) {
		t.Errorf("time response: %x", got)
	}
	if got := coap.AppendPiggyback(nil, &req, coap.Changed, nil); !bytes.Equal(got, unhex(t, "61 44 6d79 0a")) {
		t.Errorf("without payload: %x", got)
	}
}

func TestPath(t *testing.T) {
	tests := []struct{ bytes, want string }{
		{"40 02 0001", ""},
		{"40 02 0001 b1 45 03 61 2f 62", "E/a/b"},
		{"40 02 0001 b1 65 01 61 01 62", "e/a/b"},
		{"40 02 0001 b0 01 61", "/a"},
		{"40 02 0001 41 01 71 66 41 07", "f"},
	}
	for _, tt := range tests {
		m := mustParse(t, unhex(t, tt.bytes))
		if got := string(m.Path([]byte(">"))); got != ">"+tt.want {
			t.Errorf("%s: %q, want %q", tt.bytes, got, tt.want)
		}
	}
}

func TestWordsOfTypesAndCodes(t *testing.T) {
	for typ, want := range map[coap.Type]string{
		coap.Confirmable: "CON", coap.NonConfirmable: "NON",
		coap.Acknowledgement: "ACK", coap.Reset: "RST", 7: "type 7",
	} {
		if got := typ.String(); got != want {
			t.Errorf("%d: %s, want %s", typ, got, want)
		}
	}
	for code, want := range map[coap.Code]string{
		coap.Empty: "0.00", coap.POST: "0.02", coap.Content: "2.05",
		coap.Continue: "2.31", coap.RequestEntityTooLarge: "4.13", 255: "7.31",
	} {
		if got := code.String(); got != want {
			t.Errorf("%d: %s, want %s", code, got, want)
		}
	}
	if coap.Empty.Request() || !coap.GET.Request() || coap.Content.Request() {
		t.Error("Request")
	}
	if coap.GET.Response() || !coap.BadRequest.Response() || coap.Code(6<<5).Response() {
		t.Error("Response")
	}
}

// The codec is on the way of every packet: it must not leave garbage behind.
func TestCodecAllocatesNothing(t *testing.T) {
	datagram := unhex(t, "41 02 6d79 0a b1 45 0d 11 7061727469636c652f6465766963652f757064617465732f666f72636564 11 2a 23 012345 ff 66616c7365")
	buf := make([]byte, 0, 256)
	var sink int
	allocs := testing.AllocsPerRun(100, func() {
		m, err := coap.Parse(datagram)
		if err != nil {
			t.Fatal(err)
		}
		for o := m.Options(); o.Next(); {
			sink += len(o.Value)
		}
		if v, ok := m.Uint(coap.MaxAge); ok {
			sink += int(v)
		}
		buf = m.Path(buf[:0])
		buf = m.Append(buf[:0])
		b := coap.Begin(buf[:0], m.Type, m.Code, m.ID, m.Token)
		b.Text(coap.URIPath, "f")
		b.Uint(coap.MaxAge, 60)
		b.Block(coap.Block1, coap.Block{Num: 3, SZX: 6})
		b.Payload(datagram)
		if buf, err = b.Bytes(); err != nil {
			t.Fatal(err)
		}
		buf = coap.AppendPiggyback(buf[:0], &m, coap.Changed, nil)
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func BenchmarkParse(b *testing.B) {
	datagram := unhex(b, "41 02 6d79 0a b1 45 0d 11 7061727469636c652f6465766963652f757064617465732f666f72636564 ff 66616c7365")
	for b.Loop() {
		if _, err := coap.Parse(datagram); err != nil {
			b.Fatal(err)
		}
	}
}
