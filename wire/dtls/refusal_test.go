package dtls_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/cyan-cloud/cyan/wire/dtls"
	"github.com/cyan-cloud/cyan/wire/dtls/message"
)

// wantAlert fails unless err is our own fatal alert of that description and cause.
func wantAlert(t *testing.T, err error, description dtls.AlertDescription, cause error) {
	t.Helper()
	var alert *dtls.AlertError
	if !errors.As(err, &alert) || alert.Description != description || alert.Level != dtls.Fatal || alert.Peer || !errors.Is(err, cause) {
		t.Errorf("got %#v (%v), want %v because %v", alert, err, description, cause)
	}
}

// alertIn returns the description of the plaintext alert that a datagram is.
func alertIn(t *testing.T, datagrams [][]byte) dtls.AlertDescription {
	t.Helper()
	if len(datagrams) != 1 {
		t.Fatalf("%d datagrams, want one alert", len(datagrams))
	}
	r, rest, err := dtls.ParseRecord(datagrams[0])
	if err != nil || r.Type != dtls.Alert || r.Epoch != 0 || len(rest) != 0 {
		t.Fatalf("%x is no alert: %v", datagrams[0], err)
	}
	_, description, err := dtls.ParseAlert(r.Fragment)
	if err != nil {
		t.Fatal(err)
	}
	return description
}

// without and with change an extension of a hello.
func without(e message.Extensions, t message.ExtensionType) (out message.Extensions) {
	out = message.Extensions{}
	for _, known := range []message.ExtensionType{13, 10, 11, 54, 254, 19, 20} {
		if data, ok := e.Find(known); ok && known != t {
			out = out.Add(known, data...)
		}
	}
	return out
}

func with(t message.ExtensionType, data ...byte) func(*message.ClientHello) {
	return func(m *message.ClientHello) { m.Extensions = without(m.Extensions, t).Add(t, data...) }
}

func lacking(t message.ExtensionType) func(*message.ClientHello) {
	return func(m *message.ClientHello) { m.Extensions = without(m.Extensions, t) }
}

// helloDatagram is a client's first datagram, changed.
func helloDatagram(t testing.TB, client *dtls.ClientConfig, change func(*message.ClientHello)) []byte {
	t.Helper()
	_, first, err := dtls.NewClientHandshake(client, begin, dtls.ClientRandom{Random: random32("client random")})
	if err != nil {
		t.Fatal(err)
	}
	r := records(t, first[0])[0]
	f, _, _ := message.ParseFragment(r.Fragment)
	m, err := message.ParseClientHello(f.Body)
	if err != nil {
		t.Fatal(err)
	}
	change(&m)
	f.Body = m.Append(nil)
	f.Length = len(f.Body)
	return plainRecord(r.Seq, f)
}

func TestOffersThatAreRefused(t *testing.T) {
	client, server := configs(t)
	for _, test := range []struct {
		name   string
		change func(*message.ClientHello)
		alert  dtls.AlertDescription
		cause  error
	}{
		{"DTLS 1.0", func(m *message.ClientHello) { m.Version = 0xfeff }, dtls.ProtocolVersion, dtls.ErrOldVersion},
		{"another suite", func(m *message.ClientHello) { m.Suites = []byte{0xc0, 0xac, 0xae, 0xc0} }, dtls.HandshakeFailure, dtls.ErrSuite},
		{"only compressed", func(m *message.ClientHello) { m.Compression = []byte{1} }, dtls.HandshakeFailure, dtls.ErrSuite},
		{"another curve", with(message.ExtSupportedGroups, 0, 2, 0, 0x1d), dtls.HandshakeFailure, dtls.ErrSuite},
		{"malformed curves", with(message.ExtSupportedGroups, 0, 9, 0, 0x17), dtls.HandshakeFailure, dtls.ErrSuite},
		{"compressed points", with(message.ExtPointFormats, 1, 1), dtls.HandshakeFailure, dtls.ErrSuite},
		{"other signatures", with(message.ExtSignatureAlgorithms, 0, 2, 4, 1), dtls.HandshakeFailure, dtls.ErrSuite},
		{"no signatures", lacking(message.ExtSignatureAlgorithms), dtls.HandshakeFailure, dtls.ErrSuite},
		{"no extensions", func(m *message.ClientHello) { m.Extensions = nil }, dtls.HandshakeFailure, dtls.ErrSuite},
		{"no raw key of its own", lacking(message.ExtClientCertificateType), dtls.UnsupportedCertificate, dtls.ErrRawPublicKey},
		{"X.509 for itself", with(message.ExtClientCertificateType, 1, 0), dtls.UnsupportedCertificate, dtls.ErrRawPublicKey},
		{"X.509 for us", with(message.ExtServerCertificateType, 1, 0), dtls.UnsupportedCertificate, dtls.ErrRawPublicKey},
	} {
		t.Run(test.name, func(t *testing.T) {
			hello, err := dtls.HelloOf(helloDatagram(t, client, test.change))
			if err != nil {
				t.Fatal(err)
			}
			h, flight, err := dtls.NewServerHandshake(server, begin, hello, [8]byte{1}, dtls.ServerRandom{Ephemeral: random32("x")})
			wantAlert(t, err, test.alert, test.cause)
			if h != nil || alertIn(t, flight) != test.alert {
				t.Errorf("handshake %v, flight %x", h, flight)
			}
		})
	}
}

