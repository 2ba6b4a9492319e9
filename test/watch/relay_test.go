package watch

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// door is what stands before one of the cloud's doors and can be shut for those
// who come anew.
type door struct {
	shut atomic.Bool // newcomers get no answer; those inside go on
	cut  atomic.Bool // nobody does
	At   string
}

// newcomer tells whether a datagram begins a handshake.
func newcomer(b []byte) bool { return len(b) > 13 && b[0] == 22 && b[13] == 1 }

// relayUDP stands before a UDP door: every client has a socket of its own
// behind it.
func relayUDP(t testing.TB, to string) *door {
	t.Helper()
	front, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &door{At: front.LocalAddr().String()}
	var all sync.WaitGroup
	var mu sync.Mutex
	behind := map[string]net.Conn{}
	all.Go(func() { // ends when front is closed
		buf := make([]byte, 2048)
		for {
			n, from, err := front.ReadFrom(buf)
			if err != nil {
				return
			}
			if d.cut.Load() || d.shut.Load() && newcomer(buf[:n]) {
				continue
			}
			mu.Lock()
			conn := behind[from.String()]
			if conn == nil {
				if conn, err = net.Dial("udp", to); err != nil {
					mu.Unlock()
					continue
				}
				behind[from.String()] = conn
				all.Go(func() { back(d, front, conn, from) })
			}
			mu.Unlock()
			_, _ = conn.Write(buf[:n])
		}
	})
	t.Cleanup(func() {
		_ = front.Close()
		mu.Lock()
		for _, c := range behind {
			_ = c.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	return d
}

// back carries what the cloud says to a client, until its socket is closed.
func back(d *door, front net.PacketConn, conn net.Conn, to net.Addr) {
	buf := make([]byte, 2048)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return
		}
		if !d.cut.Load() {
			_, _ = front.WriteTo(buf[:n], to)
		}
	}
}

// relayTCP stands before a TCP door. While it is shut it accepts, as a cloud
// whose service behind hangs does.
func relayTCP(t testing.TB, to string) *door {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &door{At: l.Addr().String()}
	var all sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	keep := func(c net.Conn) {
		mu.Lock()
		defer mu.Unlock()
		open = append(open, c)
	}
	all.Go(func() { // ends when l is closed
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			keep(client)
			if d.shut.Load() || d.cut.Load() {
				continue
			}
			server, err := net.Dial("tcp", to)
			if err != nil {
				_ = client.Close()
				continue
			}
			keep(server)
			for _, way := range [][2]net.Conn{{client, server}, {server, client}} {
				all.Go(func() {
					_, _ = io.Copy(way[0], way[1])
					_ = way[0].Close()
				})
			}
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for _, c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	return d
}

// desk stands before the HTTP API and can spoil what it likes.
type desk struct {
	URL   string
	spoil atomic.Pointer[func(w http.ResponseWriter, r *http.Request) bool] // true: it has answered
}

func (d *desk) set(f func(http.ResponseWriter, *http.Request) bool) { d.spoil.Store(&f) }

func relayAPI(t testing.TB, to string) *desk {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.FlushInterval = -1
	proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
	d := new(desk)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f := d.spoil.Load(); f != nil && (*f)(w, r) {
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	d.URL = s.URL
	return d
}

// broken answers that the cloud has a fault where the path has the word.
func broken(method, word string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != method || !strings.Contains(r.URL.Path, word) {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, `{"ok":false,"error":"broken","error_description":"it is broken","code":"store_unavailable"}`)
		return true
	}
}

// deaf answers as if all were well, and passes nothing on.
func deaf(method, word, answer string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != method || !strings.Contains(r.URL.Path, word) {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, answer)
		return true
	}
}
