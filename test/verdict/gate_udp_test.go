package verdict

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// guest is somebody behind a gate for datagrams.
type guest struct {
	from   net.Addr
	cloud  net.Conn
	mu     sync.Mutex
	fate   fate      // guarded by mu
	number int       // guarded by mu; of the policy that decided
	free   time.Time // guarded by mu; until then it is held up
	spoke  time.Time // guarded by mu
	sealed [2]int    // guarded by mu; records after the handshake, up and down
}

// Content types of records: a handshake's, and what is sealed.
const (
	recordHandshake = 22
	recordData      = 23
	recordCID       = 25
)

func newcomer(b []byte) bool { return len(b) > 13 && b[0] == recordHandshake && b[13] == 1 }

// passes tells whether a datagram passes, and how much later.
func (u *guest) passes(g *gate, b []byte, up bool) (bool, time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	g.mu.Lock()
	number, idle := g.number, g.idle
	g.mu.Unlock()
	now := time.Now()
	if up && newcomer(b) && u.number != number {
		u.fate, u.number = g.judge(u.from)
		u.free, u.sealed = now.Add(u.fate.delay), [2]int{}
	}
	if up {
		u.spoke = now
	} else if idle > 0 && now.Sub(u.spoke) > idle {
		return false, 0
	}
	switch {
	case u.fate.drop:
		return false, 0
	case u.fate.mute && (b[0] == recordData || b[0] == recordCID):
		way := 0
		if up {
			way = 1
		}
		// The first sealed record of each side ends the handshake.
		u.sealed[way]++
		return u.sealed[way] == 1, 0
	}
	return true, max(0, u.free.Sub(now))
}

// newGateUDP opens a gate before a UDP port: to the cloud everybody has an
// address of their own.
func newGateUDP(t testing.TB, to string) *gate {
	t.Helper()
	front, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{at: front.LocalAddr().String(), open: []io.Closer{front}}
	behind := map[string]*guest{}
	g.all.Go(func() { // until Close
		b := make([]byte, 2048)
		for {
			n, from, err := front.ReadFrom(b)
			if err != nil {
				return
			}
			u := behind[from.String()]
			if u == nil {
				cloud, err := net.Dial("udp", to)
				if err != nil || !g.keep(cloud) {
					continue
				}
				u = &guest{from: from, cloud: cloud}
				behind[from.String()] = u
				g.all.Go(func() { g.back(front, u) }) // until Close
			}
			if ok, later := u.passes(g, b[:n], true); ok {
				deliver(later, b[:n], func(data []byte) { _, _ = u.cloud.Write(data) })
			}
		}
	})
	t.Cleanup(g.close)
	return g
}

// back carries what the cloud says.
func (g *gate) back(front net.PacketConn, u *guest) {
	b := make([]byte, 2048)
	for {
		n, err := u.cloud.Read(b)
		if err != nil {
			g.mu.Lock()
			closed := g.closed
			g.mu.Unlock()
			if closed {
				return
			}
			continue // nobody listens there just now
		}
		if ok, later := u.passes(g, b[:n], false); ok {
			deliver(later, b[:n], func(data []byte) { _, _ = front.WriteTo(data, u.from) })
		}
	}
}

func deliver(later time.Duration, data []byte, do func([]byte)) {
	if later <= 0 {
		do(data)
		return
	}
	data = append([]byte(nil), data...)
	time.AfterFunc(later, func() { do(data) })
}
