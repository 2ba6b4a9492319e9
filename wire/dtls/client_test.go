package dtls_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"errors"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/wire/dtls"
	"github.com/cyan-cloud/cyan/wire/dtls/message"
)

// serverSession is the server's side of halfway's session.
func serverSession(t testing.TB) *dtls.Session {
	t.Helper()
	s := clientSession(t)
	s.Server = true
	return &s
}

// What reaches a client that waits for the server's Finished.
func TestClientBeforeFinished(t *testing.T) {
	client, server := configs(t)
	client.NoCID = true
	seal := func(kind dtls.ContentType, plaintext []byte) []byte {
		return mustSeal(t, serverSession(t), kind, string(plaintext)).Raw
	}
	finished := message.Fragment{Type: message.TypeFinished, Length: 12, Seq: 5, Body: make([]byte, 12)}
	short := finished
	short.Length, short.Body = 11, finished.Body[:11]

	for name, test := range map[string]struct {
		datagram []byte
		alert    dtls.AlertDescription
		cause    error // nil: the server's own alert
	}{
		"Finished of another handshake": {seal(dtls.Handshake, finished.Append(nil)), dtls.DecryptError, dtls.ErrFinished},
		"Finished cut short":            {seal(dtls.Handshake, short.Append(nil)), dtls.DecodeError, dtls.ErrMessageFormat},
		"an alert under keys":           {seal(dtls.Alert, dtls.AppendAlert(nil, dtls.Fatal, dtls.AccessDenied)), dtls.AccessDenied, nil},
		"close_notify":                  {seal(dtls.Alert, dtls.AppendAlert(nil, dtls.Warning, dtls.CloseNotify)), dtls.CloseNotify, nil},
	} {
		t.Run(name, func(t *testing.T) {
			p := halfway(t, client, server)
			out, err := p.client.Receive(begin, test.datagram)
			if test.cause != nil {
				wantAlert(t, err, test.alert, test.cause)
				return
			}
			var alert *dtls.AlertError
			if !errors.As(err, &alert) || !alert.Peer || alert.Description != test.alert || out.Send != nil {
				t.Errorf("%+v, %v", out, err)
			}
		})
	}
	for name, test := range map[string]struct {
		datagram []byte
		want     error
	}{
		"application data that overtook": {seal(dtls.ApplicationData, []byte("word")), dtls.ErrType},
		"Finished in the clear":          {plainRecord(9, finished), dtls.ErrEpoch},
		"application data in the clear":  {[]byte{23, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 2}, dtls.ErrEpoch},
		"epoch 2":                        {[]byte{22, 0xfe, 0xfd, 0, 2, 0, 0, 0, 0, 0, 9, 0, 1, 2}, dtls.ErrEpoch},
		"not authentic":                  {flipLast(seal(dtls.Handshake, finished.Append(nil))), dtls.ErrAuth},
		"cut short":                      {[]byte{22, 0xfe}, dtls.ErrShort},
		"a warning under keys":           {seal(dtls.Alert, dtls.AppendAlert(nil, dtls.Warning, dtls.NoRenegotiation)), nil},
	} {
		t.Run(name, func(t *testing.T) {
			p := halfway(t, client, server)
			out, err := p.client.Receive(begin, test.datagram)
			if err != nil || !errors.Is(out.Dropped, test.want) || out.Verified || out.Send != nil {
				t.Errorf("%+v, %v; want %v", out, err, test.want)
			}
		})
	}
}

// A server that repeats its flight has not heard ours.
func TestClientRepeatsItsFlight(t *testing.T) {
	client, server := configs(t)
	p := halfway(t, client, server)
	again, err := p.server.Tick(p.server.Deadline())
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.client.Receive(begin, again[0])
	if err != nil || len(out.Send) != 1 || len(out.Send[0]) != len(p.flight[0]) {
		t.Fatalf("%+v, %v", out, err)
	}
	if out, err := p.server.Receive(begin, out.Send[0]); err != nil || !out.Verified || p.server.Stage() != dtls.StageVerified {
		t.Errorf("the repeated flight: %+v, %v", out, err)
	}
}

// A server that never likes a cookie is given up.
func TestClientLeavesACookieLoop(t *testing.T) {
	client, _ := configs(t)
	h, _, err := dtls.NewClientHandshake(client, begin, dtls.ClientRandom{})
	if err != nil {
		t.Fatal(err)
	}
	for seq := uint16(0); err == nil; seq++ {
		if seq > dtls.MaxHelloSeq {
			t.Fatal("still asking")
		}
		m := message.HelloVerifyRequest{Version: 0xfeff, Cookie: []byte{byte(seq)}}
		body := m.Append(nil)
		_, err = h.Receive(begin, plainRecord(uint64(seq), message.Fragment{Type: message.TypeHelloVerifyRequest, Seq: seq, Length: len(body), Body: body}))
	}
	wantAlert(t, err, dtls.UnexpectedMessage, dtls.ErrUnexpected)
}

// Keys that can't sign, and random bytes that are no key, end a handshake as our own fault.
func TestOwnFaults(t *testing.T) {
	broken := errors.New("the key is in a drawer")
	noSign := dtls.Crypto{Sign: func(*ecdsa.PrivateKey, []byte) ([]byte, error) { return nil, broken }}

	client, server := configs(t)
	server.Crypto = noSign
	hello, err := dtls.HelloOf(helloDatagram(t, client, func(*message.ClientHello) {}))
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = dtls.NewServerHandshake(server, begin, hello, [8]byte{}, dtls.ServerRandom{Ephemeral: random32("x")})
	wantAlert(t, err, dtls.InternalError, broken)

	client, server = configs(t)
	client.Crypto = noSign
	mute, door := connect(t, client, server, &network{}, time.Minute)
	wantAlert(t, mute.failure, dtls.InternalError, broken)
	if door.session != nil {
		t.Error("the server has a session")
	}

	client, server = configs(t)
	h, first, err := dtls.NewClientHandshake(client, begin, dtls.ClientRandom{}) // an ephemeral key of zeros
	if err != nil {
		t.Fatal(err)
	}
	unlucky := &device{h: h}
	(&network{}).run(unlucky, newDoor(server), first, begin.Add(time.Minute))
	wantAlert(t, unlucky.failure, dtls.InternalError, dtls.ErrEphemeral)
}

func TestPublicKeyOfAnotherCurve(t *testing.T) {
	scalar := random32("p384")
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P384(), append(make([]byte, 16), scalar[:]...))
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]*ecdsa.PublicKey{"P-384": &key.PublicKey, "none": nil} {
		if b, err := dtls.AppendPublicKey([]byte("kept"), key); !errors.Is(err, dtls.ErrPublicKey) {
			t.Errorf("%s: %x, %v", name, b, err)
		}
	}
	client, server := configs(t)
	client.Key = key
	if _, _, err := dtls.NewClientHandshake(client, begin, dtls.ClientRandom{}); !errors.Is(err, dtls.ErrConfig) {
		t.Errorf("a client with it: %v", err)
	}
	hello, err := dtls.HelloOf(helloDatagram(t, &dtls.ClientConfig{Key: server.Key, ServerKey: &server.Key.PublicKey}, func(*message.ClientHello) {}))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := dtls.NewServerHandshake(&dtls.ServerConfig{Key: key}, begin, hello, [8]byte{}, dtls.ServerRandom{}); !errors.Is(err, dtls.ErrConfig) {
		t.Errorf("a server with it: %v", err)
	}
}
