package door

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TCP opens a door before the cloud's TCP port at to. While it is Unanswered it
// accepts, as a cloud whose service behind hangs does.
func TCP(t testing.TB, to string) (Door, error) {
	t.Helper()
	d := &tcp{inside: map[*pair]bool{}}
	d.open = func(at string) (net.Listener, error) { return net.Listen("tcp", at) } //nolint:noctx // it does not wait
	d.attend = d.accept
	return d, d.begin(t, to)
}

type tcp struct {
	base[net.Listener]

	crowd  sync.Mutex
	inside map[*pair]bool // guarded by crowd
}

// patience is how long the cloud's side may take to accept.
const patience = 20 * time.Second

// pair is a device's connection and ours to the cloud; nil: nobody answers.
type pair struct {
	device, cloud net.Conn
	deaf          atomic.Bool
}

func (p *pair) close() {
	_ = p.device.Close()
	if p.cloud != nil {
		_ = p.cloud.Close()
	}
}

func (d *tcp) accept(l net.Listener) {
	for {
		device, err := l.Accept()
		if err != nil {
			return
		}
		d.all.Go(func() { d.serve(&pair{device: device}) }) // until either side ends
	}
}

func (d *tcp) serve(p *pair) {
	defer p.close()
	if d.wrong() == Unanswered {
		d.enter(p)
		defer d.leave(p)
		_, _ = io.Copy(io.Discard, p.device) // until the device gives up
		return
	}
	var err error
	dialer := net.Dialer{Timeout: patience}
	if p.cloud, err = dialer.DialContext(context.Background(), "tcp", d.to); err != nil { // the time is bounded
		return
	}
	d.enter(p)
	defer d.leave(p)
	d.all.Go(func() { // until the cloud's side ends
		defer p.close()
		b := make([]byte, 16<<10)
		for {
			n, err := p.cloud.Read(b)
			if err != nil {
				return
			}
			if p.deaf.Load() {
				continue
			}
			if _, err := p.device.Write(b[:n]); err != nil {
				return
			}
		}
	})
	_, _ = io.Copy(p.cloud, p.device)
}

func (d *tcp) enter(p *pair) {
	d.mu.Lock()
	closed := d.closed
	d.mu.Unlock()
	d.crowd.Lock()
	defer d.crowd.Unlock()
	d.inside[p] = true
	if closed {
		p.close()
	}
}

func (d *tcp) leave(p *pair) {
	d.crowd.Lock()
	defer d.crowd.Unlock()
	delete(d.inside, p)
}

func (d *tcp) Deafen(share float64) (n int) {
	d.crowd.Lock()
	defer d.crowd.Unlock()
	for p := range d.inside {
		if p.cloud != nil && rand.Float64() < share {
			p.deaf.Store(true)
			n++
		}
	}
	return n
}

func (d *tcp) Close() {
	d.shut()
	d.crowd.Lock()
	for p := range d.inside {
		p.close()
	}
	d.crowd.Unlock()
	d.all.Wait()
}
