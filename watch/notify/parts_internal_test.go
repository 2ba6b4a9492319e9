package notify

import (
	"bytes"
	"flag"
	netmail "net/mail"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// TestPublic is the guard's opinion of addresses.
func TestPublic(t *testing.T) {
	for _, a := range []string{
		"127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.1", "198.18.0.1",
		"::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "2002:7f00:1::", "2001::1", "fec0::1",
	} {
		if public(netip.MustParseAddr(a)) {
			t.Errorf("%s is public", a)
		}
		if err := publicOnly("tcp", netip.AddrPortFrom(netip.MustParseAddr(a), 443).String(), nil); err == nil {
			t.Errorf("%s is dialled", a)
		}
	}
	for _, a := range []string{"8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8"} {
		if !public(netip.MustParseAddr(a)) {
			t.Errorf("%s is not public", a)
		}
	}
}

// TestPlain: whatever strangers call their devices, what people are sent is
// bounded, printable, and one line where it has to be.
func TestPlain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text") + rapid.SampledFrom([]string{"", "\r\nBcc: all@example.com", "\u202Egnp.exe", "\x1b[2J", strings.Repeat("ä", 2000), "\xff\xfe"}).Draw(t, "more")
		n := Notice{Summary: text, Group: text, By: text, Details: []Detail{{text, text}}, Links: []Link{{text, "https://x.example/" + text}, {"", "javascript:alert(1)"}}}.plain()
		for _, line := range []string{n.Summary, n.Group, n.By, n.Details[0].Name, subject(n)} {
			if strings.ContainsFunc(line, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }) || !utf8.ValidString(line) {
				t.Fatalf("%q", line)
			}
		}
		if len(n.Summary) > maxSummary || len(n.Details[0].Value) > maxDetail || len(n.Links) > 1 {
			t.Fatalf("%d, %d, %d", len(n.Summary), len(n.Details[0].Value), len(n.Links))
		}
		for _, l := range n.Links {
			if !webPage(l.URL) || strings.ContainsAny(l.URL, " \r\n\"<>") {
				t.Fatalf("%q", l.URL)
			}
		}
	})
}

// TestMailText is the whole text of a mail, with hostile words in it.
func TestMailText(t *testing.T) {
	m, err := newMail(&OutletSettings{
		Type: "mail", Server: "mx.example.com:587", From: "Watchtower <alerts@example.com>", To: []string{"Ada <ada@example.com>"}, Leave: "https://status.example.com/u/1",
	})
	if err != nil {
		t.Fatal(err)
	}
	n := Notice{
		ID: "n1", Key: "wt:inc:1", Kind: Trigger, Severity: Critical, At: time.Date(2026, 11, 22, 13, 2, 5, 0, time.UTC),
		Summary: "Calls fail on <b>oven</b>\r\nBcc: everybody@example.com", AckURL: "https://status.example.com/oncall/ack?t=x",
		Details: []Detail{{"culprit", "TCP on gateway-2\r\n.\r\nQUIT"}}, Links: []Link{{"Status", "https://status.example.com/i/1"}},
	}.plain()
	n.AckURL = "https://status.example.com/oncall/ack?t=x"
	var text bytes.Buffer
	if _, err := m.message(n, m.to[0]).WriteTo(&text); err != nil {
		t.Fatal(err)
	}
	got := strings.ReplaceAll(text.String(), "\r\n", "\n")
	if f := flag.Lookup("update"); f != nil && f.Value.String() == "true" {
		if err := os.WriteFile("testdata/mail.txt", []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/mail.txt")
	if err != nil || got != string(want) {
		t.Errorf("the mail is not testdata/mail.txt (%v) but:\n%s", err, got)
	}
	parsed, err := netmail.ReadMessage(&text)
	if err != nil || parsed.Header.Get("Bcc") != "" || parsed.Header.Get("Message-Id") == parsed.Header.Get("In-Reply-To") {
		t.Errorf("headers: %v, %v", parsed.Header, err)
	}
	later := n
	later.ID, later.Kind = "n2", Resolve
	var second bytes.Buffer
	if _, err := m.message(later, m.to[0]).WriteTo(&second); err != nil {
		t.Fatal(err)
	}
	next, err := netmail.ReadMessage(&second)
	if err != nil || next.Header.Get("In-Reply-To") != parsed.Header.Get("In-Reply-To") || next.Header.Get("Message-Id") == parsed.Header.Get("Message-Id") {
		t.Errorf("they are no thread: %v, %v", next.Header, err)
	}
}

// TestPass: what is signed is good until it expires, and only whole.
func TestPass(t *testing.T) {
	key, other := []byte("one secret"), []byte("another")
	now := time.Unix(1_800_000_000, 0)
	token := seal(key, pass{Key: "k", To: "mail", Till: now.Add(linkLasts).Unix()})
	if p, err := unseal(key, token, now.Add(linkLasts)); err != nil || p.Key != "k" || p.To != "mail" {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := unseal(key, token, now.Add(linkLasts+time.Second)); err != ErrExpired {
		t.Errorf("after its time: %v", err)
	}
	for i := range len(token) {
		broken := []byte(token)
		broken[i] ^= 1
		if p, err := unseal(key, string(broken), now); err == nil && (p.Key != "k" || i < strings.IndexByte(token, '.')) {
			t.Errorf("broken at %d it is good", i)
		}
	}
	for _, bad := range []string{"", ".", token + "x", strings.Repeat("a", maxURL+1)} {
		if _, err := unseal(key, bad, now); err == nil {
			t.Errorf("%.20q is good", bad)
		}
	}
	if _, err := unseal(other, token, now); err == nil {
		t.Error("it is good with another secret")
	}
	if _, err := unseal(nil, seal(nil, pass{Key: "k", Till: now.Unix()}), now); err == nil {
		t.Error("it is good without a secret")
	}
}

// TestLoadSecret: the secret is made once, and is the owner's alone.
func TestLoadSecret(t *testing.T) {
	path := filepath.Join(t.TempDir(), SecretFile)
	a, err := LoadSecret(path)
	b, err2 := LoadSecret(path)
	if err != nil || err2 != nil || !bytes.Equal(a, b) || len(a) != 32 {
		t.Fatalf("%x, %x, %v, %v", a, b, err, err2)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := os.WriteFile(path, []byte("short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadSecret(path); err == nil {
		t.Error("anything is a secret")
	}
}
