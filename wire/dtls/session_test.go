package dtls_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/cyan-cloud/cyan/wire/dtls"
	"pgregory.net/rapid"
)

// sessions are two sides that have shaken hands.
func sessions(kind dtls.CIDKind) (client, server *dtls.Session) {
	s := dtls.Session{ReadEpoch: 1, WriteEpoch: 1, CID: dtls.CID{Kind: kind}}
	if kind != dtls.NoCID {
		s.CID.Bytes = [8]byte{1, 2, 3, 4, 5, 6, 7, 8}
	}
	s.Keys.ClientKey, s.Keys.ServerKey = [16]byte{1}, [16]byte{2}
	s.Keys.ClientIV, s.Keys.ServerIV = [4]byte{3}, [4]byte{4}
	c, v := s, s
	v.Server = true
	return &c, &v
}

func mustSeal(t testing.TB, s *dtls.Session, kind dtls.ContentType, plaintext string) dtls.Record {
	t.Helper()
	b, err := s.Seal(nil, kind, []byte(plaintext))
	if err != nil {
		t.Fatal(err)
	}
	return records(t, b)[0]
}

func TestOpenRefuses(t *testing.T) {
	for _, test := range []struct {
		name   string
		kind   dtls.CIDKind
		change func(*dtls.Record)
		want   error
	}{
		{"epoch 0", dtls.DraftCID, func(r *dtls.Record) { r.Epoch = 0 }, dtls.ErrEpoch},
		{"epoch 2", dtls.DraftCID, func(r *dtls.Record) { r.Epoch = 2 }, dtls.ErrEpoch},
		{"another connection id", dtls.DraftCID, func(r *dtls.Record) { r.CID = []byte("87654321") }, dtls.ErrCID},
		{"no connection id", dtls.DraftCID, func(r *dtls.Record) { r.CID = nil }, dtls.ErrCID},
		{"a connection id too many", dtls.NoCID, func(r *dtls.Record) { r.CID = []byte("12345678") }, dtls.ErrCID},
		{"no room for a tag", dtls.NoCID, func(r *dtls.Record) { r.Fragment = r.Fragment[:15] }, dtls.ErrShort},
		{"another number", dtls.NoCID, func(r *dtls.Record) { r.Seq++ }, dtls.ErrAuth},
		{"another nonce", dtls.NoCID, func(r *dtls.Record) { r.Fragment[7] ^= 1 }, dtls.ErrAuth},
		{"another tag", dtls.RFC9146CID, func(r *dtls.Record) { flipLast(r.Fragment) }, dtls.ErrAuth},
		{"another type", dtls.NoCID, func(r *dtls.Record) { r.Type = dtls.Alert }, dtls.ErrAuth},
		{"the other AAD", dtls.RFC9146CID, func(r *dtls.Record) {
			client, _ := sessions(dtls.DraftCID)
			b, _ := client.Seal(nil, dtls.ApplicationData, []byte("word"))
			*r, _, _ = dtls.ParseRecord(b)
		}, dtls.ErrAuth},
	} {
		t.Run(test.name, func(t *testing.T) {
			client, server := sessions(test.kind)
			r := mustSeal(t, client, dtls.ApplicationData, "word")
			test.change(&r)
			before := *server
			if _, out, err := server.Open([]byte("kept"), r); !errors.Is(err, test.want) || string(out) != "kept" {
				t.Errorf("got %q, %v; want %v", out, err, test.want)
			}
			if *server != before {
				t.Error("the session has changed")
			}
		})
	}
}

// A record to the device never has a connection id and never says moved; a device ignores one that does.
func TestClientTakesPlainRecordsOnly(t *testing.T) {
	client, server := sessions(dtls.DraftCID)
	r := mustSeal(t, server, dtls.ApplicationData, "word")
	if r.Type != dtls.ApplicationData || r.CID != nil {
		t.Fatalf("the server sends %+v", r)
	}
	withCID := r
	withCID.Type, withCID.CID = dtls.ConnectionID, client.CID.Bytes[:]
	if _, _, err := client.Open(nil, withCID); !errors.Is(err, dtls.ErrCID) {
		t.Errorf("a connection id: %v", err)
	}
	moved := r
	moved.Type = dtls.MovedPlain
	if _, _, err := client.Open(nil, moved); !errors.Is(err, dtls.ErrType) {
		t.Errorf("type 254: %v", err)
	}
	if _, out, err := client.Open(nil, r); err != nil || string(out) != "word" {
		t.Errorf("opened %q, %v", out, err)
	}
}

