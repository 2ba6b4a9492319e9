package message_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/cyan-cloud/cyan/wire/dtls/message"
	"pgregory.net/rapid"
)

// reencode parses a body by its type and writes it again.
func reencode(kind message.Type, b []byte) ([]byte, error) {
	switch kind {
	case message.TypeClientHello:
		m, err := message.ParseClientHello(b)
		return m.Append(nil), err
	case message.TypeHelloVerifyRequest:
		m, err := message.ParseHelloVerifyRequest(b)
		return m.Append(nil), err
	case message.TypeServerHello:
		m, err := message.ParseServerHello(b)
		return m.Append(nil), err
	case message.TypeServerKeyExchange:
		m, err := message.ParseServerKeyExchange(b)
		return m.Append(nil), err
	case message.TypeCertificateRequest:
		m, err := message.ParseCertificateRequest(b)
		return m.Append(nil), err
	case message.TypeServerHelloDone:
		m, err := message.ParseServerHelloDone(b)
		return m.Append(nil), err
	case message.TypeCertificate:
		m, err := message.ParseCertificate(b)
		return m.Append(nil), err
	case message.TypeClientKeyExchange:
		m, err := message.ParseClientKeyExchange(b)
		return m.Append(nil), err
	case message.TypeCertificateVerify:
		m, err := message.ParseCertificateVerify(b)
		return m.Append(nil), err
	case message.TypeFinished:
		m, err := message.ParseFinished(b)
		return m.Append(nil), err
	}
	return nil, message.ErrMessage
}

// every type that reencode knows.
var kinds = []message.Type{1, 2, 3, 11, 12, 13, 14, 15, 16, 20}

// recorded returns the plaintext handshake fragments that real devices and their server sent.
func recorded(t testing.TB) (list []message.Fragment) {
	t.Helper()
	paths, _ := filepath.Glob("../../testdata/device/os-*-udp*.jsonl")
	for _, path := range paths {
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		for lines := bufio.NewScanner(file); lines.Scan(); {
			var l struct{ Ch, Bytes string }
			if json.Unmarshal(lines.Bytes(), &l) != nil || l.Ch != "udp" {
				continue
			}
			b, _ := hex.DecodeString(l.Bytes)
			for len(b) > 13 && b[0] == 22 && b[4] == 0 { // plaintext handshake records
				end := 13 + int(b[11])<<8 + int(b[12])
				f, rest, err := message.ParseFragment(b[13:end])
				if err != nil || len(rest) != 0 {
					t.Fatalf("%x: %v", b, err)
				}
				list, b = append(list, f), b[end:]
			}
		}
	}
	if len(list) < 40 {
		t.Fatalf("only %d recorded messages", len(list))
	}
	return list
}

// Every recorded message is read and written byte for byte, and is nothing any more when it lacks a byte or has one too many.
func TestRecorded(t *testing.T) {
	seen := map[message.Type]int{}
	for _, f := range recorded(t) {
		seen[f.Type]++
		if again, err := reencode(f.Type, f.Body); err != nil || !bytes.Equal(again, f.Body) {
			t.Errorf("type %d: read %x, wrote %x, %v", f.Type, f.Body, again, err)
		}
		for cut := range f.Body {
			// A hello may end before its extensions; nothing else has a shorter form.
			if _, err := reencode(f.Type, f.Body[:cut]); err == nil && !withoutExtensions(f, cut) {
				t.Errorf("type %d cut to %d of %d bytes is still a message", f.Type, cut, len(f.Body))
			}
		}
		if _, err := reencode(f.Type, append(bytes.Clone(f.Body), 0)); !errors.Is(err, message.ErrMessage) {
			t.Errorf("type %d with a byte too many: %v", f.Type, err)
		}
	}
	for _, kind := range kinds[:len(kinds)-1] { // Finished is encrypted
		if seen[kind] == 0 {
			t.Errorf("no message of type %d was recorded", kind)
		}
	}
}

func withoutExtensions(f message.Fragment, cut int) bool {
	switch f.Type {
	case message.TypeClientHello:
		m, _ := message.ParseClientHello(f.Body)
		return cut == len(f.Body)-2-len(m.Extensions)
	case message.TypeServerHello:
		m, _ := message.ParseServerHello(f.Body)
		return cut == len(f.Body)-2-len(m.Extensions)
	}
	return false
}

func TestRefused(t *testing.T) {
	hello := func(change func(*message.ClientHello)) []byte {
		m := message.ClientHello{Suites: []byte{0xc0, 0xae}, Compression: []byte{0}, Extensions: message.Extensions{}.Add(10, 0, 2, 0, 23)}
		change(&m)
		return m.Append(nil)
	}
	if _, err := message.ParseClientHello(hello(func(*message.ClientHello) {})); err != nil {
		t.Fatal(err)
	}
	many := message.Extensions{}
	for i := range 33 {
		many = many.Add(message.ExtensionType(1000 + i))
	}
	if _, err := message.ParseClientHello(hello(func(m *message.ClientHello) { m.Extensions = many[:32*4] })); err != nil {
		t.Errorf("32 extensions: %v", err)
	}
	for name, b := range map[string][]byte{
		"half a suite":              hello(func(m *message.ClientHello) { m.Suites = []byte{0xc0, 0xae, 0} }),
		"no suite":                  hello(func(m *message.ClientHello) { m.Suites = nil }),
		"no compression":            hello(func(m *message.ClientHello) { m.Compression = nil }),
		"session id of 33":          hello(func(m *message.ClientHello) { m.SessionID = make([]byte, 33) }),
		"the same extension twice":  hello(func(m *message.ClientHello) { m.Extensions = m.Extensions.Add(13).Add(10) }),
		"half an extension":         hello(func(m *message.ClientHello) { m.Extensions = m.Extensions[:5] }),
		"33 extensions":             hello(func(m *message.ClientHello) { m.Extensions = many }),
		"extensions longer than it": append(hello(func(m *message.ClientHello) { m.Extensions = nil }), 0, 1),
	} {
		if _, err := message.ParseClientHello(b); !errors.Is(err, message.ErrMessage) {
			t.Errorf("%s: %v", name, err)
		}
	}
	server := message.ServerHello{SessionID: make([]byte, 33)}
	if _, err := message.ParseServerHello(server.Append(nil)); !errors.Is(err, message.ErrMessage) {
		t.Errorf("a server's session id of 33: %v", err)
	}
	request := message.CertificateRequest{Schemes: []byte{4}}
	if _, err := message.ParseCertificateRequest(request.Append(nil)); !errors.Is(err, message.ErrMessage) {
		t.Errorf("half a scheme: %v", err)
	}
}

