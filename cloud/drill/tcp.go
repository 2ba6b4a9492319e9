package drill

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
)

func (in *Ingress) openTCP() error {
	if in.cfg.TCP == "" {
		return nil
	}
	l, err := new(net.ListenConfig).Listen(in.ctx, "tcp", in.cfg.TCP)
	if err != nil {
		return err
	}
	if !in.keep(l) {
		return net.ErrClosed
	}
	in.mu.Lock()
	in.tcp = l.Addr().(*net.TCPAddr).AddrPort()
	in.mu.Unlock()
	in.running.Go(func() { in.accept(l) }) // ends when l is closed
	return nil
}

func (in *Ingress) accept(l net.Listener) {
	places := make(chan struct{}, maxClients)
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) || in.ctx.Err() != nil {
			return
		}
		if err != nil {
			continue
		}
		select {
		case places <- struct{}{}:
		default:
			_ = c.Close()
			continue
		}
		in.running.Go(func() { // ends with the connection
			defer func() { <-places }()
			in.carry(c)
		})
	}
}

// carry carries a canary's connection. Who comes while it is broken is taken in
// and hears nothing, as of a service that hangs.
func (in *Ingress) carry(c net.Conn) {
	if !in.keep(c) {
		return
	}
	defer in.end(c)
	if over := in.book.broken(); over != nil {
		select {
		case <-over:
		case <-in.gone(c):
		case <-in.ctx.Done():
		}
		return
	}
	ctx, cancel := context.WithTimeout(in.ctx, dialMost)
	defer cancel()
	behind, err := new(net.Dialer).DialContext(ctx, "tcp", reachable(in.cfg.ToTCP))
	if err != nil || !in.keep(behind) {
		return
	}
	defer in.end(behind)
	var both sync.WaitGroup
	both.Go(func() {
		_, _ = io.Copy(behind, c)
		_ = behind.Close()
	})
	_, _ = io.Copy(c, behind)
	_ = c.Close()
	both.Wait()
}

// gone is closed when the other side has hung up.
func (in *Ingress) gone(c net.Conn) <-chan struct{} {
	gone := make(chan struct{})
	in.running.Go(func() { // ends with the connection
		_, _ = io.Copy(io.Discard, c)
		close(gone)
	})
	return gone
}