func TestOffersThatAreServed(t *testing.T) {
	client, server := configs(t)
	for _, test := range []struct {
		name   string
		change func(*message.ClientHello)
		cid    dtls.CIDKind
	}{
		{"Device OS's", func(*message.ClientHello) {}, dtls.DraftCID},
		{"no opinion on our key", lacking(message.ExtServerCertificateType), dtls.DraftCID},
		{"no opinion on curves", lacking(message.ExtSupportedGroups), dtls.DraftCID},
		{"no opinion on points", lacking(message.ExtPointFormats), dtls.DraftCID},
		{"no connection id", lacking(message.ExtConnectionIDDraft), dtls.NoCID},
		{"both connection ids", with(message.ExtConnectionID, 0), dtls.DraftCID},
		{"a connection id for our records", with(message.ExtConnectionIDDraft, 2, 7, 7), dtls.NoCID},
		{"a malformed connection id", with(message.ExtConnectionIDDraft), dtls.NoCID},
		{"what nobody knows", with(0x2a2a, 1, 2, 3), dtls.DraftCID},
		{"DTLS 1.3's way of saying 1.2", with(43, 2, 0xfe, 0xfd), dtls.DraftCID},
	} {
		t.Run(test.name, func(t *testing.T) {
			hello, err := dtls.HelloOf(helloDatagram(t, client, test.change))
			if err != nil {
				t.Fatal(err)
			}
			h, flight, err := dtls.NewServerHandshake(server, begin, hello, [8]byte{1}, dtls.ServerRandom{Ephemeral: random32("x")})
			if err != nil {
				t.Fatal(err)
			}
			if h.CID().Kind != test.cid {
				t.Errorf("connection id of kind %d, want %d", h.CID().Kind, test.cid)
			}
			// What was not offered must not be answered. RFC 5246 §7.4.1.4.
			f, _, _ := message.ParseFragment(records(t, flight[0])[0].Fragment)
			m, err := message.ParseServerHello(f.Body)
			if err != nil {
				t.Fatal(err)
			}
			for _, kind := range []message.ExtensionType{11, 19, 20, 54, 254} {
				_, offered := hello.Extensions.Find(kind)
				if _, answered := m.Extensions.Find(kind); answered && !offered {
					t.Errorf("extension %d was not offered", kind)
				}
			}
		})
	}
}

// forge changes one message of the client's flight before the server sees it.
func forge(t *testing.T, flight []byte, kind message.Type, change func(body []byte) []byte) (datagram []byte) {
	t.Helper()
	for _, r := range records(t, flight) {
		f, _, err := message.ParseFragment(r.Fragment)
		if r.Type != dtls.Handshake || r.Epoch != 0 || err != nil || f.Type != kind {
			datagram = append(datagram, r.Raw...)
			continue
		}
		f.Body = change(append([]byte(nil), f.Body...))
		f.Length = len(f.Body)
		datagram = append(datagram, plainRecord(r.Seq, f)...)
	}
	return datagram
}

