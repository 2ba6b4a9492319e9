//go:build !linux || (!amd64 && !arm64)

package crowd

import (
	"net/netip"
	"time"
)

// Raw is there on Linux only.
type Raw struct{}

// OpenRaw says that it cannot.
func OpenRaw(server netip.AddrPort) (*Raw, error) {
	_, err := openSocket(server)
	return nil, err
}

// Source is the n-th address to send from.
func Source(n int) netip.Addr { return addressOf(n % mostDevices) }

// Send does nothing.
func (*Raw) Send(netip.Addr, []byte) {}

// Flush does nothing.
func (*Raw) Flush() {}

// Read reads nothing.
func (*Raw) Read(time.Time, func(netip.Addr, []byte)) error { return nil }

// Close closes nothing.
func (*Raw) Close() error { return nil }
