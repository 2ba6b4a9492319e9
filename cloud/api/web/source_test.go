package web

import (
	"net/http"
	"net/netip"
	"testing"
)

// Only a proxy of ours is believed, and only about who came to it.
func TestClientOf(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	for _, c := range []struct {
		what, remote string
		forwarded    []string
		want, near   string
	}{
		{"directly", "203.0.113.7:4000", nil, "203.0.113.7", "203.0.113.7"},
		{"a stranger who says he is a proxy", "203.0.113.7:4000", []string{"198.51.100.1"}, "203.0.113.7", "203.0.113.7"},
		{"through a proxy", "10.0.0.1:4000", []string{"198.51.100.1"}, "198.51.100.1", "198.51.100.1"},
		{"through a proxy that tells nothing", "10.0.0.1:4000", nil, "10.0.0.1", "10.0.0.1"},
		{"through two", "[::1]:4000", []string{"198.51.100.1, 10.1.2.3"}, "198.51.100.1", "198.51.100.1"},
		{"in two lines", "[::1]:4000", []string{"198.51.100.1", "10.1.2.3"}, "198.51.100.1", "198.51.100.1"},
		{"what the client wrote itself", "10.0.0.1:4000", []string{"192.0.2.66, 198.51.100.1"}, "198.51.100.1", "198.51.100.1"},
		{"with a port", "10.0.0.1:4000", []string{"198.51.100.1:555"}, "198.51.100.1", "198.51.100.1"},
		{"IPv6", "10.0.0.1:4000", []string{"[2001:db8::1:2:3:4]"}, "2001:db8::1:2:3:4", "2001:db8::/64"},
		{"mapped", "[::ffff:10.0.0.1]:4000", []string{"::ffff:198.51.100.1"}, "198.51.100.1", "198.51.100.1"},
		{"nonsense", "10.0.0.1:4000", []string{"198.51.100.1, unknown"}, "10.0.0.1", "10.0.0.1"},
		{"proxies only", "10.0.0.1:4000", []string{"10.0.0.9"}, "10.0.0.9", "10.0.0.9"},
		{"no address", "@", nil, "@", "@"},
	} {
		hr := &http.Request{RemoteAddr: c.remote, Header: http.Header{"X-Forwarded-For": c.forwarded}}
		r := &Request{Request: hr, client: clientOf(hr, proxies)}
		if r.Source() != c.want || r.Neighbourhood() != c.near {
			t.Errorf("%s: %s near %s, want %s near %s", c.what, r.Source(), r.Neighbourhood(), c.want, c.near)
		}
	}
}
