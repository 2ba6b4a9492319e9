package dtls_test

import (
	"bytes"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/wire/dtls"
	"github.com/cyan-cloud/cyan/wire/dtls/message"
)

// cookieOf has a hello greeted and returns the cookie that it was given.
func cookieOf(t testing.TB, server *dtls.ServerConfig, cookies *dtls.Cookies, from netip.AddrPort, datagram []byte) []byte {
	t.Helper()
	reply, hello, err := server.Greet(begin, from, cookies, datagram, nil)
	if err != nil || hello != nil {
		t.Fatalf("hello %v, %v", hello, err)
	}
	f, rest, err := message.ParseFragment(records(t, reply)[0].Fragment)
	if err != nil || len(rest) != 0 || f.Type != message.TypeHelloVerifyRequest {
		t.Fatalf("reply %x, %v", reply, err)
	}
	m, err := message.ParseHelloVerifyRequest(f.Body)
	if err != nil {
		t.Fatal(err)
	}
	return m.Cookie
}

func withCookie(cookie []byte) func(*message.ClientHello) {
	return func(m *message.ClientHello) { m.Cookie = cookie }
}

func TestCookieIsBoundToAddressAndHello(t *testing.T) {
	client, server := configs(t)
	cookies := &dtls.Cookies{Current: random32("cookie")}
	cookie := cookieOf(t, server, cookies, peer, helloDatagram(t, client, withCookie(nil)))
	for _, test := range []struct {
		name   string
		peer   netip.AddrPort
		change func(*message.ClientHello)
		good   bool
	}{
		{"as it was given", peer, withCookie(cookie), true},
		{"the same address written as IPv6", netip.MustParseAddrPort("[::ffff:192.0.2.7]:40001"), withCookie(cookie), true},
		{"another port", netip.AddrPortFrom(peer.Addr(), 40002), withCookie(cookie), false},
		{"another address", netip.MustParseAddrPort("192.0.2.8:40001"), withCookie(cookie), false},
		{"another random", peer, func(m *message.ClientHello) { m.Cookie, m.Random[0] = cookie, m.Random[0]^1 }, false},
		{"another offer", peer, func(m *message.ClientHello) { m.Cookie, m.Suites = cookie, []byte{0xc0, 0xae} }, false},
		{"a cookie of zeros", peer, withCookie(make([]byte, 16)), false},
		{"a short cookie", peer, withCookie(cookie[:15]), false},
		{"a long cookie", peer, withCookie(append(bytes.Clone(cookie), 0)), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			datagram := helloDatagram(t, client, test.change)
			reply, hello, err := server.Greet(begin, test.peer, cookies, datagram, nil)
			if err != nil || (hello != nil) != test.good || (len(reply) == 0) != test.good {
				t.Errorf("hello %v, reply %x, %v", hello != nil, reply, err)
			}
			if len(reply) > len(datagram) {
				t.Errorf("%d bytes are answered with %d", len(datagram), len(reply))
			}
		})
	}
}

func TestCookieSecretsRotate(t *testing.T) {
	client, server := configs(t)
	cookies := &dtls.Cookies{Current: random32("first")}
	first := cookieOf(t, server, cookies, peer, helloDatagram(t, client, withCookie(nil)))
	accepts := func(at time.Duration) bool {
		_, hello, err := server.Greet(begin.Add(at), peer, cookies, helloDatagram(t, client, withCookie(first)), nil)
		return err == nil && hello != nil
	}
	cookies.Rotate(begin, random32("second"))
	for at, want := range map[time.Duration]bool{0: true, dtls.CookieGrace: true, dtls.CookieGrace + 1: false} {
		if accepts(at) != want {
			t.Errorf("%v after a rotation a cookie is good: %v", at, !want)
		}
	}
	cookies.Rotate(begin, random32("third"))
	if accepts(0) {
		t.Error("a cookie outlives two rotations")
	}
	// A secret of zeros that nobody set must not count as the previous one.
	forger := &dtls.Cookies{}
	forged := cookieOf(t, server, forger, peer, helloDatagram(t, client, withCookie(nil)))
	fresh := &dtls.Cookies{Current: random32("first")}
	if _, hello, err := server.Greet(begin, peer, fresh, helloDatagram(t, client, withCookie(forged)), nil); err != nil || hello != nil {
		t.Errorf("a forged cookie is good: %v, %v", hello != nil, err)
	}
}

