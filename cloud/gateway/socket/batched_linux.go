//go:build linux && (amd64 || arm64)

package socket

import (
	"encoding/binary"
	"net"
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
)

// batched is a socket on Linux: recvmmsg and sendmmsg, and the address of
// ours that a datagram was sent to, so that the answer leaves from there.
type batched struct {
	conn *net.UDPConn
	raw  syscall.RawConn
	v6   bool // the socket speaks IPv6, and IPv4 as mapped addresses
	dual bool
}

// mmsghdr is struct mmsghdr of recvmmsg(2).
type mmsghdr struct {
	hdr unix.Msghdr
	n   uint32
	_   [4]byte
}

// controlSize holds one IP_PKTINFO or IPV6_PKTINFO.
const controlSize = 64

// Of makes a socket of a connection; dual: IPv4 comes to it besides IPv6.
func Of(c *net.UDPConn, dual bool) (Socket, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	b := &batched{conn: c, raw: raw, dual: dual}
	var inner error
	err = raw.Control(func(fd uintptr) {
		name, err := unix.Getsockname(int(fd))
		if err != nil {
			inner = err
			return
		}
		if _, ok := name.(*unix.SockaddrInet6); ok {
			b.v6 = true
			inner = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
			return
		}
		inner = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
	})
	if err == nil {
		err = inner
	}
	return b, err
}

func (b *batched) Close() error { return b.conn.Close() }

func (b *batched) UDP() *net.UDPConn { return b.conn }

func (b *batched) Addr() (netip.AddrPort, bool) { return localAddr(b.conn, b.dual) }

// vectors are the buffers that one system call reads into or writes from.
type vectors struct {
	b       *batched
	hdrs    [Batch]mmsghdr
	iovs    [Batch]unix.Iovec
	names   [Batch]unix.RawSockaddrInet6
	control [Batch][controlSize]byte
	count   int
	done    int
	errno   syscall.Errno
	call    func(fd uintptr) bool // made once, so that a call allocates nothing
	long    func()                // of a reader: told of each datagram that is too long
}

func (b *batched) NewReader(long func()) Reader {
	v := &vectors{b: b, long: long}
	v.call = func(fd uintptr) bool {
		n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&v.hdrs[0])), uintptr(v.count),
			unix.MSG_DONTWAIT, 0, 0)
		v.done, v.errno = int(n), errno
		return errno != unix.EAGAIN
	}
	return v
}

func (b *batched) NewWriter() Writer {
	v := &vectors{b: b}
	v.call = func(fd uintptr) bool {
		n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&v.hdrs[v.done])), uintptr(v.count-v.done),
			unix.MSG_DONTWAIT, 0, 0)
		v.errno = errno
		if errno == 0 {
			v.done += int(n)
		}
		return errno != unix.EAGAIN
	}
	return v
}

func (v *vectors) Read(ps []*Packet) (int, error) {
	v.count = min(len(ps), Batch)
	for i := range v.count {
		h := &v.hdrs[i].hdr
		v.iovs[i].Base = &ps[i].Data[0]
		v.iovs[i].SetLen(MaxDatagram)
		h.Iov, h.Name, h.Control = &v.iovs[i], (*byte)(unsafe.Pointer(&v.names[i])), &v.control[i][0]
		h.SetIovlen(1)
		h.Namelen = unix.SizeofSockaddrInet6
		h.SetControllen(controlSize)
		h.Flags = 0
	}
	for {
		if err := v.b.raw.Read(v.call); err != nil {
			return 0, net.ErrClosed
		}
		if v.errno == 0 {
			break
		}
		// Interrupted, or an error that an earlier datagram met on its way.
	}
	kept := 0
	for i := range v.done {
		h := &v.hdrs[i]
		if h.hdr.Flags&unix.MSG_TRUNC != 0 {
			v.long() // longer than any device's
			continue
		}
		from, ok := addrOf(&v.names[i])
		if !ok {
			continue
		}
		p := ps[i]
		p.N, p.From, p.Local = int(h.n), from, localOf(v.control[i][:h.hdr.Controllen])
		ps[i], ps[kept] = ps[kept], p
		kept++
	}
	return kept, nil
}

func (v *vectors) Write(sends []lane.Send) (lost int) {
	for len(sends) > 0 {
		n := min(len(sends), Batch)
		v.fill(sends[:n])
		v.count, v.done = n, 0
		for v.done < v.count {
			if err := v.b.raw.Write(v.call); err != nil {
				return lost + len(sends) - v.done
			}
			if v.errno != 0 && v.errno != unix.EINTR && !v.freely(v.done) {
				v.done++ // this one cannot be sent: nowhere to go, or too long
				lost++
			}
		}
		sends = sends[n:]
	}
	return lost
}

