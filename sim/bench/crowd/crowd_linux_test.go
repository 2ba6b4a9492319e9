package crowd

import (
	"context"
	"crypto/ecdsa"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/dtls"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// cloud is as much of a cloud as a crowd needs: it acknowledges everything, and
// calls a function of each device that it has heard the last word of.
type cloud struct {
	t    *testing.T
	conn *net.UDPConn
	cfg  dtls.ServerConfig
	ends sync.WaitGroup

	mu    sync.Mutex
	peers map[netip.AddrPort]*peer // guarded by mu
	deaf  bool                     // guarded by mu: nothing is answered any more
}

type peer struct {
	shake   *dtls.ServerHandshake
	session dtls.Session
	ready   bool
	said    map[uint16]bool // messages that want an acknowledgement, which may come again
	heard   map[spark.Kind]int
	results int
}

func newCloud(t *testing.T) (*cloud, Config) {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	server := Identities{Seed: [32]byte{9}}
	key := server.Key(0)
	c := &cloud{t: t, conn: conn, cfg: dtls.ServerConfig{Key: key}, peers: map[netip.AddrPort]*peer{}}
	c.ends.Go(c.run) // ends when the socket is closed
	t.Cleanup(func() { conn.Close(); c.ends.Wait() })
	return c, Config{Server: conn.LocalAddr().(*net.UDPAddr).AddrPort(), ServerKey: spkiOf(t, &key.PublicKey)}
}

func spkiOf(t *testing.T, key *ecdsa.PublicKey) []byte {
	t.Helper()
	spki, err := dtls.AppendPublicKey(nil, key)
	if err != nil {
		t.Fatal(err)
	}
	return spki
}

func (c *cloud) run() {
	buf := make([]byte, maxDatagram)
	var cookies dtls.Cookies
	for {
		n, from, err := c.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		c.mu.Lock()
		if !c.deaf {
			for _, b := range c.take(&cookies, from, buf[:n]) {
				c.conn.WriteToUDPAddrPort(b, from)
			}
		}
		c.mu.Unlock()
	}
}

// take gives the answers to a datagram.
func (c *cloud) take(cookies *dtls.Cookies, from netip.AddrPort, datagram []byte) [][]byte {
	now := time.Now()
	p := c.peers[from]
	switch {
	case p == nil:
		reply, hello, err := c.cfg.Greet(now, from, cookies, datagram, nil)
		if err != nil || hello == nil {
			return [][]byte{reply}
		}
		random := dtls.ServerRandom{Random: [32]byte{1}, Ephemeral: [32]byte{byte(len(c.peers) + 1)}}
		h, flight, err := dtls.NewServerHandshake(&c.cfg, now, hello, [8]byte{byte(len(c.peers))}, random)
		if err != nil {
			c.t.Error(err)
			return nil
		}
		c.peers[from] = &peer{shake: h, said: map[uint16]bool{}, heard: map[spark.Kind]int{}}
		return flight
	case !p.ready:
		out, err := p.shake.Receive(now, datagram)
		if err != nil || !out.Verified {
			return out.Send
		}
		flight, session, err := p.shake.Finish(now)
		if err != nil {
			c.t.Error(err)
		}
		p.session, p.ready = session, true
		return append(out.Send, flight...)
	}
	record, _, err := dtls.ParseRecord(datagram)
	if err != nil {
		return nil
	}
	_, message, err := p.session.Open(nil, record)
	if err != nil {
		return nil
	}
	return p.answer(c.t, message)
}

func (p *peer) answer(t *testing.T, message []byte) (out [][]byte) {
	m, err := coap.Parse(message)
	if err != nil {
		t.Error(err)
		return nil
	}
	send := func(b []byte) {
		sealed, err := p.session.Seal(nil, dtls.ApplicationData, b)
		if err != nil {
			t.Error(err)
		}
		out = append(out, sealed)
	}
	kind := spark.Classify(&m)
	if m.Type == coap.Confirmable {
		send(coap.AppendEmpty(nil, coap.Acknowledgement, m.ID))
		if p.said[m.ID] {
			return out
		}
		p.said[m.ID] = true
	}
	p.heard[kind]++
	if kind == spark.KindResponse {
		if value, err := spark.ParseFunctionResult(&m); err != nil || value != 5 {
			t.Errorf("the function gave %d, %v", value, err)
		}
		p.results++
	}
	if kind == spark.KindSubscribe && p.heard[kind] == 3 {
		call, err := spark.AppendFunction(nil, 77, 5, FunctionName, "hello")
		if err != nil {
			t.Error(err)
		}
		send(call)
	}
	return out
}

func start(t *testing.T, cfg Config) (*Crowd, context.Context) {
	t.Helper()
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	c.Start(ctx)
	t.Cleanup(func() {
		cancel()
		if err := c.Wait(); err != nil {
			t.Error(err)
		}
	})
	return c, ctx
}

func TestCrowdConnectsPingsAnswersAndPublishes(t *testing.T) {
	const n = 20
	cloud, cfg := newCloud(t)
	cfg.Who, cfg.Count, cfg.KeepAlive = Identities{Seed: [32]byte{3}}, n, 50*time.Millisecond
	c, ctx := start(t, cfg)
	for _, phase := range []Phase{Shaken, Greeted, Settled, Settled} {
		if arrived, err := c.Bring(ctx, 0, n, phase, 4, nil); err != nil || arrived != n {
			t.Fatalf("to phase %d: %d, %v", phase, arrived, err)
		}
	}
	published := 0
	if err := c.Publish(ctx, func(time.Time) {
		if published < n {
			c.Event(published, "tick", []byte("tock"))
			published++
		}
	}); err != nil {
		t.Fatal(err)
	}
	want := func() bool {
		cloud.mu.Lock()
		defer cloud.mu.Unlock()
		if len(cloud.peers) != n {
			return false
		}
		for _, p := range cloud.peers {
			if p.results != 1 || p.heard[spark.KindHello] != 1 || p.heard[spark.KindDescribe] != 2 || p.heard[spark.KindEvent] != 3 || p.heard[spark.KindPing] == 0 {
				return false
			}
		}
		return true
	}
	for !want() {
		if err := c.do(ctx, func() {}); err != nil { // a turn of the loop
			t.Fatalf("%v; the cloud heard %+v", err, cloud.peers)
		}
	}
	if got := c.Counts(); got.Calls != n || got.PingsAnswered == 0 || got.PingsSent < got.PingsAnswered || got.Unheard != 0 {
		t.Errorf("counts: %+v", got)
	}
	if err := c.CeasePings(ctx); err != nil {
		t.Fatal(err)
	}
}

// A way that cannot be gone to its end is given up when its context is done.
func TestCrowdWithoutCloud(t *testing.T) {
	cloud, cfg := newCloud(t)
	cloud.mu.Lock()
	cloud.deaf = true
	cloud.mu.Unlock()
	cfg.Count = 1
	c, ctx := start(t, cfg)
	ctx, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	if arrived, err := c.Bring(ctx, 0, 1, Shaken, 1, nil); err == nil || arrived != 0 {
		t.Errorf("%d arrived, %v", arrived, err)
	}
}

func TestNewRefuses(t *testing.T) {
	_, cfg := newCloud(t)
	for name, spoil := range map[string]func(*Config){
		"no devices":       func(c *Config) { c.Count = 0 },
		"too many devices": func(c *Config) { c.Count = mostDevices + 1 },
		"no key":           func(c *Config) { c.ServerKey = nil },
	} {
		bad := cfg
		bad.Count = 1
		spoil(&bad)
		if _, err := New(bad); err == nil {
			t.Errorf("%s: a crowd was made", name)
		}
	}
}
