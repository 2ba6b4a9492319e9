//go:build linux && (amd64 || arm64)

package crowd

import (
	"net/netip"
	"time"
)

// Raw sends any datagrams to a server from any address of 127.0.0.0/8, and
// hears what comes back to each. It belongs to one goroutine.
type Raw struct{ sock *socket }

// OpenRaw opens one.
func OpenRaw(server netip.AddrPort) (*Raw, error) {
	s, err := openSocket(server)
	if err != nil {
		return nil, err
	}
	return &Raw{s}, nil
}

// Source is the n-th address to send from, of some 16 million.
func Source(n int) netip.Addr { return addressOf(n % mostDevices) }

// Send queues a datagram of at most 2,048 bytes, which goes out with a batch.
func (r *Raw) Send(from netip.Addr, datagram []byte) { r.sock.send(from, datagram) }

// Flush sends what is queued.
func (r *Raw) Flush() { r.sock.flush() }

// Read waits for datagrams, until the time, and gives those that are there to
// take, with the address that they came to. They are good for the call only.
func (r *Raw) Read(until time.Time, take func(to netip.Addr, datagram []byte)) error {
	return r.sock.read(until, take)
}

// Close closes it.
func (r *Raw) Close() error { return r.sock.close() }
