package fault

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// UDP is the network between devices and a cloud's UDP port. To the cloud each
// device has an address of its own, as behind a NAT.
type UDP struct {
	*sky
	front *net.UDPConn
	cloud netip.AddrPort

	mu     sync.Mutex
	behind map[netip.AddrPort]*net.UDPConn // guarded by mu; a device's address → its outside
	free   time.Time                       // guarded by mu; when the line is free, if it is narrow
	closed bool                            // guarded by mu
	done   sync.WaitGroup
}

const maxDatagram = 64 << 10

// NewUDP opens a relay to the cloud's address, with chance from seed.
func NewUDP(cloud string, seed uint64) (*UDP, error) {
	to, err := netip.ParseAddrPort(cloud)
	if err != nil {
		return nil, err
	}
	front, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, err
	}
	u := &UDP{sky: newSky(seed), front: front, cloud: to, behind: map[netip.AddrPort]*net.UDPConn{}}
	u.done.Go(u.inward) // until Close
	return u, nil
}

// Addr is where devices connect.
func (u *UDP) Addr() string { return u.front.LocalAddr().String() }

// Rebind gives every device another outside address, from its next datagram
// on; what the cloud sends to the old one goes nowhere.
func (u *UDP) Rebind() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for device, outside := range u.behind {
		_ = outside.Close()
		delete(u.behind, device)
	}
}

// Close ends the relay.
func (u *UDP) Close() {
	_ = u.front.Close()
	u.mu.Lock()
	u.closed = true
	u.mu.Unlock()
	u.Rebind()
	u.done.Wait()
}

// inward carries what devices send.
func (u *UDP) inward() {
	b := make([]byte, maxDatagram)
	for {
		n, device, err := u.front.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		u.carry(true, b[:n], func(data []byte) {
			if outside := u.outside(device); outside != nil {
				_, _ = outside.Write(data) // lost if nobody listens, as on a network
			}
		})
	}
}

// outside gives the socket that is a device's outside address.
func (u *UDP) outside(device netip.AddrPort) *net.UDPConn {
	u.mu.Lock()
	defer u.mu.Unlock()
	if conn := u.behind[device]; conn != nil || u.closed {
		return conn
	}
	conn, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(u.cloud))
	if err != nil {
		return nil
	}
	u.behind[device] = conn
	u.done.Go(func() { u.back(conn, device) }) // until Rebind or Close
	return conn
}

// back carries what the cloud sends to one outside address.
func (u *UDP) back(outside *net.UDPConn, device netip.AddrPort) {
	b := make([]byte, maxDatagram)
	for {
		n, err := outside.Read(b)
		if err != nil {
			if u.holds(outside, device) {
				continue // the cloud's port is closed just now; the mapping stays
			}
			return
		}
		u.carry(false, b[:n], func(data []byte) { _, _ = u.front.WriteToUDPAddrPort(data, device) })
	}
}

func (u *UDP) holds(outside *net.UDPConn, device netip.AddrPort) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.behind[device] == outside
}

// carry lets the weather at a datagram and delivers what is left of it.
func (u *UDP) carry(up bool, data []byte, deliver func([]byte)) {
	f := u.cast(up, len(data))
	if len(f.after) == 0 {
		return
	}
	data = append([]byte(nil), data...)
	if f.flip >= 0 {
		data[f.flip/8] ^= 1 << (f.flip % 8)
	}
	queued := u.queue(up, len(data))
	for _, after := range f.after {
		if after += queued; after == 0 {
			deliver(data)
			continue
		}
		time.AfterFunc(after, func() { deliver(data) })
	}
}

// queue is how long a datagram waits for a narrow line.
func (u *UDP) queue(up bool, size int) time.Duration {
	w, _ := u.now(up)
	if w.Bandwidth <= 0 {
		return 0
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	now := time.Now()
	if u.free.Before(now) {
		u.free = now
	}
	u.free = u.free.Add(time.Duration(size) * time.Second / time.Duration(w.Bandwidth))
	return u.free.Sub(now)
}