func TestFlightsThatAreRefused(t *testing.T) {
	client, server := configs(t)
	client.NoCID = true // the Finished is easier to find
	certificate, exchange, verify := message.TypeCertificate, message.TypeClientKeyExchange, message.TypeCertificateVerify
	flip := func(at int) func([]byte) []byte {
		return func(b []byte) []byte { b[(at+len(b))%len(b)] ^= 1; return b }
	}
	cut := func(b []byte) []byte { return b[:len(b)-1] }
	longer := func(b []byte) []byte { return append(b, 0) }
	for _, test := range []struct {
		name   string
		kind   message.Type
		change func([]byte) []byte
		alert  dtls.AlertDescription
		cause  error
		stage  dtls.Stage
	}{
		{"no key", certificate, func([]byte) []byte { return []byte{0, 0, 0} }, dtls.HandshakeFailure, dtls.ErrNoClientKey, dtls.StageHello},
		{"key off the curve", certificate, flip(-1), dtls.BadCertificate, dtls.ErrPublicKey, dtls.StageHello},
		{"key of another algorithm", certificate, flip(3 + 12), dtls.BadCertificate, dtls.ErrPublicKey, dtls.StageHello},
		{"a certificate list", certificate, func(b []byte) []byte { return append([]byte{0, 0, byte(len(b))}, b...) }, dtls.BadCertificate, dtls.ErrPublicKey, dtls.StageHello},
		{"certificate cut short", certificate, cut, dtls.DecodeError, dtls.ErrMessageFormat, dtls.StageHello},
		{"certificate too long", certificate, longer, dtls.DecodeError, dtls.ErrMessageFormat, dtls.StageHello},
		{"point off the curve", exchange, flip(-1), dtls.IllegalParameter, dtls.ErrPoint, dtls.StageCertificate},
		{"point at infinity", exchange, func([]byte) []byte { return []byte{1, 0} }, dtls.IllegalParameter, dtls.ErrPoint, dtls.StageCertificate},
		{"compressed point", exchange, func(b []byte) []byte { return append([]byte{33, 2}, b[2:34]...) }, dtls.IllegalParameter, dtls.ErrPoint, dtls.StageCertificate},
		{"point cut short", exchange, cut, dtls.DecodeError, dtls.ErrMessageFormat, dtls.StageCertificate},
		{"signature of something else", verify, flip(-1), dtls.DecryptError, dtls.ErrSignature, dtls.StageKeyExchange},
		{"signature of another scheme", verify, flip(0), dtls.DecryptError, dtls.ErrSignature, dtls.StageKeyExchange},
		{"no signature", verify, func([]byte) []byte { return []byte{4, 3, 0, 0} }, dtls.DecryptError, dtls.ErrSignature, dtls.StageKeyExchange},
		{"signature cut short", verify, cut, dtls.DecodeError, dtls.ErrMessageFormat, dtls.StageKeyExchange},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := halfway(t, client, server)
			out, err := p.server.Receive(begin, forge(t, p.flight[0], test.kind, test.change))
			wantAlert(t, err, test.alert, test.cause)
			if out.Verified || out.Stage != test.stage || alertIn(t, out.Send) != test.alert {
				t.Errorf("output %+v, want stage %v", out, test.stage)
			}
			if s := p.server.SessionPreview(); s != (dtls.Session{}) {
				t.Error("a refused client has a session")
			}
			if _, err := p.server.Receive(begin, p.flight[0]); !errors.Is(err, dtls.ErrHandshakeOver) {
				t.Errorf("afterwards: %v", err)
			}
			// The client takes the alert for what it is.
			_, err = p.client.Receive(begin, out.Send[0])
			var heard *dtls.AlertError
			if !errors.As(err, &heard) || !heard.Peer || heard.Description != test.alert {
				t.Errorf("the client heard %v", err)
			}
		})
	}
}

// A message of the wrong kind in the client's flight.
func TestMessageOutOfPlace(t *testing.T) {
	client, server := configs(t)
	p := halfway(t, client, server)
	r := records(t, p.flight[0])
	f, _, _ := message.ParseFragment(r[1].Fragment) // ClientKeyExchange in place of Certificate
	f.Seq--
	_, err := p.server.Receive(begin, plainRecord(9, f))
	wantAlert(t, err, dtls.UnexpectedMessage, dtls.ErrUnexpected)
}

