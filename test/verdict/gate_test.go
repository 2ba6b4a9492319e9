package verdict

import (
	"hash/crc32"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// fate is what becomes of somebody who comes anew.
type fate struct {
	drop  bool          // no answer
	mute  bool          // the handshake passes, and nothing that follows
	delay time.Duration // of the beginning
	to    string        // another cloud, over TCP
}

// policy decides on somebody who comes anew from an address.
type policy func(from string) fate

// gate stands before a door of the cloud and decides on who comes anew; who is
// inside goes on.
type gate struct {
	at string

	mu     sync.Mutex
	policy policy    // guarded by mu; nil: everybody passes
	number int       // guarded by mu; of the policy
	bit    time.Time // guarded by mu; when the policy did something to somebody first
	idle   time.Duration
	open   []io.Closer // guarded by mu
	closed bool        // guarded by mu
	all    sync.WaitGroup
}

// set changes what becomes of those who come anew.
func (g *gate) set(p policy) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.policy, g.bit = p, time.Time{}
	g.number++
}

// always is a policy that treats all alike.
func always(f fate) policy { return func(string) fate { return f } }

// oneOf is a policy that does it to one of n, in turn.
func oneOf(n int, f fate) policy {
	var mu sync.Mutex
	count := 0
	return func(string) fate {
		mu.Lock()
		defer mu.Unlock()
		if count++; count%n == 0 {
			return f
		}
		return fate{}
	}
}

// shard is a policy that does it to those who come from one of n parts of the
// addresses, as a lane does that hangs: it has its newcomers by their addresses.
func shard(n uint32, f fate) policy {
	return func(from string) fate {
		if crc32.ChecksumIEEE([]byte(from))%n == 0 {
			return f
		}
		return fate{}
	}
}

// forget has the network forget who has not sent for so long, as a NAT does.
func (g *gate) forget(after time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.idle = after
}

// judge gives the fate of somebody, and the number of the policy that decided.
func (g *gate) judge(from net.Addr) (fate, int) {
	g.mu.Lock()
	decides, number := g.policy, g.number
	g.mu.Unlock()
	if decides == nil {
		return fate{}, number
	}
	f := decides(from.String())
	g.mu.Lock()
	defer g.mu.Unlock()
	if f != (fate{}) && g.number == number && g.bit.IsZero() {
		g.bit = time.Now()
	}
	return f, number
}

// hit is when somebody who came anew was hit first; zero: nobody was.
func (g *gate) hit() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.bit
}

// keep has Close close something; false: it is closed already.
func (g *gate) keep(c io.Closer) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		_ = c.Close()
		return false
	}
	g.open = append(g.open, c)
	return true
}

func (g *gate) close() {
	g.mu.Lock()
	g.closed = true
	for _, c := range g.open {
		_ = c.Close()
	}
	g.mu.Unlock()
	g.all.Wait()
}

// handshakeTCP is how much the cloud says until keys are agreed: a nonce, and
// what only the device can read, with its signature.
const handshakeTCP = 40 + 128 + 256

// newGateTCP opens a gate before a TCP port.
func newGateTCP(t testing.TB, to string) *gate {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{at: l.Addr().String(), open: []io.Closer{l}}
	g.all.Go(func() { // until Close
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			if g.keep(client) {
				g.all.Go(func() { g.stream(client, to) }) // until either side ends
			}
		}
	})
	t.Cleanup(g.close)
	return g
}

func (g *gate) stream(client net.Conn, to string) {
	defer client.Close()
	f, _ := g.judge(client.RemoteAddr())
	switch {
	case f.drop:
		_, _ = io.Copy(io.Discard, client)
		return
	case f.to != "":
		to = f.to
	case f.delay > 0:
		<-time.After(f.delay)
	}
	server, err := net.Dial("tcp", to)
	if err != nil || !g.keep(server) {
		return
	}
	defer server.Close()
	g.all.Go(func() { // until the client ends
		_, _ = io.Copy(server, client)
		_ = server.Close()
	})
	if f.mute {
		_, _ = io.CopyN(client, server, handshakeTCP)
		_, _ = io.Copy(io.Discard, server)
		return
	}
	_, _ = io.Copy(client, server)
}
