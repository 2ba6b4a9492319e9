package memnet_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cyan-cloud/cyan/internal/memnet"
)

// Both are what code written for the kernel's sockets expects.
var (
	_ net.Listener   = (*memnet.Listener)(nil)
	_ net.Conn       = (*memnet.Conn)(nil)
	_ net.PacketConn = (*memnet.PacketConn)(nil)
)

var (
	server = netip.MustParseAddrPort("[2001:db8::1]:5683")
	device = netip.MustParseAddr("192.0.2.7")
)

// stream opens a stream and gives both ends.
func stream(t *testing.T) (atDevice, atServer *memnet.Conn) {
	t.Helper()
	var n memnet.Network
	l, err := n.Listen(server)
	if err != nil {
		t.Fatal(err)
	}
	near, err := n.Dial(device, server)
	if err != nil {
		t.Fatal(err)
	}
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return near, far.(*memnet.Conn)
}

func TestStreamKeepsOrderAndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := stream(t)
		if a.LocalAddr().String() != b.RemoteAddr().String() || b.LocalAddr().String() != server.String() {
			t.Errorf("addresses: %v to %v, %v to %v", a.LocalAddr(), a.RemoteAddr(), b.LocalAddr(), b.RemoteAddr())
		}
		sent := bytes.Repeat([]byte("0123456789"), 30_000) // several buffers
		go func() {
			if n, err := a.Write(sent); n != len(sent) || err != nil {
				t.Errorf("Write = %d, %v", n, err)
			}
			a.CloseWrite()
		}()
		got, err := io.ReadAll(b)
		if err != nil || !bytes.Equal(got, sent) {
			t.Errorf("read %d bytes, %v; want %d", len(got), err, len(sent))
		}
		b.Write([]byte("still there"))
		p := make([]byte, 32)
		if n, err := a.Read(p); string(p[:n]) != "still there" || err != nil {
			t.Errorf("after CloseWrite: read %q, %v", p[:n], err)
		}
	})
}

func TestStreamEndsAsTheKernelsDo(t *testing.T) {
	for _, tc := range []struct {
		name        string
		end         func(near, far *memnet.Conn)
		read, write error // what the near end then sees
	}{
		{"closed by the other end", func(_, far *memnet.Conn) { far.Close() }, io.EOF, syscall.EPIPE},
		{"closed here", func(near, _ *memnet.Conn) { near.Close() }, net.ErrClosed, net.ErrClosed},
		{"reset", func(_, far *memnet.Conn) { far.Reset() }, syscall.ECONNRESET, syscall.ECONNRESET},
		{"deadline", func(near, _ *memnet.Conn) { near.SetDeadline(time.Now().Add(-1)) }, os.ErrDeadlineExceeded, os.ErrDeadlineExceeded},
	} {
		t.Run(tc.name, func(t *testing.T) {
			near, far := stream(t)
			tc.end(near, far)
			if _, err := near.Read(make([]byte, 1)); !errors.Is(err, tc.read) {
				t.Errorf("Read: %v, want %v", err, tc.read)
			}
			if _, err := near.Write([]byte{1}); !errors.Is(err, tc.write) {
				t.Errorf("Write: %v, want %v", err, tc.write)
			}
		})
	}
}

func TestReadWaitsUntilItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, _ := stream(t)
		began := time.Now()
		near.SetReadDeadline(began.Add(25 * time.Second))
		near.SetReadDeadline(began.Add(40 * time.Second)) // moved: the first must not fire
		_, err := near.Read(make([]byte, 1))
		if !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != 40*time.Second {
			t.Errorf("Read: %v after %v, want a timeout after 40s", err, time.Since(began))
		}
		var timeout net.Error
		if !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("%v is no timeout to net.Error", err)
		}
	})
}

func TestListenerRefusesWhenClosedOrUnknown(t *testing.T) {
	var n memnet.Network
	if _, err := n.Dial(device, server); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("nobody listens: %v", err)
	}
	l, err := n.Listen(server)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Listen(server); !errors.Is(err, memnet.ErrInUse) {
		t.Errorf("second Listen: %v", err)
	}
	waiting, err := n.Dial(device, server)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if _, err := waiting.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("not accepted before the close: %v", err)
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept after Close: %v", err)
	}
	if _, err := n.Listen(server); err != nil {
		t.Errorf("the address is not free again: %v", err)
	}
}

func TestDatagramsTravelAndGetLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.Network{
			Latency: 80 * time.Millisecond,
			Lose:    func(_, _ netip.AddrPort, d []byte) bool { return d[0] == 'x' },
		}
		s, err := n.ListenPacket(server)
		if err != nil {
			t.Fatal(err)
		}
		d, err := n.ListenPacket(netip.AddrPortFrom(device, 0))
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		for _, payload := range []string{"xlost", "arrives"} {
			if _, err := d.WriteToUDPAddrPort([]byte(payload), server); err != nil {
				t.Fatal(err)
			}
		}
		p := make([]byte, 4)
		k, from, err := s.ReadFrom(p)
		if err != nil || string(p[:k]) != "arri" || from.String() != d.LocalAddr().String() {
			t.Errorf("read %q from %v, %v; want the first 4 bytes of the one that arrives", p[:k], from, err)
		}
		if took := time.Since(began); took != 80*time.Millisecond {
			t.Errorf("it travelled %v, want 80ms", took)
		}
		s.SetReadDeadline(time.Now().Add(time.Hour))
		if _, _, err := s.ReadFrom(p); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("nothing more: %v", err)
		}
		s.Close()
		if _, err := s.WriteTo(p, d.LocalAddr()); !errors.Is(err, net.ErrClosed) {
			t.Errorf("write after close: %v", err)
		}
	})
}

func TestFullSocketDrops(t *testing.T) {
	var n memnet.Network
	s, err := n.ListenPacket(server)
	if err != nil {
		t.Fatal(err)
	}
	for range 1030 {
		if _, err := s.WriteToUDPAddrPort([]byte("to myself"), server); err != nil {
			t.Fatal(err)
		}
	}
	if s.Dropped() != 6 {
		t.Errorf("dropped %d of 1030, want 6", s.Dropped())
	}
}