// clientSession is the session of halfway's client, computed from what the test knows: both ephemeral keys.
func clientSession(t testing.TB) dtls.Session {
	t.Helper()
	mine, theirs := random32("client ephemeral"), random32("server ephemeral1")
	client, err := dtls.Std().NewKey(mine[:])
	if err != nil {
		t.Fatal(err)
	}
	server, err := dtls.Std().NewKey(theirs[:])
	if err != nil {
		t.Fatal(err)
	}
	secret, err := dtls.Std().Agree(client, server.PublicKey().Bytes())
	if err != nil {
		t.Fatal(err)
	}
	keys := dtls.Derive(secret, random32("client random"), random32("server random"), nil, nil).Keys
	return dtls.Session{Keys: keys, ReadEpoch: 1, WriteEpoch: 1, WriteSeq: 1}
}

// What arrives under the right keys and is wrong all the same.
func TestWrongFinished(t *testing.T) {
	client, server := configs(t)
	client.NoCID = true
	finished := message.Fragment{Type: message.TypeFinished, Length: 12, Seq: 5, Body: make([]byte, 12)}
	seal := func(kind dtls.ContentType, plaintext []byte) []byte {
		s := clientSession(t)
		record, err := s.Seal(nil, kind, plaintext)
		if err != nil {
			t.Fatal(err)
		}
		return record
	}
	allButFinished := func(p *pause) []byte {
		r := records(t, p.flight[0])
		return slices.Clip(p.flight[0][:len(p.flight[0])-len(r[len(r)-1].Raw)])
	}
	short := finished
	short.Length, short.Body = 11, finished.Body[:11]
	t.Run("data of another handshake", func(t *testing.T) {
		p := halfway(t, client, server)
		_, err := p.server.Receive(begin, append(allButFinished(p), seal(dtls.Handshake, finished.Append(nil))...))
		wantAlert(t, err, dtls.DecryptError, dtls.ErrFinished)
	})
	t.Run("cut short", func(t *testing.T) {
		p := halfway(t, client, server)
		_, err := p.server.Receive(begin, append(allButFinished(p), seal(dtls.Handshake, short.Append(nil))...))
		wantAlert(t, err, dtls.DecodeError, dtls.ErrMessageFormat)
	})
	t.Run("an encrypted alert", func(t *testing.T) {
		p := halfway(t, client, server)
		_, err := p.server.Receive(begin, append(allButFinished(p), seal(dtls.Alert, dtls.AppendAlert(nil, dtls.Fatal, dtls.InternalError))...))
		var alert *dtls.AlertError
		if !errors.As(err, &alert) || !alert.Peer || alert.Description != dtls.InternalError {
			t.Errorf("got %v", err)
		}
	})
	for name, test := range map[string]struct {
		datagram []byte
		want     error
	}{
		"in the clear":               {plainRecord(50, finished), dtls.ErrEpoch},
		"application data before it": {seal(dtls.ApplicationData, []byte("early")), dtls.ErrType},
		"a Certificate under keys":   {seal(dtls.Handshake, (&message.Fragment{Type: 11, Seq: 2, Length: 1, Body: []byte{0}}).Append(nil)), dtls.ErrEpoch},
		"not authentic":              {flipLast(seal(dtls.Handshake, finished.Append(nil))), dtls.ErrAuth},
	} {
		t.Run(name, func(t *testing.T) {
			p := halfway(t, client, server)
			out, err := p.server.Receive(begin, append(allButFinished(p), test.datagram...))
			if err != nil || !errors.Is(out.Dropped, test.want) || out.Verified || out.Stage != dtls.StageKeyExchange {
				t.Fatalf("%+v, %v; want %v", out, err, test.want)
			}
			// It did no harm: the true flight still counts.
			if out, err = p.server.Receive(begin, p.flight[0]); err != nil || !out.Verified {
				t.Errorf("the true Finished: %+v, %v", out, err)
			}
		})
	}
}

func flipLast(b []byte) []byte {
	b[len(b)-1] ^= 1
	return b
}

