package gateway

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"

	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
)

// maxDatagram is the longest datagram that is read whole. Devices send at
// most some 1,300 bytes.
const maxDatagram = 2048

// batch is how many datagrams are read or written by one system call.
const batch = 64

// packet is a datagram that was read, in memory that is used again.
type packet struct {
	data  [maxDatagram]byte
	n     int
	from  netip.AddrPort
	local netip.Addr
}

var packets = sync.Pool{New: func() any { return new(packet) }}

// socket reads and writes datagrams in batches. read may be called by several
// goroutines with a reader of their own, write likewise.
type socket interface {
	// newReader makes a reader that tells of each datagram that is too long.
	newReader(long func()) reader
	newWriter() writer
	// addr gives the address that is listened on, and whether it is one of IPv6
	// that IPv4 comes to as well.
	addr() (at netip.AddrPort, dual bool)
	// udp gives the connection itself.
	udp() *net.UDPConn
	close() error
}

type reader interface {
	// read fills packets from the front and gives how many; it waits for the
	// first. The error is net.ErrClosed when the socket is closed.
	read(ps []*packet) (int, error)
}

type writer interface {
	// write sends what it can; a datagram that cannot be sent is lost.
	write(sends []lane.Send) (lost int)
}

// listenUDP opens a socket at the address, such as "127.0.0.1:5684",
// "[::1]:5684", or ":5684" for IPv4 and IPv6.
func listenUDP(address string) (socket, error) {
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
	s, err := newSocket(c, network == "udp" && a.IP == nil)
	if err != nil {
		c.Close()
		return nil, err
	}
	return s, nil
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

func (s simple) newReader(long func()) reader { return simpleReader{s, long} }
func (s simple) newWriter() writer            { return s }
func (s simple) close() error                 { return s.conn.Close() }
func (s simple) udp() *net.UDPConn            { return s.conn }
func (s simple) addr() (netip.AddrPort, bool) { return localAddr(s.conn, s.dual) }

func localAddr(c *net.UDPConn, dual bool) (netip.AddrPort, bool) {
	at := c.LocalAddr().(*net.UDPAddr).AddrPort()
	return at, dual && at.Addr().Is6()
}

// simpleReader takes a datagram that fills the buffer for one that was longer.
type simpleReader struct {
	simple
	long func()
}

func (s simpleReader) read(ps []*packet) (int, error) {
	for {
		n, from, err := s.conn.ReadFromUDPAddrPort(ps[0].data[:])
		if err == nil && n == maxDatagram {
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
		p.n, p.from, p.local = n, netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), netip.Addr{}
		return 1, nil
	}
}

func (s simple) write(sends []lane.Send) (lost int) {
	for i := range sends {
		if _, err := s.conn.WriteToUDPAddrPort(sends[i].Data, sends[i].To); err != nil {
			lost++
		}
	}
	return lost
}
