package drill_test

import (
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/drill"
	"github.com/cyan-cloud/cyan/internal/port"
)

// patience is how long a test waits for what has to come.
const patience = 30 * time.Second

// behind is a cloud that says everything back.
func behind(t *testing.T) (udp, tcp netip.AddrPort) {
	t.Helper()
	u, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { u.Close(); l.Close() })
	go func() { // until u is closed
		buf := make([]byte, 2048)
		for {
			n, from, err := u.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			_, _ = u.WriteToUDPAddrPort(buf[:n], from)
		}
	}()
	go func() { // until l is closed
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { // until the other side hangs up
				_, _ = io.Copy(c, c)
				c.Close()
			}()
		}
	}()
	return u.LocalAddr().(*net.UDPAddr).AddrPort(), l.Addr().(*net.TCPAddr).AddrPort()
}

func dial(t *testing.T, network string, at netip.AddrPort) net.Conn {
	t.Helper()
	c, err := net.Dial(network, at.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// A handshake's datagram, and one of a session: content type and epoch tell.
var (
	hello = []byte{22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 7}
	data  = []byte{25, 254, 253, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 8}
)

// heard says something and waits until it comes back: over UDP again and again,
// and what comes back late of what was said before is passed over.
func heard(t *testing.T, c net.Conn, b []byte) {
	t.Helper()
	got := make([]byte, 64)
	if _, ok := c.(*net.TCPConn); ok {
		_ = c.SetDeadline(time.Now().Add(patience))
		_, err := c.Write(b)
		if err == nil {
			_, err = io.ReadFull(c, got[:len(b)])
		}
		if err != nil || string(got[:len(b)]) != string(b) {
			t.Fatalf("%v came back as %v, %v", b, got[:len(b)], err)
		}
		return
	}
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if _, err := c.Write(b); err != nil {
			t.Fatal(err)
		}
		_ = c.SetReadDeadline(time.Now().Add(time.Second))
		for n, err := c.Read(got); err == nil; n, err = c.Read(got) {
			if string(got[:n]) == string(b) {
				return
			}
		}
	}
	t.Fatal("nothing comes back")
}

// TestBroken: who is in goes on, who comes anew hears nothing, and when it is
// over everything is as it was.
func TestBroken(t *testing.T) {
	toUDP, toTCP := behind(t)
	b := drill.NewBook(func(drill.Drill) {})
	in, err := drill.Open(t.Context(), drill.Config{UDP: "127.0.0.1:0", TCP: "127.0.0.1:0", ToUDP: toUDP, ToTCP: toTCP}, b)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(in.Close)
	udp, tcp := in.Addrs()
	inUDP, inTCP := dial(t, "udp", udp), dial(t, "tcp", tcp)
	heard(t, inUDP, hello)
	heard(t, inTCP, hello)

	d, err := b.Begin(drill.NewConnections, "ada", drill.Most, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	heard(t, inUDP, data)
	heard(t, inTCP, data)
	newUDP, newTCP := dial(t, "udp", udp), dial(t, "tcp", tcp)
	for name, c := range map[string]net.Conn{"udp": newUDP, "tcp": newTCP} {
		if _, err := c.Write(hello); err != nil {
			t.Fatal(err)
		}
		_ = c.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
		if n, err := c.Read(make([]byte, 64)); err == nil {
			t.Errorf("%s: who comes anew hears %d bytes", name, n)
		}
	}
	if _, err := b.End(d.ID, time.Now()); err != nil {
		t.Fatal(err)
	}
	heard(t, newUDP, hello)
	_ = newTCP.SetReadDeadline(time.Now().Add(patience))
	if _, err := newTCP.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("who was taken in meanwhile is to come again, and hears %v", err)
	}
	heard(t, dial(t, "tcp", tcp), hello)
	heard(t, inTCP, data)
}

// TestPatient: the ports are opened when the process before lets go of them.
func TestPatient(t *testing.T) {
	toUDP, toTCP := behind(t)
	cfg := drill.Config{UDP: port.Free(t), TCP: port.Free(t), ToUDP: toUDP, ToTCP: toTCP}
	before, err := drill.Open(t.Context(), cfg, drill.NewBook(nil))
	if err != nil {
		t.Fatal(err)
	}
	udp, tcp := before.Addrs()
	cfg.UDP, cfg.TCP = udp.String(), tcp.String()
	if in, err := drill.Open(t.Context(), cfg, drill.NewBook(nil)); err == nil {
		in.Close()
		t.Fatal("two have the same ports")
	}
	cfg.Patient = true
	after, err := drill.Open(t.Context(), cfg, drill.NewBook(nil))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(after.Close)
	before.Close()
	heard(t, dial(t, "udp", udp), hello)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); ; <-tick.C {
		if c, err := net.Dial("tcp", tcp.String()); err == nil {
			heard(t, c, hello)
			c.Close()
			return
		}
		if time.Now().After(end) {
			t.Fatal("the port is not opened again")
		}
	}
}