// What is authentic and yet not for the application.
func TestOpenOtherTypes(t *testing.T) {
	client, server := sessions(dtls.DraftCID)
	kind, out, err := server.Open(nil, mustSeal(t, client, dtls.Alert, "\x01\x00"))
	if err != nil || kind != dtls.Alert {
		t.Fatalf("an alert: %d, %v", kind, err)
	}
	level, description, err := dtls.ParseAlert(out)
	if err != nil || level != dtls.Warning || description != dtls.CloseNotify {
		t.Errorf("alert %d %v, %v", level, description, err)
	}
	r := mustSeal(t, client, dtls.Handshake, "\x01 a ClientHello: renegotiation")
	if kind, out, err = server.Open(nil, r); !errors.Is(err, dtls.ErrHandshakeRecord) || kind != dtls.Handshake || out != nil {
		t.Errorf("a handshake record: %d %q %v", kind, out, err)
	}
	if _, _, err = server.Open(nil, r); !errors.Is(err, dtls.ErrReplay) {
		t.Errorf("and again: %v", err)
	}
	for _, kind := range []dtls.ContentType{dtls.ChangeCipherSpec, dtls.ConnectionID, dtls.MovedCID, dtls.MovedPlain, 0} {
		if _, err := client.Seal(nil, kind, nil); !errors.Is(err, dtls.ErrType) {
			t.Errorf("Seal of type %d: %v", kind, err)
		}
	}
	if _, err := client.Seal(nil, dtls.ApplicationData, make([]byte, dtls.MaxPlaintext+1)); !errors.Is(err, dtls.ErrTooLong) {
		t.Errorf("Seal of too much: %v", err)
	}
	// An inner plaintext of zeros has no type. Sealed by hand: the draft's AAD with an inner plaintext of 16 zeros.
	sealed := zeroInner(t, *client)
	if _, _, err := server.Open(nil, records(t, sealed)[0]); !errors.Is(err, dtls.ErrType) {
		t.Errorf("no inner type: %v", err)
	}
}

func zeroInner(t testing.TB, client dtls.Session) []byte {
	t.Helper()
	number := []byte{0, 1, 0, 0, 0, 0, 0, 9}
	aad := append(append(append(bytes.Clone(number), 25, 0xfe, 0xfd), client.CID.Bytes[:]...), 8, 0, 16)
	nonce := [12]byte(append(client.Keys.ClientIV[:], number...))
	sealed, err := dtls.CCMSeal(client.Keys.ClientKey, nonce, aad, make([]byte, 16))
	if err != nil {
		t.Fatal(err)
	}
	record := append([]byte{25, 0xfe, 0xfd}, number...)
	record = append(append(record, client.CID.Bytes[:]...), 0, byte(8+len(sealed)))
	return append(append(record, number...), sealed...)
}

func TestResumeMarksUntilAnswered(t *testing.T) {
	id := [12]byte{0xe0, 0x0f, 0xce, 0x68, 11: 0x67}
	for kind, marked := range map[dtls.CIDKind]dtls.ContentType{dtls.DraftCID: dtls.MovedCID, dtls.NoCID: dtls.MovedPlain} {
		client, server := sessions(kind)
		client.Resume(id)
		for range 2 {
			r := mustSeal(t, client, dtls.ApplicationData, "ping")
			if r.Type != marked || !r.Moved || (kind == dtls.NoCID && [12]byte(r.DeviceID) != id) {
				t.Errorf("kind %d: %+v", kind, r)
			}
			if _, out, err := server.Open(nil, r); err != nil || string(out) != "ping" {
				t.Errorf("kind %d: %q, %v", kind, out, err)
			}
		}
		if r := mustSeal(t, client, dtls.Alert, "\x01\x00"); r.Moved {
			t.Error("an alert is marked")
		}
		bad := mustSeal(t, server, dtls.ApplicationData, "pong")
		flipLast(bad.Fragment)
		if _, _, err := client.Open(nil, bad); !errors.Is(err, dtls.ErrAuth) || !client.Moving {
			t.Errorf("kind %d: a forged answer ends the marking, %v", kind, err)
		}
		if _, _, err := client.Open(nil, mustSeal(t, server, dtls.ApplicationData, "pong")); err != nil {
			t.Fatal(err)
		}
		if r := mustSeal(t, client, dtls.ApplicationData, "next"); r.Moved {
			t.Errorf("kind %d: still marked after an answer", kind)
		}
	}
}

func TestGenerations(t *testing.T) {
	client, server := sessions(dtls.NoCID)
	if err := server.SetGeneration(7); err != nil || server.Generation() != 7 || server.Remaining() != 1<<18-1 {
		t.Fatalf("generation %d, %d left, %v", server.Generation(), server.Remaining(), err)
	}
	server.WriteSeq += 1<<18 - 2
	last := mustSeal(t, server, dtls.ApplicationData, "last")
	before := *server
	if _, err := server.Seal(nil, dtls.ApplicationData, []byte("one more")); !errors.Is(err, dtls.ErrSequenceExhausted) || *server != before {
		t.Errorf("at the end of a generation: %v", err)
	}
	for _, g := range []uint32{0, 6, 7, 1 << 30} {
		if err := server.SetGeneration(g); !errors.Is(err, dtls.ErrGeneration) || *server != before {
			t.Errorf("to generation %d: %v", g, err)
		}
	}
	if err := server.SetGeneration(1<<30 - 1); err != nil {
		t.Fatal(err)
	}
	server.WriteSeq += 1<<18 - 2
	for _, r := range []dtls.Record{last, mustSeal(t, server, dtls.ApplicationData, "the last of all")} {
		if _, _, err := client.Open(nil, r); err != nil {
			t.Errorf("number %x: %v", r.Seq, err)
		}
	}
	if client.Window.Top != 1<<48-2 {
		t.Errorf("the highest number is %x", client.Window.Top)
	}
}

