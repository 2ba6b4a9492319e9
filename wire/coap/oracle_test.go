package coap_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/plgd-dev/go-coap/v3/message"
	"github.com/plgd-dev/go-coap/v3/message/codes"
	"github.com/plgd-dev/go-coap/v3/udp/coder"
	"pgregory.net/rapid"
)

// go-coap's coder is a second opinion: what one writes the other reads, and
// both write the same bytes.

type option struct {
	n     coap.Option
	value []byte
}

func drawOptions(t *rapid.T) []option {
	number := rapid.OneOf(
		rapid.SampledFrom([]coap.Option{coap.URIPath, coap.URIQuery, coap.ETag, coap.MaxAge, coap.Block1, coap.RequestTag}),
		rapid.SampledFrom([]coap.Option{12, 13, 14, 268, 269, 270, 65535}),
		rapid.Custom(func(t *rapid.T) coap.Option { return coap.Option(rapid.Uint16().Draw(t, "n")) }),
	)
	length := rapid.OneOf(rapid.IntRange(0, 20), rapid.SampledFrom([]int{12, 13, 14, 268, 269, 270}), rapid.IntRange(0, 700))
	options := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) option {
		n := length.Draw(t, "length")
		return option{number.Draw(t, "number"), rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, "value")}
	}), 0, 12).Draw(t, "options")
	slices.SortStableFunc(options, func(a, b option) int { return int(a.n) - int(b.n) })
	return options
}

// known reports whether go-coap hands the option on: it drops known options of
// a length that their definition does not allow, and number 0.
func known(o option) bool {
	if o.n == 0 {
		return false
	}
	def, ok := message.CoapOptionDefs[message.OptionID(o.n)]
	return !ok || len(o.value) >= int(def.MinLen) && len(o.value) <= int(def.MaxLen)
}

func TestOracleWritesTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		typ := rapid.SampledFrom([]coap.Type{coap.Confirmable, coap.NonConfirmable}).Draw(t, "type")
		code := rapid.SampledFrom([]coap.Code{coap.GET, coap.POST, coap.Content, coap.NotFound}).Draw(t, "code")
		id := rapid.Uint16().Draw(t, "id")
		token := rapid.SliceOfN(rapid.Byte(), 0, 8).Draw(t, "token")
		payload := rapid.SliceOfN(rapid.Byte(), 0, 50).Draw(t, "payload")
		theirs := message.Message{
			Type: message.Type(typ), Code: codes.Code(code), MessageID: int32(id), Token: token, Payload: payload,
		}
		b := coap.Begin(nil, typ, code, id, token)
		for _, o := range drawOptions(t) {
			b.Option(o.n, o.value)
			theirs.Options = append(theirs.Options, message.Option{ID: message.OptionID(o.n), Value: o.value})
		}
		b.Payload(payload)
		got, err := b.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		want := make([]byte, 20_000)
		n, err := coder.DefaultCoder.Encode(theirs, want)
		if err != nil {
			t.Fatalf("oracle: %v", err)
		}
		if !bytes.Equal(got, want[:n]) {
			t.Fatalf("\n got %x\nwant %x", got, want[:n])
		}
		m, err := coap.Parse(got)
		if err != nil {
			t.Fatal(err)
		}
		if again := m.Append(nil); !bytes.Equal(again, got) {
			t.Fatalf("read and written again\n got %x\nwant %x", again, got)
		}
	})
}

// againstOracle reads b with both and says where they differ. We are stricter:
// go-coap knows neither reserved codes nor the rules for empty messages and
// empty payloads.
func againstOracle(t interface{ Fatalf(string, ...any) }, b []byte) {
	ours, err := coap.Parse(b)
	theirs := message.Message{Options: make(message.Options, 0, len(b))}
	_, theirErr := coder.DefaultCoder.Decode(b, &theirs)
	stricter := errors.Is(err, coap.ErrCode) || errors.Is(err, coap.ErrEmpty) || errors.Is(err, coap.ErrPayload)
	switch {
	case err == nil && theirErr != nil:
		t.Fatalf("%x: the oracle refuses it: %v", b, theirErr)
	case err != nil && theirErr == nil && !stricter:
		t.Fatalf("%x: we refuse it: %v", b, err)
	}
	if err != nil {
		return
	}
	if int(ours.Type) != int(theirs.Type) || int(ours.Code) != int(theirs.Code) || int32(ours.ID) != theirs.MessageID ||
		!bytes.Equal(ours.Token, theirs.Token) || !bytes.Equal(ours.Payload, theirs.Payload) {
		t.Fatalf("%x:\n ours %+v\ntheirs %+v", b, ours, theirs)
	}
	rest := theirs.Options
	for o := ours.Options(); o.Next(); {
		if !known(option{o.Number, o.Value}) {
			continue
		}
		if len(rest) == 0 || int(rest[0].ID) != int(o.Number) || !bytes.Equal(rest[0].Value, o.Value) {
			t.Fatalf("%x: option %d %x against %+v", b, o.Number, o.Value, rest)
		}
		rest = rest[1:]
	}
	if len(rest) != 0 {
		t.Fatalf("%x: the oracle sees more: %+v", b, rest)
	}
}

func TestOracleReadsTheSame(t *testing.T) {
	var all [][]byte
	for _, messages := range recorded(t) {
		all = append(all, messages...)
	}
	for _, b := range all {
		againstOracle(t, b)
	}
	rapid.Check(t, func(t *rapid.T) {
		b := slices.Clone(rapid.SampledFrom(all).Draw(t, "message"))
		for range rapid.IntRange(1, 3).Draw(t, "changes") {
			b[rapid.IntRange(0, len(b)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		}
		againstOracle(t, b[:rapid.IntRange(0, len(b)).Draw(t, "length")])
	})
}