func TestExtensions(t *testing.T) {
	e := message.Extensions{}.Add(message.ExtPointFormats, 1, 0).Add(message.ExtConnectionIDDraft, 0).Add(99)
	for kind, want := range map[message.ExtensionType]string{message.ExtPointFormats: "\x01\x00", message.ExtConnectionIDDraft: "\x00", 99: ""} {
		if data, ok := e.Find(kind); !ok || string(data) != want {
			t.Errorf("extension %d: %x, %v", kind, data, ok)
		}
	}
	if data, ok := e.Find(message.ExtSupportedGroups); ok {
		t.Errorf("found %x", data)
	}
	if _, ok := e[:len(e)-1].Find(99); ok {
		t.Error("found half an extension")
	}
	for _, b := range [][]byte{nil, {1}, {1, 2, 3}} {
		if list, err := message.List8(b); err == nil {
			t.Errorf("%x is a list of %x", b, list)
		}
	}
	for _, b := range [][]byte{nil, {0}, {0, 1}, {0, 1, 2, 3}} {
		if list, err := message.List16(b); err == nil {
			t.Errorf("%x is a list of %x", b, list)
		}
	}
	list, err := message.List16([]byte{0, 4, 0, 23, 0, 24})
	if err != nil || !message.Contains16(list, 24) || message.Contains16(list, 0x1700) || message.Contains16(list[:3], 24) {
		t.Errorf("%x, %v", list, err)
	}
}

func TestFragments(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		length := rapid.IntRange(0, 1<<24-1).Draw(t, "length")
		offset := rapid.IntRange(0, length).Draw(t, "offset")
		f := message.Fragment{
			Type:   message.Type(rapid.Byte().Draw(t, "type")),
			Length: length,
			Seq:    rapid.Uint16().Draw(t, "seq"),
			Offset: offset,
			Body:   rapid.SliceOfN(rapid.Byte(), 0, min(length-offset, 50)).Draw(t, "body"),
		}
		b := f.Append(nil)
		got, rest, err := message.ParseFragment(append(bytes.Clone(b), 0xff))
		if err != nil || len(rest) != 1 || got.Type != f.Type || got.Length != f.Length || got.Seq != f.Seq || got.Offset != f.Offset || !bytes.Equal(got.Body, f.Body) {
			t.Fatalf("wrote %+v, read %+v, %v", f, got, err)
		}
		if got.Whole() != (offset == 0 && len(f.Body) == length) {
			t.Fatalf("%+v is whole: %v", f, got.Whole())
		}
		if _, _, err := message.ParseFragment(b[:len(b)-1]); !errors.Is(err, message.ErrMessage) {
			t.Fatalf("cut short: %v", err)
		}
		f.Length = offset + len(f.Body) - 1
		if f.Length >= 0 {
			if _, _, err := message.ParseFragment(f.Append(nil)); !errors.Is(err, message.ErrMessage) {
				t.Fatalf("past its end: %v", err)
			}
		}
	})
}

func TestPublicKeys(t *testing.T) {
	point := bytes.Repeat([]byte{4}, message.PointSize)
	spki := message.AppendSPKI(nil, point)
	if got, err := message.PointOf(spki); err != nil || !bytes.Equal(got, point) {
		t.Errorf("%x, %v", got, err)
	}
	for _, b := range [][]byte{nil, spki[:90], append(bytes.Clone(spki), 0), append([]byte{0x31}, spki[1:]...)} {
		if _, err := message.PointOf(b); !errors.Is(err, message.ErrMessage) {
			t.Errorf("%x: %v", b, err)
		}
	}
}

func FuzzFragment(f *testing.F) {
	for _, fragment := range recorded(f) {
		f.Add(fragment.Append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		fragment, rest, err := message.ParseFragment(b)
		if err != nil {
			return
		}
		if again := append(fragment.Append(nil), rest...); !bytes.Equal(again, b) {
			t.Errorf("read %x, wrote %x", b, again)
		}
		if fragment.Offset+len(fragment.Body) > fragment.Length {
			t.Errorf("%+v lies outside its message", fragment)
		}
	})
}

// FuzzMessages gives any bytes to every parser: what one accepts it writes again byte for byte.
func FuzzMessages(f *testing.F) {
	for _, fragment := range recorded(f) {
		f.Add(byte(fragment.Type), fragment.Body)
	}
	f.Add(byte(message.TypeFinished), make([]byte, 12))
	f.Fuzz(func(t *testing.T, kind byte, b []byte) {
		if again, err := reencode(message.Type(kind), b); err == nil && !bytes.Equal(again, b) {
			t.Errorf("type %d: read %x, wrote %x", kind, b, again)
		}
	})
}
