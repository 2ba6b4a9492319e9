package notify

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

// ErrPrivate is that a name leads to an address that only this network knows.
var ErrPrivate = errors.New("notify: the address is not public")

// plainClient follows no redirect: an outlet that moved has to be looked at.
func plainClient(rt http.RoundTripper) *http.Client {
	if rt == nil {
		rt = transport(nil)
	}
	return &http.Client{Transport: rt, CheckRedirect: stay}
}

// guardedClient reaches public addresses only. The guard looks at each address
// that is dialled, after the name was resolved, so that neither a name that
// points inwards nor one that changes between look and dial gets through.
func guardedClient(rt http.RoundTripper) *http.Client {
	if rt == nil {
		rt = transport(publicOnly)
	}
	return &http.Client{Transport: rt, CheckRedirect: stay}
}

func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// transport keeps no proxy: with one, the guard would see its address only.
func transport(control func(network, address string, c syscall.RawConn) error) *http.Transport {
	d := &net.Dialer{Timeout: 5 * time.Second, Control: control}
	return &http.Transport{
		DialContext: d.DialContext, TLSHandshakeTimeout: 5 * time.Second, ResponseHeaderTimeout: 30 * time.Second,
		MaxIdleConnsPerHost: 2, IdleConnTimeout: 90 * time.Second, ForceAttemptHTTP2: true,
	}
}

// publicOnly refuses to dial what is not public.
func publicOnly(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("notify: dial %q: %w", address, err)
	}
	if !public(ap.Addr()) {
		return fmt.Errorf("%w: %s", ErrPrivate, ap.Addr())
	}
	return nil
}

// inward lists networks that netip's own questions do not know as private.
var inward = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),       // this network
	netip.MustParsePrefix("100.64.0.0/10"),   // behind a carrier's NAT
	netip.MustParsePrefix("192.0.0.0/24"),    // protocol assignments
	netip.MustParsePrefix("192.0.2.0/24"),    // documentation
	netip.MustParsePrefix("198.18.0.0/15"),   // benchmarks
	netip.MustParsePrefix("198.51.100.0/24"), // documentation
	netip.MustParsePrefix("203.0.113.0/24"),  // documentation
	netip.MustParsePrefix("240.0.0.0/4"),     // reserved, and broadcast
	netip.MustParsePrefix("64:ff9b::/96"),    // IPv4 by NAT64
	netip.MustParsePrefix("64:ff9b:1::/48"),  // and its local form
	netip.MustParsePrefix("100::/64"),        // discard
	netip.MustParsePrefix("2001::/32"),       // Teredo, which holds an IPv4 address
	netip.MustParsePrefix("2001:db8::/32"),   // documentation
	netip.MustParsePrefix("2002::/16"),       // 6to4, the same
	netip.MustParsePrefix("fec0::/10"),       // site-local
}

// public tells whether everybody means the same by an address.
func public(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if !a.IsValid() || !a.IsGlobalUnicast() || a.IsPrivate() {
		return false
	}
	for _, p := range inward {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

// bare takes the request's address out of an error of net/http.
func bare(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}
