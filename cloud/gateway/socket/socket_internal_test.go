package socket

import (
	"net"
	"net/netip"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
)

// TestPick is which socket an answer leaves from.
func TestPick(t *testing.T) {
	addr := netip.MustParseAddr
	for name, c := range map[string]struct {
		outlets []outlet
		want    map[string]int // by the address that was written to
	}{
		"two families": {
			[]outlet{{addr: addr("127.0.0.1")}, {addr: addr("::1")}},
			map[string]int{"127.0.0.1": 0, "::1": 1, "192.0.2.1": 0, "2001:db8::1": 1},
		},
		"two wildcards": {
			[]outlet{{addr: addr("0.0.0.0")}, {addr: addr("::")}},
			map[string]int{"127.0.0.1": 0, "::1": 1, "::ffff:192.0.2.1": 0},
		},
		"wildcards the other way round": {
			[]outlet{{addr: addr("::")}, {addr: addr("0.0.0.0")}},
			map[string]int{"127.0.0.1": 1, "::1": 0},
		},
		"two of one family": {
			[]outlet{{addr: addr("127.0.0.1")}, {addr: addr("127.0.0.2")}},
			map[string]int{"127.0.0.1": 0, "127.0.0.2": 1, "192.0.2.1": 0},
		},
		"both families in one": {
			[]outlet{{addr: addr("127.0.0.1")}, {addr: addr("::"), dual: true}},
			map[string]int{"127.0.0.1": 0, "192.0.2.1": 1, "::1": 1},
		},
	} {
		w := sorter{to: c.outlets}
		for local, want := range c.want {
			if got := w.pick(&lane.Send{Local: addr(local)}); got != want {
				t.Errorf("%s: an answer from %s leaves by socket %d, want %d", name, local, got, want)
			}
			if got := w.pick(&lane.Send{To: netip.AddrPortFrom(addr(local), 1)}); got != want && c.outlets[got].addr.Is4() != addr(local).Unmap().Is4() && !c.outlets[got].dual {
				t.Errorf("%s: what goes to %s leaves by socket %d", name, local, got)
			}
		}
	}
}

// sockets are those of this system and the one for systems without better.
func openSockets(t *testing.T, address string) map[string]Socket {
	t.Helper()
	s, err := Listen(address)
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(address)))
	if err != nil {
		t.Fatal(err)
	}
	return map[string]Socket{runtime.GOOS: s, "simple": simple{conn: c}}
}

// TestSocket sends more datagrams than fit into a batch to and fro, some that
// cannot be sent and one that is too long among them.
func TestSocket(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		for name, s := range openSockets(t, address) {
			t.Run(name+" "+address, func(t *testing.T) { toAndFro(t, s) })
		}
	}
}

func toAndFro(t *testing.T, s Socket) {
	at, _ := s.Addr()
	peer, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(at))
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	const n = Batch + 7
	r, w := s.NewReader(func() {}), s.NewWriter()
	ps := make([]*Packet, Batch)
	for i := range ps {
		ps[i] = &Packet{Local: netip.MustParseAddr("192.0.2.9")} // of an earlier use
	}
	var sends []lane.Send
	for i := range n {
		if _, err := peer.Write([]byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
		if i%20 == 0 {
			_, _ = peer.Write(make([]byte, 60_000)) // longer than any device's
		}
	}
	for len(sends) < n {
		got, err := r.Read(ps)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range ps[:got] {
			if p.N == 1 {
				if p.Local.IsValid() && p.Local != at.Addr() {
					t.Fatalf("it came to %v, and says %v", at.Addr(), p.Local)
				}
				sends = append(sends, lane.Send{Data: slices.Clone(p.Data[:1]), To: p.From, Local: p.Local})
			}
		}
	}
	nowhere := lane.Send{Data: make([]byte, 70_000), To: sends[0].To} // longer than there can be
	elsewhere := sends[0]                                             // from an address that is not ours
	if elsewhere.Local = netip.MustParseAddr("192.0.2.9"); !at.Addr().Is4() {
		elsewhere.Local = netip.MustParseAddr("2001:db8::9")
	}
	all := slices.Concat(sends[:3], []lane.Send{nowhere}, sends[3:n-1], []lane.Send{nowhere, elsewhere}, sends[n-1:])
	if lost := w.Write(all); lost != 2 {
		t.Errorf("%d datagrams are lost, want 2", lost)
	}
	var seen [n]int
	for range n + 1 {
		var b [4]byte
		_ = peer.SetReadDeadline(time.Now().Add(10 * time.Second))
		if _, err := peer.Read(b[:]); err != nil {
			t.Fatal(err)
		}
		seen[b[0]]++
	}
	for i, times := range seen {
		if want := 1; times != want && i != int(sends[0].Data[0]) {
			t.Errorf("datagram %d comes %d times", i, times)
		}
	}
	ended := make(chan error)
	go func() {
		_, err := r.Read(ps)
		ended <- err
	}()
	s.Close()
	if err := <-ended; err != net.ErrClosed {
		t.Errorf("reading from a closed socket: %v", err)
	}
}