func TestNextGeneration(t *testing.T) {
	epoch := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		stored uint32
		now    time.Time
		want   uint32
		err    error
	}{
		{0, epoch, 1, nil},
		{0, epoch.Add(time.Hour), 3600, nil},
		{3600, epoch.Add(time.Hour), 3601, nil},               // twice in a second
		{5000, epoch.Add(time.Hour), 5001, nil},               // a clock that went back
		{5, time.Time{}, 6, nil},                              // no clock at all
		{100, epoch.Add(365 * 24 * time.Hour), 31536000, nil}, // an old backup
		{1<<30 - 2, epoch, 1<<30 - 1, nil},
		{1<<30 - 1, epoch, 0, dtls.ErrGeneration},
		{0, epoch.Add(35 * 365 * 24 * time.Hour), 0, dtls.ErrGeneration},
	} {
		if got, err := dtls.NextGeneration(test.stored, test.now); got != test.want || !errors.Is(err, test.err) {
			t.Errorf("after %d at %v: %d, %v; want %d, %v", test.stored, test.now, got, err, test.want, test.err)
		}
	}
}

func TestExport(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSession(t)
		for range rapid.IntRange(0, 3).Draw(t, "records") {
			s.Window.Mark(rapid.Uint64Range(0, 1<<48-1).Draw(t, "received"))
		}
		b, err := s.MarshalBinary()
		if err != nil || len(b) != dtls.ExportSize {
			t.Fatalf("%d bytes, %v", len(b), err)
		}
		again, err := dtls.UnmarshalSession(b)
		if err != nil || again != s {
			t.Fatalf("read %+v, wrote %+v, %v", again, s, err)
		}
	})
}

func TestExportRefuses(t *testing.T) {
	client, _ := sessions(dtls.DraftCID)
	good, _ := client.MarshalBinary()
	if _, err := dtls.UnmarshalSession(good); err != nil {
		t.Fatal(err)
	}
	plain, _ := sessions(dtls.NoCID)
	other, _ := plain.MarshalBinary()
	for name, b := range map[string][]byte{
		"nothing":                  nil,
		"cut short":                good[:len(good)-1],
		"too long":                 append(bytes.Clone(good), 0),
		"another version":          set(0, 2)(bytes.Clone(good)),
		"a third side":             set(1, 2)(bytes.Clone(good)),
		"another kind":             set(2, 1)(bytes.Clone(good)),
		"an id without a kind":     set(5, 1)(bytes.Clone(other)),
		"read epoch 0":             set(52, 0)(bytes.Clone(good)),
		"write epoch 0":            set(54, 0)(bytes.Clone(good)),
		"a top of an empty window": set(66, 1)(bytes.Clone(good)),
	} {
		if s, err := dtls.UnmarshalSession(b); !errors.Is(err, dtls.ErrExport) || s != (dtls.Session{}) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Seal and Open allocate what expanding a key allocates, and a session stays small.
func TestSealAndOpenAllocateTheKeyScheduleOnly(t *testing.T) {
	if size := unsafe.Sizeof(dtls.Session{}); size > 128 {
		t.Errorf("a session takes %d bytes", size)
	}
	schedule := testing.AllocsPerRun(100, func() { expand(t) })
	for _, kind := range []dtls.CIDKind{dtls.NoCID, dtls.DraftCID, dtls.RFC9146CID} {
		client, server := sessions(kind)
		word := []byte(strings.Repeat("x", 100))
		sealed, opened := make([]byte, 0, 100+dtls.MaxOverhead), make([]byte, 0, 200)
		if n := testing.AllocsPerRun(100, func() { sealed, _ = client.Seal(sealed[:0], dtls.ApplicationData, word) }); n > schedule {
			t.Errorf("kind %d: Seal allocates %v times, the key schedule %v", kind, n, schedule)
		}
		n := testing.AllocsPerRun(100, func() {
			sealed, _ = client.Seal(sealed[:0], dtls.ApplicationData, word)
			r, _, err := dtls.ParseRecord(sealed)
			if err == nil {
				_, opened, err = server.Open(opened[:0], r)
			}
			if err != nil || len(opened) != len(word) {
				t.Error(err)
			}
		})
		if n > 2*schedule {
			t.Errorf("kind %d: Seal and Open allocate %v times, two key schedules %v", kind, n, 2*schedule)
		}
	}
}