// freely has the i-th datagram sent from any address of ours, and reports
// whether that is new: the one that it was to leave from may be gone.
func (v *vectors) freely(i int) bool {
	h := &v.hdrs[i].hdr
	if h.Control == nil {
		return false
	}
	h.Control = nil
	h.SetControllen(0)
	return true
}

func (v *vectors) fill(sends []lane.Send) {
	for i := range sends {
		s, h := &sends[i], &v.hdrs[i].hdr
		if len(s.Data) > 0 {
			v.iovs[i].Base = &s.Data[0]
		}
		v.iovs[i].SetLen(len(s.Data))
		h.Iov = &v.iovs[i]
		h.SetIovlen(1)
		h.Name = (*byte)(unsafe.Pointer(&v.names[i]))
		h.Namelen = v.setName(&v.names[i], s.To)
		n := v.setLocal(&v.control[i], s.Local)
		h.Control = nil
		if n > 0 {
			h.Control = &v.control[i][0]
		}
		h.SetControllen(n)
		h.Flags = 0
	}
}

// setName writes to as a socket address of the socket's family.
func (v *vectors) setName(name *unix.RawSockaddrInet6, to netip.AddrPort) uint32 {
	port := to.Port()<<8 | to.Port()>>8
	if v.b.v6 {
		*name = unix.RawSockaddrInet6{Family: unix.AF_INET6, Port: port, Addr: to.Addr().As16()}
		return unix.SizeofSockaddrInet6
	}
	v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
	*v4 = unix.RawSockaddrInet4{Family: unix.AF_INET, Port: port}
	if a := to.Addr().Unmap(); a.Is4() {
		v4.Addr = a.As4()
	}
	return unix.SizeofSockaddrInet4
}

// setLocal writes the control message that names the address to send from,
// and gives its length.
func (v *vectors) setLocal(control *[controlSize]byte, local netip.Addr) int {
	if !local.IsValid() {
		return 0
	}
	h := (*unix.Cmsghdr)(unsafe.Pointer(&control[0]))
	data := control[unix.SizeofCmsghdr:]
	if v.b.v6 {
		h.Level, h.Type = unix.IPPROTO_IPV6, unix.IPV6_PKTINFO
		h.SetLen(unix.CmsgLen(unix.SizeofInet6Pktinfo))
		clear(data[:unix.SizeofInet6Pktinfo])
		a := local.As16()
		copy(data, a[:])
		return unix.CmsgSpace(unix.SizeofInet6Pktinfo)
	}
	h.Level, h.Type = unix.IPPROTO_IP, unix.IP_PKTINFO
	h.SetLen(unix.CmsgLen(unix.SizeofInet4Pktinfo))
	clear(data[:unix.SizeofInet4Pktinfo])
	if a := local.Unmap(); a.Is4() {
		b := a.As4()
		copy(data[4:], b[:])
	}
	return unix.CmsgSpace(unix.SizeofInet4Pktinfo)
}

func addrOf(name *unix.RawSockaddrInet6) (netip.AddrPort, bool) {
	switch name.Family {
	case unix.AF_INET:
		v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
		return netip.AddrPortFrom(netip.AddrFrom4(v4.Addr), v4.Port<<8|v4.Port>>8), true
	case unix.AF_INET6:
		return netip.AddrPortFrom(netip.AddrFrom16(name.Addr).Unmap(), name.Port<<8|name.Port>>8), true
	}
	return netip.AddrPort{}, false
}

// localOf finds the address that a datagram was sent to in its control
// messages.
func localOf(control []byte) netip.Addr {
	for len(control) >= unix.SizeofCmsghdr {
		n := int(binary.NativeEndian.Uint64(control))
		if n < unix.SizeofCmsghdr || n > len(control) {
			break
		}
		h := (*unix.Cmsghdr)(unsafe.Pointer(&control[0]))
		data := control[unix.SizeofCmsghdr:n]
		switch {
		case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO && len(data) >= unix.SizeofInet4Pktinfo:
			return netip.AddrFrom4([4]byte(data[8:12]))
		case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO && len(data) >= unix.SizeofInet6Pktinfo:
			return netip.AddrFrom16([16]byte(data[:16])).Unmap()
		}
		control = control[min(len(control), (n+7)&^7):]
	}
	return netip.Addr{}
}
