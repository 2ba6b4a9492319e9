package web

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// maxHops bounds how many entries of X-Forwarded-For are looked at.
const maxHops = 32

// clientOf finds the address that a request comes from: that of the
// connection or, where a proxy of ours sent it, the last one in
// X-Forwarded-For that is no proxy of ours. What stands before that anybody
// can have written.
func clientOf(r *http.Request, proxies []netip.Prefix) netip.Addr {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	client := plain(from.Addr())
	if !ours(client, proxies) {
		return client
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	hops = hops[max(0, len(hops)-maxHops):]
	for _, hop := range slices.Backward(hops) {
		addr, ok := parseHop(hop)
		if !ok {
			return client
		}
		if client = addr; !ours(client, proxies) {
			return client
		}
	}
	return client
}

// parseHop reads an entry of X-Forwarded-For; some proxies write the port, too.
func parseHop(hop string) (netip.Addr, bool) {
	hop = strings.TrimSpace(hop)
	if with, err := netip.ParseAddrPort(hop); err == nil {
		return plain(with.Addr()), true
	}
	addr, err := netip.ParseAddr(strings.Trim(hop, "[]"))
	return plain(addr), err == nil
}

func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

func ours(a netip.Addr, proxies []netip.Prefix) bool {
	return slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(a) })
}

// Source gives the address that the request came from, without its port.
func (r *Request) Source() string {
	if !r.client.IsValid() {
		return r.RemoteAddr
	}
	return r.client.String()
}

// Neighbourhood is what limits count by: an IPv4 address, or the /64 that one
// IPv6 subscriber has to himself.
func (r *Request) Neighbourhood() string {
	if r.client.Is6() {
		if p, err := r.client.Prefix(64); err == nil {
			return p.String()
		}
	}
	return r.Source()
}
