package turnstile_test

import (
	"io"
	"net"
	"testing"

	"github.com/cyan-cloud/cyan/internal/turnstile"
)

// line is a listener whose connections come from where they are said to.
type line struct{ waiting chan net.Conn }

func (l *line) Accept() (net.Conn, error) {
	c, ok := <-l.waiting
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (*line) Close() error   { return nil }
func (*line) Addr() net.Addr { return &net.TCPAddr{} }

type caller struct {
	net.Conn
	from string
}

func (c caller) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.ParseIP(c.from), Port: 4711} }

// door is a turnstile and those who stand before it.
type door struct {
	t       *testing.T
	queue   *line
	in      net.Listener
	refused map[string]int
}

func open(t *testing.T, most, source int) *door {
	d := &door{t: t, queue: &line{make(chan net.Conn, 1)}, refused: map[string]int{}}
	d.in = turnstile.New(turnstile.Config{
		Most: most, Source: source, Refused: func(why string) { d.refused[why]++ },
	}).Before(d.queue)
	return d
}

// lets comes from an address and gives the connection that was let in.
func (d *door) lets(from string) net.Conn {
	d.t.Helper()
	_, there := net.Pipe()
	d.queue.waiting <- caller{there, from}
	c, err := d.in.Accept()
	if err != nil {
		d.t.Fatal(err)
	}
	return c
}

// refuses comes from an address and finds itself closed.
func (d *door) refuses(from, why string) {
	d.t.Helper()
	before := d.refused[why]
	here, there := net.Pipe()
	d.queue.waiting <- caller{there, from}
	done := make(chan net.Conn)
	go func() { // ends when the next one is let in
		c, _ := d.in.Accept()
		done <- c
	}()
	if _, err := here.Read(make([]byte, 1)); err != io.EOF {
		d.t.Errorf("%s reads %v, want the end", from, err)
	}
	_, next := net.Pipe()
	d.queue.waiting <- caller{next, "192.0.2.250"}
	if c := <-done; c != nil {
		c.Close()
	}
	if d.refused[why] != before+1 {
		d.t.Errorf("%s: %v, want one more of %s", from, d.refused, why)
	}
}

// TestSource gives one address its share and no more, until it gives one back.
func TestSource(t *testing.T) {
	d := open(t, 0, 2)
	first := d.lets("192.0.2.1")
	d.lets("192.0.2.1")
	d.refuses("192.0.2.1", turnstile.FromSource)
	d.lets("192.0.2.2")
	first.Close()
	first.Close() // counts once
	d.lets("192.0.2.1")
	d.refuses("192.0.2.1", turnstile.FromSource)
	d.lets("2001:db8::1")
	d.lets("2001:db8::ffff")
	d.refuses("2001:db8::2", turnstile.FromSource)
	d.lets("2001:db8:0:1::1")
}

// TestMost has a place for two in all, which the one who comes behind those
// that are refused needs, too.
func TestMost(t *testing.T) {
	d := open(t, 2, 0)
	d.lets("192.0.2.1")
	second := d.lets("192.0.2.2")
	here, there := net.Pipe()
	d.queue.waiting <- caller{there, "192.0.2.3"}
	done := make(chan net.Conn)
	go func() { // ends when one is let in
		c, _ := d.in.Accept()
		done <- c
	}()
	if _, err := here.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the third reads %v, want the end", err)
	}
	second.Close()
	_, there = net.Pipe()
	d.queue.waiting <- caller{there, "192.0.2.4"}
	if c := <-done; c == nil || d.refused[turnstile.TooMany] != 1 {
		t.Errorf("%v; the fourth got %v", d.refused, c)
	}
}