// The request carries the numbers of the hello that it answers, appended to what the caller has.
func TestHelloVerifyRequest(t *testing.T) {
	client, server := configs(t)
	r := records(t, helloDatagram(t, client, withCookie(nil)))[0]
	f, _, _ := message.ParseFragment(r.Fragment)
	f.Seq = 3
	reply, _, err := server.Greet(begin, peer, &dtls.Cookies{}, plainRecord(0xabcdef, f), []byte("before"))
	if err != nil || !bytes.HasPrefix(reply, []byte("before")) || len(reply) != 6+44 {
		t.Fatalf("reply %x, %v", reply, err)
	}
	got := records(t, reply[6:])[0]
	f, _, _ = message.ParseFragment(got.Fragment)
	if got.Seq != 0xabcdef || f.Seq != 3 {
		t.Errorf("record %x, message %d", got.Seq, f.Seq)
	}
}

// The smallest hello that parses is longer than the request that it gets.
func TestNoAmplification(t *testing.T) {
	m := message.ClientHello{Suites: []byte{0, 0}, Compression: []byte{0}}
	body := m.Append(nil)
	datagram := plainRecord(0, message.Fragment{Type: message.TypeClientHello, Length: len(body), Body: body})
	_, server := configs(t)
	reply, _, err := server.Greet(begin, peer, &dtls.Cookies{}, datagram, nil)
	if err != nil || len(reply) == 0 || len(reply) > len(datagram) {
		t.Errorf("%d bytes are answered with %d, %v", len(datagram), len(reply), err)
	}
}

func TestGreetIgnores(t *testing.T) {
	client, server := configs(t)
	hello := helloDatagram(t, client, withCookie(nil))
	r := records(t, hello)[0]
	f, _, _ := message.ParseFragment(r.Fragment)
	fragment := func(change func(*message.Fragment)) []byte {
		f := f
		change(&f)
		return plainRecord(0, f)
	}
	big := helloDatagram(t, client, func(m *message.ClientHello) {
		m.Cookie = make([]byte, 1)
		m.Suites = append(m.Suites, make([]byte, 1024-92)...)
	})
	if _, _, err := server.Greet(begin, peer, &dtls.Cookies{}, big, nil); err != nil {
		t.Fatalf("a hello of 1024 bytes: %v", err)
	}
	for name, datagram := range map[string][]byte{
		"nothing":              nil,
		"one byte":             {0},
		"CoAP":                 {0x40, 1, 0, 1, 0xb1, 'h'},
		"half of it":           hello[:60],
		"a hello of epoch 1":   set(4, 1)(bytes.Clone(hello)),
		"an alert":             set(0, 21)(bytes.Clone(hello)),
		"another message":      fragment(func(f *message.Fragment) { f.Type = 11 }),
		"a hello in fragments": fragment(func(f *message.Fragment) { f.Body = f.Body[:50] }),
		"a hello of 16 MB":     fragment(func(f *message.Fragment) { f.Length = 1<<24 - 1 }),
		"a hello of 1025 bytes": helloDatagram(t, client, func(m *message.ClientHello) {
			m.Suites = append(m.Suites, make([]byte, 1025-91)...)
		}),
		"a message number too far": fragment(func(f *message.Fragment) { f.Seq = dtls.MaxHelloSeq + 1 }),
		"a hello cut short":        fragment(func(f *message.Fragment) { f.Length, f.Body = 50, f.Body[:50] }),
	} {
		if reply, got, err := server.Greet(begin, peer, &dtls.Cookies{}, datagram, nil); !errors.Is(err, dtls.ErrNotHello) || reply != nil || got != nil {
			t.Errorf("%s: reply %x, %v", name, reply, err)
		}
	}
}

// What Greet returns is its own: the datagram's buffer is used again.
func TestHelloOwnsItsMemory(t *testing.T) {
	client, server := configs(t)
	cookies := &dtls.Cookies{}
	cookie := cookieOf(t, server, cookies, peer, helloDatagram(t, client, withCookie(nil)))
	datagram := helloDatagram(t, client, withCookie(cookie))
	want := bytes.Clone(datagram)
	_, hello, err := server.Greet(begin, peer, cookies, datagram, nil)
	if err != nil {
		t.Fatal(err)
	}
	clear(datagram)
	if got := hello.Append(nil); !bytes.HasSuffix(want, got) {
		t.Errorf("the hello changed with the buffer: %x", got)
	}
}
