//go:build linux && (amd64 || arm64)

package crowd

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// socket is one UDP socket that sends from any address of 127.0.0.0/8 and tells
// to which one a datagram came. It is used by one goroutine.
type socket struct {
	conn *net.UDPConn
	raw  syscall.RawConn
	in   *vectors
	out  *vectors

	queued int // in out
	lost   int // that could not be sent
}

// mmsghdr is struct mmsghdr of recvmmsg(2).
type mmsghdr struct {
	hdr unix.Msghdr
	n   uint32
	_   [4]byte
}

const controlSize = 32 // one IP_PKTINFO

// vectors are the buffers of one system call.
type vectors struct {
	hdrs    [batch]mmsghdr
	iovs    [batch]unix.Iovec
	data    [batch][maxDatagram]byte
	control [batch][controlSize]byte
	server  unix.RawSockaddrInet4
	count   int
	done    int
	errno   syscall.Errno
	call    func(fd uintptr) bool // made once: a call allocates nothing
}

// openSocket opens a socket for talking to the server.
func openSocket(server netip.AddrPort) (*socket, error) {
	conn, err := net.ListenUDP("udp4", nil)
	if err != nil {
		return nil, err
	}
	_ = conn.SetReadBuffer(4 << 20)
	_ = conn.SetWriteBuffer(4 << 20)
	s := &socket{conn: conn, in: new(vectors), out: new(vectors)}
	if s.raw, err = conn.SyscallConn(); err == nil {
		var inner error
		err = s.raw.Control(func(fd uintptr) {
			inner = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
		})
		err = errors.Join(err, inner)
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	s.in.receiving()
	s.out.sending(server)
	return s, nil
}

func (s *socket) close() error { return s.conn.Close() }

func (v *vectors) receiving() {
	v.call = func(fd uintptr) bool {
		n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&v.hdrs[0])), batch, unix.MSG_DONTWAIT, 0, 0)
		v.done, v.errno = int(n), errno
		return errno != unix.EAGAIN && errno != unix.EINTR
	}
	for i := range v.hdrs {
		h := &v.hdrs[i].hdr
		v.iovs[i].Base = &v.data[i][0]
		v.iovs[i].SetLen(maxDatagram)
		h.Iov = &v.iovs[i]
		h.SetIovlen(1)
		h.Control = &v.control[i][0]
	}
}

func (v *vectors) sending(server netip.AddrPort) {
	v.call = func(fd uintptr) bool {
		n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&v.hdrs[v.done])), uintptr(v.count-v.done),
			unix.MSG_DONTWAIT, 0, 0)
		v.errno = errno
		if errno == 0 {
			v.done += int(n)
		}
		return errno != unix.EAGAIN && errno != unix.EINTR
	}
	v.server = unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: server.Addr().As4()}
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&v.server.Port))[:], server.Port())
	for i := range v.hdrs {
		h := &v.hdrs[i].hdr
		v.iovs[i].Base = &v.data[i][0]
		h.Iov = &v.iovs[i]
		h.SetIovlen(1)
		h.Name, h.Namelen = (*byte)(unsafe.Pointer(&v.server)), unix.SizeofSockaddrInet4
		c := (*unix.Cmsghdr)(unsafe.Pointer(&v.control[i][0]))
		c.Level, c.Type = unix.IPPROTO_IP, unix.IP_PKTINFO
		c.SetLen(unix.CmsgLen(unix.SizeofInet4Pktinfo))
		h.Control = &v.control[i][0]
		h.SetControllen(unix.CmsgSpace(unix.SizeofInet4Pktinfo))
	}
}

// read waits until the time for datagrams and gives each to take with the
// address that it came to. What take gets is good for the call only.
func (s *socket) read(until time.Time, take func(to netip.Addr, datagram []byte)) error {
	v := s.in
	for i := range v.hdrs {
		v.hdrs[i].hdr.SetControllen(controlSize)
	}
	if err := s.conn.SetReadDeadline(until); err != nil {
		return err
	}
	v.done = 0
	err := s.raw.Read(v.call)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	if v.errno != 0 {
		v.done = 0 // an error that an earlier datagram met (ICMP)
	}
	for i := range v.done {
		data := v.control[i][unix.SizeofCmsghdr:]
		to := netip.AddrFrom4([4]byte(data[8:12])) // ipi_addr
		take(to, v.data[i][:v.hdrs[i].n])
	}
	return nil
}

// send queues a datagram from the address, and sends what is queued when that
// is a whole batch.
func (s *socket) send(from netip.Addr, datagram []byte) {
	v := s.out
	n := copy(v.data[s.queued][:], datagram)
	v.iovs[s.queued].SetLen(n)
	address := from.As4()
	copy(v.control[s.queued][unix.SizeofCmsghdr+4:], address[:]) // ipi_spec_dst
	if s.queued++; s.queued == batch {
		s.flush()
	}
}

// flush sends what is queued. What cannot be sent is lost.
func (s *socket) flush() {
	v := s.out
	for v.count, v.done = s.queued, 0; v.done < v.count; {
		if err := s.raw.Write(v.call); err != nil {
			s.lost += v.count - v.done
			break
		}
		if v.errno != 0 {
			v.done++
			s.lost++
		}
	}
	s.queued = 0
}
