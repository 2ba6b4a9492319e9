package bench

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Floor is the way of a call with nothing of a cloud on it: bytes on TCP to the
// cloud's process, a datagram from there to the device, two back, as Device OS
// sends its acknowledgement and its result apart, and bytes on TCP back. Between
// the same two processes and of the same sizes it takes as long as this machine
// needs to wake those four times who wait, and no call can be faster.
type Floor struct {
	Device  netip.AddrPort `json:"device"` // to whom the datagrams go; the zero value: close it
	Request int            `json:"request"`
	Answer  int            `json:"answer"`
}

// How many bytes there are of what a call is made of.
const (
	floorAnswer   = 600 // of HTTP, head included
	floorDatagram = 80
)

// anyLoopback is a free port of this machine.
var anyLoopback = netip.MustParseAddrPort("127.0.0.1:0")

// foundation is the cloud's side of a floor; the zero value: there is none.
type foundation struct {
	listener *net.TCPListener
	device   *net.UDPConn
	ends     sync.WaitGroup

	mu   sync.Mutex
	shut bool     // guarded by mu, as the next
	conn net.Conn // to the client
}

// open opens a floor and gives its address.
func (f *foundation) open(floor Floor) (address string, err error) {
	if f.listener != nil {
		return "", errors.New("bench: the floor is open already")
	}
	if f.listener, err = net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(anyLoopback)); err != nil {
		return "", err
	}
	if f.device, err = net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(floor.Device)); err != nil {
		return "", errors.Join(err, f.close())
	}
	f.shut = false
	f.ends.Go(func() { f.serve(f.listener, f.device, floor) }) // ends with its client, or with close
	return f.listener.Addr().String(), nil
}

// serve serves one client until it goes.
func (f *foundation) serve(listener *net.TCPListener, device *net.UDPConn, floor Floor) {
	conn, err := listener.Accept()
	if err != nil {
		return
	}
	defer conn.Close()
	if !f.has(conn) {
		return
	}
	request, answer, datagram := make([]byte, floor.Request), make([]byte, floor.Answer), make([]byte, floorDatagram)
	for {
		if _, err := io.ReadFull(conn, request); err != nil {
			return
		}
		if _, err := device.Write(datagram); err != nil {
			return
		}
		for range 2 {
			if _, err := device.Read(datagram); err != nil {
				return
			}
		}
		if _, err := conn.Write(answer); err != nil {
			return
		}
	}
}

// has notes the client's connection, unless it is too late for one.
func (f *foundation) has(conn net.Conn) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.conn = conn
	return !f.shut
}

// close ends it, whether or not its client has gone.
func (f *foundation) close() (err error) {
	f.mu.Lock()
	f.shut = true
	if f.conn != nil {
		_ = f.conn.Close() // it may be closed already
	}
	f.mu.Unlock()
	if f.listener != nil {
		err = f.listener.Close()
	}
	if f.device != nil {
		err = errors.Join(err, f.device.Close())
	}
	f.ends.Wait()
	f.listener, f.device, f.conn = nil, nil, nil
	return err
}

// walker is the other side of a floor: client and device.
type walker struct {
	conn            net.Conn
	device          *net.UDPConn
	request, answer []byte
	ends            sync.WaitGroup
}

// floor opens a floor between this process and the cloud's, for requests of
// that size.
func (s *Server) floor(request int) (*walker, error) {
	device, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(anyLoopback))
	if err != nil {
		return nil, err
	}
	w := &walker{device: device, request: make([]byte, request), answer: make([]byte, floorAnswer)}
	w.ends.Go(w.echo) // ends with its socket
	at := device.LocalAddr().(*net.UDPAddr).AddrPort()
	d, err := s.ask(Command{Do: DoFloor, Floor: Floor{Device: at, Request: request, Answer: floorAnswer}})
	if err != nil {
		return nil, errors.Join(err, w.close())
	}
	if w.conn, err = net.Dial("tcp", d.Floor); err != nil { //nolint:noctx // it is there
		return nil, errors.Join(err, w.leave(s))
	}
	return w, nil
}

// echo is the device.
func (w *walker) echo() {
	b := make([]byte, floorDatagram)
	for {
		_, from, err := w.device.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		for range 2 {
			if _, err := w.device.WriteToUDPAddrPort(b, from); err != nil {
				return
			}
		}
	}
}

// walk goes there and back n times, and adds how long each took.
func (w *walker) walk(n int, times *Times) error {
	for range n {
		began := time.Now()
		if err := w.conn.SetDeadline(began.Add(callTime)); err != nil {
			return err
		}
		if _, err := w.conn.Write(w.request); err != nil {
			return err
		}
		if _, err := io.ReadFull(w.conn, w.answer); err != nil {
			return err
		}
		times.Add(time.Since(began))
	}
	return nil
}

// leave closes both sides.
func (w *walker) leave(s *Server) error {
	return errors.Join(w.close(), s.do(Command{Do: DoFloor}))
}

// close closes this one.
func (w *walker) close() (err error) {
	if w.conn != nil {
		err = w.conn.Close()
	}
	err = errors.Join(err, w.device.Close())
	w.ends.Wait()
	return err
}
