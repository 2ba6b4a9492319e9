package drill

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

const maxDatagram = 2048

// relayUDP carries datagrams between canaries, each of which has a socket of its
// own behind, and the devices' port.
type relayUDP struct {
	in    *Ingress
	front *net.UDPConn

	mu     sync.Mutex // guards what follows
	behind map[netip.AddrPort]*client
}

// client is a canary's way to the devices' port.
type client struct {
	conn net.Conn
	used time.Time
}

func (in *Ingress) openUDP() error {
	if in.cfg.UDP == "" {
		return nil
	}
	at, err := net.ResolveUDPAddr("udp", in.cfg.UDP)
	if err != nil {
		return err
	}
	front, err := net.ListenUDP("udp", at)
	if err != nil {
		return err
	}
	if !in.keep(front) {
		return net.ErrClosed
	}
	in.mu.Lock()
	in.udp = front.LocalAddr().(*net.UDPAddr).AddrPort()
	in.mu.Unlock()
	r := &relayUDP{in: in, front: front, behind: map[netip.AddrPort]*client{}}
	in.running.Go(r.run) // ends when front is closed
	return nil
}

func (r *relayUDP) run() {
	buf := make([]byte, maxDatagram)
	for {
		n, from, err := r.front.ReadFromUDPAddrPort(buf)
		if err != nil {
			if r.in.ctx.Err() != nil {
				return
			}
			continue // an error that an earlier datagram met on its way
		}
		if r.in.book.broken() != nil && newcomer(buf[:n]) {
			continue
		}
		if c := r.client(from, time.Now()); c != nil {
			_, _ = c.Write(buf[:n]) // a datagram may be lost
		}
	}
}

// newcomer tells whether a datagram is part of a handshake: RFC 6347, section
// 4.1, content type 22 in epoch 0.
func newcomer(b []byte) bool { return len(b) >= 13 && b[0] == 22 && b[3] == 0 && b[4] == 0 }

// client gives the socket behind of who sent from an address; nil: there are too
// many.
func (r *relayUDP) client(from netip.AddrPort, now time.Time) net.Conn {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c := r.behind[from]; c != nil {
		c.used = now
		return c.conn
	}
	if len(r.behind) >= maxClients {
		return nil
	}
	conn, err := net.Dial("udp", reachable(r.in.cfg.ToUDP)) //nolint:noctx // it does not wait
	if err != nil || !r.in.keep(conn) {
		return nil
	}
	c := &client{conn, now}
	r.behind[from] = c
	r.in.running.Go(func() { r.back(from, c) }) // ends with the socket
	return conn
}

// back carries what the cloud says to a canary, until that has been silent for
// long.
func (r *relayUDP) back(to netip.AddrPort, c *client) {
	defer r.forget(to, c)
	buf := make([]byte, maxDatagram)
	for {
		_ = c.conn.SetReadDeadline(time.Now().Add(idle))
		n, err := c.conn.Read(buf)
		if err == nil {
			_, _ = r.front.WriteToUDPAddrPort(buf[:n], to)
			continue
		}
		r.mu.Lock()
		silent := time.Since(c.used) >= idle
		r.mu.Unlock()
		if silent || r.in.ctx.Err() != nil {
			return
		}
	}
}

func (r *relayUDP) forget(from netip.AddrPort, c *client) {
	r.mu.Lock()
	delete(r.behind, from)
	r.mu.Unlock()
	r.in.end(c.conn)
}