// What can be said without a key, at any time, that must not end a handshake or a proven peer.
func TestStrangersAreIgnored(t *testing.T) {
	client, server := configs(t)
	fatalAlert := []byte{21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40}
	warning := []byte{21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 1, 100}
	bomb := plainRecord(9, message.Fragment{Type: 11, Length: 1<<24 - 1, Seq: 2, Offset: 1<<24 - 2, Body: []byte{1}})
	for name, datagram := range map[string][]byte{
		"a warning":                   warning,
		"a malformed alert":           {21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 2},
		"application data unsealed":   {23, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 2},
		"another epoch":               {22, 0xfe, 0xfd, 0, 2, 0, 0, 0, 0, 0, 9, 0, 1, 2},
		"half a record":               fatalAlert[:14],
		"a message of 16 MB":          bomb,
		"a message beyond":            plainRecord(9, message.Fragment{Type: 11, Seq: 7}),
		"a fragment past its end":     {22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 13, 11, 0, 0, 1, 0, 2, 0, 0, 1, 0, 0, 1, 0},
		"nothing":                     {},
		"a keep-alive of one byte":    {0},
		"CoAP without encryption":     {0x40, 0, 0, 1},
		"garbage that comes too soon": append([]byte{22, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 9, 0, 40}, make([]byte, 40)...),
	} {
		t.Run(name, func(t *testing.T) {
			p := halfway(t, client, server)
			out, err := p.server.Receive(begin, datagram)
			if err != nil || out.Send != nil || out.Verified {
				t.Fatalf("%+v, %v", out, err)
			}
			if out, err = p.server.Receive(begin, p.flight[0]); err != nil || !out.Verified {
				t.Errorf("the true flight: %+v, %v", out, err)
			}
			if out, err = p.server.Receive(begin, fatalAlert); err != nil || !errors.Is(out.Dropped, dtls.ErrEpoch) {
				t.Errorf("an alert in the clear to a proven peer: %+v, %v", out, err)
			}
			next := plainRecord(10, message.Fragment{Type: message.TypeCertificate, Seq: 6})
			if out, err = p.server.Receive(begin, next); err != nil || out.Send != nil {
				t.Errorf("a message in the clear to a proven peer: %+v, %v", out, err)
			}
		})
	}
}

// A device that doesn't trust the server's key says so in the clear; it is the one alert of a stranger that counts.
func TestWrongServerKey(t *testing.T) {
	client, server := configs(t)
	client.ServerKey = &keyOf(t, "somebody else").PublicKey
	device, door := connect(t, client, server, &network{}, 0)
	wantAlert(t, device.failure, dtls.DecryptError, dtls.ErrSignature)
	var alert *dtls.AlertError
	if !errors.As(door.refusal, &alert) || !alert.Peer || alert.Description != dtls.DecryptError {
		t.Errorf("the server hears %v", door.refusal)
	}
	if alert != nil && alert.Error() != "dtls: peer sent decrypt_error" {
		t.Errorf("in words: %q", alert.Error())
	}
}

