package coap_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/cyan-cloud/cyan/wire/coap"
)

func TestBuilder(t *testing.T) {
	b := coap.Begin([]byte("kept"), coap.Confirmable, coap.POST, 0x766f, []byte{1})
	b.Text(coap.URIPath, "f")
	b.Text(coap.URIPath, "echo")
	b.Option(coap.URIQuery, []byte("on"))
	b.Payload(nil)
	got, err := b.Bytes()
	want := append([]byte("kept"), unhex(t, "41 02 766f 01 b1 66 04 6563686f 42 6f6e")...)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("got %x, %v\nwant %x", got, err, want)
	}
}

func TestBuilderRefuses(t *testing.T) {
	type builder = coap.Builder
	begin := func(t coap.Type, c coap.Code, token string) builder {
		return coap.Begin([]byte("kept"), t, c, 1, []byte(token))
	}
	tests := []struct {
		name string
		b    builder
		do   func(b *builder)
		want error
	}{
		{"token of 9", begin(coap.Confirmable, coap.GET, "123456789"), nil, coap.ErrToken},
		{"empty", begin(coap.Confirmable, coap.Empty, ""), nil, coap.ErrCode},
		{"request in ACK", begin(coap.Acknowledgement, coap.GET, ""), nil, coap.ErrCode},
		{"descending", begin(coap.Confirmable, coap.GET, "1"), func(b *builder) {
			b.Text(coap.URIQuery, "q")
			b.Text(coap.URIPath, "p")
		}, coap.ErrOrder},
		{"option after payload", begin(coap.Confirmable, coap.GET, "1"), func(b *builder) {
			b.Payload([]byte("p"))
			b.Text(coap.URIPath, "p")
		}, coap.ErrOrder},
		{"two payloads", begin(coap.Confirmable, coap.GET, "1"), func(b *builder) {
			b.Payload([]byte("p"))
			b.Payload([]byte("p"))
		}, coap.ErrOrder},
		{"the first mistake counts", begin(coap.Confirmable, coap.GET, "1"), func(b *builder) {
			b.Option(coap.URIPath, make([]byte, 1<<17))
			b.Payload([]byte("p"))
			b.Text(coap.ETag, "e")
		}, coap.ErrOption},
	}
	for _, tt := range tests {
		if tt.do != nil {
			tt.do(&tt.b)
		}
		if got, err := tt.b.Bytes(); !errors.Is(err, tt.want) || string(got) != "kept" {
			t.Errorf("%s: %q, %v; want %v", tt.name, got, err, tt.want)
		}
	}
}
