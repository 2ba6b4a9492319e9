package bench

import (
	"crypto/rand"
	"encoding/hex"
	"testing"
)

// What the server's side of a handshake needs, in words: whoever changes the
// list changes what all ratios mean.
func TestOperations(t *testing.T) {
	udp, err := dtlsOperations()
	if err != nil {
		t.Fatal(err)
	}
	server, err := rsaKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	device, err := rsaKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := tcpOperations(server, device)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		list []operation
		want []int
	}{
		"dtls": {udp, []int{2, 1, 1, 1, 1, 1, 1, 2, 3}},
		"tcp":  {tcp, []int{1, 1, 1, 1}},
	} {
		if len(c.list) != len(c.want) {
			t.Fatalf("%s: %d operations", name, len(c.list))
		}
		for i, o := range c.list {
			if o.times != c.want[i] {
				t.Errorf("%s: %d × %s", name, o.times, o.name)
			}
		}
		if err := once(c.list); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The vector for SHA-256 that the TLS working group published on its list.
func TestPRF(t *testing.T) {
	secret, _ := hex.DecodeString("9bbe436ba940f017b17652849a71db35")
	seed, _ := hex.DecodeString("a0ba9f936cda311827a6f796ffd5198c")
	const want = "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a"
	if got := hex.EncodeToString(prf(secret, append([]byte("test label"), seed...), 32)); got != want {
		t.Errorf("prf = %s", got)
	}
}