func TestServersThatAreRefused(t *testing.T) {
	client, server := configs(t)
	for _, test := range []struct {
		name   string
		kind   message.Type
		change func([]byte) []byte
		alert  dtls.AlertDescription
		cause  error
	}{
		{"DTLS 1.0", message.TypeServerHello, set(1, 0xff), dtls.ProtocolVersion, dtls.ErrOldVersion},
		{"another suite", message.TypeServerHello, set(36, 0xac), dtls.IllegalParameter, dtls.ErrSuite},
		{"compression", message.TypeServerHello, set(37, 1), dtls.IllegalParameter, dtls.ErrSuite},
		{"X.509 for the client", message.TypeServerHello, set(44, 0), dtls.UnsupportedCertificate, dtls.ErrRawPublicKey},
		{"X.509 for itself", message.TypeServerHello, set(49, 0), dtls.UnsupportedCertificate, dtls.ErrRawPublicKey},
		{"another connection id extension", message.TypeServerHello, set(57, 99), dtls.HandshakeFailure, dtls.ErrNoCID},
		{"connection id of 7 bytes", message.TypeServerHello, shortCID, dtls.HandshakeFailure, dtls.ErrNoCID},
		{"no extensions", message.TypeServerHello, func(b []byte) []byte { return b[:38] }, dtls.UnsupportedCertificate, dtls.ErrRawPublicKey},
		{"hello cut short", message.TypeServerHello, func(b []byte) []byte { return b[:39] }, dtls.DecodeError, dtls.ErrMessageFormat},
		{"another curve", message.TypeServerKeyExchange, set(2, 0x1d), dtls.IllegalParameter, dtls.ErrSuite},
		{"another point", message.TypeServerKeyExchange, set(68, 0), dtls.DecryptError, dtls.ErrSignature},
		{"no request", message.TypeCertificateRequest, func([]byte) []byte { return nil }, dtls.DecodeError, dtls.ErrMessageFormat},
		{"request for RSA", message.TypeCertificateRequest, set(1, 1), dtls.HandshakeFailure, dtls.ErrSuite},
		{"done with a body", message.TypeServerHelloDone, func([]byte) []byte { return []byte{0} }, dtls.DecodeError, dtls.ErrMessageFormat},
	} {
		t.Run(test.name, func(t *testing.T) {
			h, first, _ := dtls.NewClientHandshake(client, begin, dtls.ClientRandom{Random: random32("client random"), Ephemeral: random32("client ephemeral")})
			d := newDoor(server)
			out, err := h.Receive(begin, d.receive(begin, first[0])[0])
			if err != nil {
				t.Fatal(err)
			}
			flight := d.receive(begin, out.Send[0])
			out, err = h.Receive(begin, forge(t, flight[0], test.kind, test.change))
			wantAlert(t, err, test.alert, test.cause)
			if alertIn(t, out.Send) != test.alert {
				t.Errorf("output %+v", out)
			}
			if _, err := h.Tick(begin); !errors.Is(err, dtls.ErrHandshakeOver) || !h.Deadline().IsZero() {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

func shortCID(b []byte) []byte {
	m, err := message.ParseServerHello(b)
	if err != nil {
		panic(err)
	}
	m.Extensions = without(m.Extensions, message.ExtConnectionIDDraft).Add(message.ExtConnectionIDDraft, 7, 1, 2, 3, 4, 5, 6, 7)
	return m.Append(nil)
}

func set(at int, v byte) func([]byte) []byte {
	return func(b []byte) []byte { b[at] = v; return b }
}

// A server Certificate is what every other DTLS server sends; a device aborts on it, and so does our client.
func TestServerCertificateIsRefused(t *testing.T) {
	client, server := configs(t)
	h, first, _ := dtls.NewClientHandshake(client, begin, dtls.ClientRandom{Ephemeral: random32("client ephemeral")})
	d := newDoor(server)
	out, err := h.Receive(begin, d.receive(begin, first[0])[0])
	if err != nil {
		t.Fatal(err)
	}
	flight := records(t, d.receive(begin, out.Send[0])[0])
	if _, err = h.Receive(begin, flight[0].Raw); err != nil {
		t.Fatal(err)
	}
	_, err = h.Receive(begin, plainRecord(8, message.Fragment{Type: message.TypeCertificate, Seq: 2, Length: 3, Body: make([]byte, 3)}))
	wantAlert(t, err, dtls.UnexpectedMessage, dtls.ErrUnexpected)
}

func TestConfigWithoutKeys(t *testing.T) {
	client, server := configs(t)
	hello, err := dtls.HelloOf(helloDatagram(t, client, func(*message.ClientHello) {}))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := dtls.NewServerHandshake(&dtls.ServerConfig{}, begin, hello, [8]byte{}, dtls.ServerRandom{}); !errors.Is(err, dtls.ErrConfig) {
		t.Errorf("server: %v", err)
	}
	if _, _, err := dtls.NewClientHandshake(&dtls.ClientConfig{Key: client.Key}, begin, dtls.ClientRandom{}); !errors.Is(err, dtls.ErrConfig) {
		t.Errorf("client: %v", err)
	}
	// Random bytes that are no private key: all zero.
	_, flight, err := dtls.NewServerHandshake(server, begin, hello, [8]byte{}, dtls.ServerRandom{})
	wantAlert(t, err, dtls.InternalError, dtls.ErrEphemeral)
	if alertIn(t, flight) != dtls.InternalError {
		t.Errorf("flight %x", flight)
	}
}
