package fault

import (
	"context"
	"net"
	"sync"
	"time"
)

// TCP is the network between devices and a cloud's TCP port. A stream has no
// lost or doubled parts: loss is delay, and a cut holds everything until it
// is mended. A new connection gets to the cloud when nothing is cut.
type TCP struct {
	*sky
	front *net.TCPListener
	cloud string

	mu     sync.Mutex
	pairs  map[*pair]bool // guarded by mu
	closed bool           // guarded by mu
	over   chan struct{}  // closed by Close
	done   sync.WaitGroup
}

// pair is a device's connection and ours to the cloud.
type pair struct {
	device, cloud net.Conn
	gone          chan struct{} // closed when the network has forgotten the connection
	forget        sync.Once
}

// NewTCP opens a relay to the cloud's address, with chance from seed.
func NewTCP(cloud string, seed uint64) (*TCP, error) {
	front, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, err
	}
	r := &TCP{sky: newSky(seed), front: front, cloud: cloud, pairs: map[*pair]bool{}, over: make(chan struct{})}
	r.done.Go(r.accept) // until Close
	return r, nil
}

// Addr is where devices connect.
func (r *TCP) Addr() string { return r.front.Addr().String() }

// HalfOpen forgets every connection that there is: what either side still
// sends goes nowhere, and neither hears of an end, not even of the other's.
func (r *TCP) HalfOpen() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for p := range r.pairs {
		p.forget.Do(func() { close(p.gone) })
	}
}

// Reset ends every connection that there is, on both sides.
func (r *TCP) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for p := range r.pairs {
		hangUp(p.device)
		hangUp(p.cloud)
	}
}

// Close ends the relay and its connections.
func (r *TCP) Close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	close(r.over)
	_ = r.front.Close()
	r.Reset()
	r.done.Wait()
}

func (r *TCP) accept() {
	for {
		device, err := r.front.Accept()
		if err != nil {
			return
		}
		r.done.Go(func() { r.connect(device) }) // until the connection ends
	}
}

// connect gives a device's connection its other half, and carries.
func (r *TCP) connect(device net.Conn) {
	if !r.mended(true, nil) || !r.mended(false, nil) {
		_ = device.Close()
		return
	}
	dialer := net.Dialer{Timeout: 10 * time.Second}
	cloud, err := dialer.DialContext(context.Background(), "tcp4", r.cloud) // the time is bounded
	if err != nil {
		hangUp(device) // as the cloud's host refuses it
		return
	}
	p := &pair{device: device, cloud: cloud, gone: make(chan struct{})}
	r.mu.Lock()
	r.pairs[p] = true
	if r.closed {
		p.close()
	}
	r.mu.Unlock()
	r.done.Go(func() { r.carry(p, true, device, cloud) }) // until either end
	r.carry(p, false, cloud, device)
}

// part is some bytes of a stream and when they arrive.
type part struct {
	data []byte
	at   time.Time
}

const partsUnderWay = 256

// carry moves one direction of a connection.
func (r *TCP) carry(p *pair, up bool, from, to net.Conn) {
	parts := make(chan part, partsUnderWay)
	r.done.Go(func() { // until parts is closed
		for x := range parts {
			if r.await(p, x.at) && r.mended(up, p) {
				_, _ = to.Write(x.data) // an end is noticed by whoever reads
			}
		}
		if !p.forgotten() && r.mended(up, p) && !p.forgotten() {
			p.close()
		}
	})
	defer close(parts)
	var last time.Time
	b := make([]byte, 16<<10)
	for {
		n, err := from.Read(b)
		if n > 0 && !p.forgotten() {
			w, _ := r.now(up)
			under, behind := r.stretch(w, n)
			at := time.Now().Add(under)
			if at.Before(last) {
				at = last
			}
			last = at.Add(behind)
			parts <- part{append([]byte(nil), b[:n]...), last}
		}
		if err != nil {
			return
		}
	}
}

// await waits until a time, and tells whether the connection still stands.
func (r *TCP) await(p *pair, at time.Time) bool {
	left := time.Until(at)
	if left <= 0 {
		return !p.forgotten()
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-timer.C:
		return !p.forgotten()
	case <-p.gone:
	case <-r.over:
	}
	return false
}

// mended waits until a direction is not cut, and tells whether it came to
// that before the relay ended or forgot the connection.
func (r *TCP) mended(up bool, p *pair) bool {
	var gone chan struct{}
	if p != nil {
		gone = p.gone
	}
	for {
		w, changed := r.now(up)
		if !w.Cut {
			return true
		}
		select {
		case <-changed:
		case <-gone:
			return false
		case <-r.over:
			return false
		}
	}
}

func (p *pair) forgotten() bool {
	select {
	case <-p.gone:
		return true
	default:
		return false
	}
}

// close ends both halves; what was written is still delivered.
func (p *pair) close() {
	_ = p.device.Close()
	_ = p.cloud.Close()
}

// hangUp ends a connection with a reset.
func hangUp(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}
