package simtest

import (
	"net"
	"sync"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/sim"
)

// Server is a Cloud on a loopback socket, for one device.
type Server struct {
	Addr string

	mu    sync.Mutex
	cloud *Cloud // guarded by mu
	turn  int    // guarded by mu: counts TCP connections; only the latest is heard
	conns sync.WaitGroup
}

// Serve starts a server that ends with the test.
func Serve(t testing.TB, transport sim.Transport) *Server {
	t.Helper()
	s := &Server{cloud: NewCloud(t, transport)}
	if transport == sim.TCP {
		s.serveTCP(t)
	} else {
		s.serveUDP(t)
	}
	return s
}

// With calls fn while nothing else uses the server's Cloud.
func (s *Server) With(fn func(c *Cloud)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fn(s.cloud)
}

func (s *Server) serveUDP(t testing.TB) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	must(t, err)
	s.Addr = conn.LocalAddr().String()
	t.Cleanup(func() { _ = conn.Close(); s.conns.Wait() })
	// Ends when the socket is closed.
	s.conns.Go(func() {
		buf := make([]byte, 2048)
		for {
			n, peer, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			s.With(func(c *Cloud) {
				for _, b := range c.Receive(time.Now(), buf[:n]) {
					_, _ = conn.WriteTo(b, peer)
				}
			})
		}
	})
}

func (s *Server) serveTCP(t testing.TB) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	s.Addr = listener.Addr().String()
	t.Cleanup(func() { _ = listener.Close(); s.conns.Wait() })
	// Ends when the listener is closed; a connection ends with its device.
	s.conns.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.conns.Go(func() { s.converse(conn) })
		}
	})
}

// converse is one TCP connection.
func (s *Server) converse(conn net.Conn) {
	defer conn.Close()
	var first [][]byte
	var turn int
	s.With(func(c *Cloud) {
		s.turn++
		turn, first = s.turn, c.Opened()
	})
	for _, b := range first {
		_, _ = conn.Write(b)
	}
	buf := make([]byte, 2048)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return
		}
		var answers [][]byte
		closing := false
		s.With(func(c *Cloud) {
			if closing = turn != s.turn; !closing {
				answers = c.Receive(time.Now(), buf[:n])
				closing, c.Closing = c.Closing, false
			}
		})
		for _, b := range answers {
			_, _ = conn.Write(b)
		}
		if closing {
			return
		}
	}
}
