package link_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/sim/link"
)

var outside = netip.MustParseAddr("203.0.113.1")

// natted returns a network whose device is behind a NAT, and the address from
// which the server has heard it.
func natted(t *testing.T, timeout time.Duration) (*link.Network, netip.AddrPort) {
	t.Helper()
	n := link.New(1, link.Path{})
	n.NAT(device.Addr(), outside, timeout)
	n.Send(start, device, server, []byte("hello"))
	arrived := n.Arrived(start)
	if len(arrived) != 1 || arrived[0].From.Addr() != outside {
		t.Fatalf("arrived: %+v", arrived)
	}
	return n, arrived[0].From
}

func TestNATHides(t *testing.T) {
	n, seenFrom := natted(t, 0)
	n.Send(start, server, seenFrom, []byte("answer"))
	arrived := n.Arrived(start)
	if len(arrived) != 1 || arrived[0].To != device {
		t.Fatalf("arrived: %+v", arrived)
	}
	// The same inside address keeps its port, another one gets another.
	other := netip.AddrPortFrom(device.Addr(), device.Port()+1)
	n.Send(start, device, server, nil)
	n.Send(start, other, server, nil)
	arrived = n.Arrived(start)
	if arrived[0].From != seenFrom || arrived[1].From == seenFrom {
		t.Errorf("from %v and %v, before from %v", arrived[0].From, arrived[1].From, seenFrom)
	}
}

func TestNATForgets(t *testing.T) {
	n, seenFrom := natted(t, 30*time.Second)
	soon, late := start.Add(30*time.Second), start.Add(31*time.Second)
	n.Send(soon, server, seenFrom, []byte("in time"))
	n.Send(late, server, seenFrom, []byte("too late"))
	if got := seen(n.Arrived(late)); got != "in time@30s" || n.Stats.NoMapping != 1 {
		t.Errorf("arrived: %s, %d without a mapping", got, n.Stats.NoMapping)
	}
	n.Send(late, device, server, nil)
	if arrived := n.Arrived(late); arrived[0].From == seenFrom {
		t.Error("a forgotten mapping came back")
	}
}

func TestRebind(t *testing.T) {
	n, seenFrom := natted(t, 0)
	n.Send(start, server, seenFrom, []byte("under way")) // is lost too
	n.Rebind(device)
	n.Send(start, server, seenFrom, []byte("to nobody"))
	n.Send(start, device, server, []byte("from elsewhere"))
	arrived := n.Arrived(start)
	if len(arrived) != 1 || arrived[0].From == seenFrom || n.Stats.NoMapping != 2 {
		t.Errorf("arrived: %+v, %d without a mapping", arrived, n.Stats.NoMapping)
	}
}
