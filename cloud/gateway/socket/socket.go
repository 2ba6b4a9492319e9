// Package socket reads and writes the devices' datagrams in batches, and opens
// the ports that devices come to. Where the system tells to which of our addresses a
// datagram came, the answer leaves from there: a device takes no other.
package socket

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"

	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
)

// MaxDatagram is the longest datagram that is read whole. Devices send at
// most some 1,300 bytes.
const MaxDatagram = 2048

// Batch is how many datagrams are read or written by one system call.
const Batch = 64

// Packet is a datagram that was read, in memory that is used again.
type Packet struct {
	Data  [MaxDatagram]byte
	N     int
	From  netip.AddrPort
	Local netip.Addr // where it was sent to; invalid: the system does not tell
}

// Socket reads and writes datagrams in batches. Several goroutines may do so,
// each with a reader or a writer of its own.
type Socket interface {
	// NewReader makes a reader that tells of each datagram that is too long.
	NewReader(long func()) Reader
	NewWriter() Writer
	// Addr gives the address that is listened on, and whether it is one of IPv6
	// that IPv4 comes to as well.
	Addr() (at netip.AddrPort, dual bool)
	// UDP gives the connection itself.
	UDP() *net.UDPConn
	Close() error
}

// Reader reads datagrams.
type Reader interface {
	// Read fills packets from the front and gives how many; it waits for the
	// first. The error is net.ErrClosed when the socket is closed.
	Read(ps []*Packet) (int, error)
}

// Writer sends datagrams.
type Writer interface {
	// Write sends what it can; a datagram that cannot be sent is lost.
	Write(sends []lane.Send) (lost int)
}

// Listen opens a socket at the address, such as "127.0.0.1:5684",
// "[::1]:5684", or ":5684" for IPv4 and IPv6.
func Listen(address string) (Socket, error) {
	network, err := family("udp", address)
	if err != nil {
		return nil, err
	}
	a, err := net.ResolveUDPAddr(network, address)
	if err != nil {
		return nil, err
	}
	c, err := net.ListenUDP(network, a)
	if err != nil {
		return nil, err
	}
	// A burst of a whole fleet's pings has to wait somewhere while we are busy.
	_ = c.SetReadBuffer(4 << 20)
	_ = c.SetWriteBuffer(4 << 20)
	s, err := Of(c, network == "udp" && a.IP == nil)
	if err != nil {
		c.Close()
		return nil, err
	}
	return s, nil
}

// ListenTCP opens a door at the address, in the words of Listen.
func ListenTCP(ctx context.Context, address string) (net.Listener, error) {
	network, err := family("tcp", address)
	if err != nil {
		return nil, err
	}
	return new(net.ListenConfig).Listen(ctx, network, address)
}

// family gives the network for a listening address: both families where no
// host is given.
func family(network, address string) (string, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return "", err
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		if ip.Is4() {
			return network + "4", nil
		}
		return network + "6", nil
	}
	return network, nil // none, or a name
}

// simple is a socket that reads and writes one datagram at a time, for
// systems without better.
type simple struct {
	conn *net.UDPConn
	dual bool
}

func (s simple) NewReader(long func()) Reader { return simpleReader{s, long} }
func (s simple) NewWriter() Writer            { return s }
func (s simple) Close() error                 { return s.conn.Close() }
func (s simple) UDP() *net.UDPConn            { return s.conn }
func (s simple) Addr() (netip.AddrPort, bool) { return localAddr(s.conn, s.dual) }

func localAddr(c *net.UDPConn, dual bool) (netip.AddrPort, bool) {
	at := c.LocalAddr().(*net.UDPAddr).AddrPort()
	return at, dual && at.Addr().Is6()
}

// simpleReader takes a datagram that fills the buffer for one that was longer.
type simpleReader struct {
	simple
	long func()
}

func (s simpleReader) Read(ps []*Packet) (int, error) {
	for {
		n, from, err := s.conn.ReadFromUDPAddrPort(ps[0].Data[:])
		if err == nil && n == MaxDatagram {
			s.long()
			continue
		}
		if errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded) {
			return 0, net.ErrClosed
		}
		if err != nil {
			continue // an error that an earlier datagram met on its way
		}
		p := ps[0]
		p.N, p.From, p.Local = n, netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), netip.Addr{}
		return 1, nil
	}
}

func (s simple) Write(sends []lane.Send) (lost int) {
	for i := range sends {
		if _, err := s.conn.WriteToUDPAddrPort(sends[i].Data, sends[i].To); err != nil {
			lost++
		}
	}
	return lost
}
