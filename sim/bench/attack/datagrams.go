package attack

import (
	"context"
	"crypto/rand"
	"errors"
	randv2 "math/rand/v2"
	"net"
	"net/netip"
	"time"

	"github.com/cyan-cloud/cyan/sim/bench/crowd"
	"github.com/cyan-cloud/cyan/wire/dtls"
	"github.com/cyan-cloud/cyan/wire/dtls/message"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// lookEvery is how many datagrams are sent between two looks at what came back.
const lookEvery = 64

// glance is how long such a look takes when there is nothing.
const glance = 100 * time.Microsecond

// spray sends what next gives, from one address after the other, and counts
// what is answered.
func (a *attacker) spray(ctx context.Context, next func(n int) []byte) error {
	raw, err := a.raw()
	if err != nil {
		return err
	}
	defer raw.Close()
	hear := func(netip.Addr, []byte) { a.Answered++ }
	for a.more(ctx) {
		raw.Send(crowd.Source(firstStranger+a.Sent), next(a.Sent))
		if a.Sent%lookEvery == 0 {
			if err := raw.Read(time.Now().Add(glance), hear); err != nil {
				return err
			}
		}
	}
	raw.Flush()
	for before := -1; before != a.Answered; {
		before = a.Answered
		if err := raw.Read(time.Now().Add(50*time.Millisecond), hear); err != nil {
			return err
		}
	}
	a.Saw = "datagrams came back"
	return nil
}

func (a *attacker) randomDatagrams(ctx context.Context) error {
	b := make([]byte, 512)
	return a.spray(ctx, func(n int) []byte {
		rand.Read(b)
		if n%2 == 0 { // half of them begin as records do
			copy(b, []byte{byte(20 + n%7), 254, 253, 0, byte(n / 7 % 2)})
		}
		return b[:1+n%len(b)]
	})
}

// templates are datagrams as a device sends them: hellos, the rest of a
// handshake, and a ping.
func (a *attacker) templates(ctx context.Context) ([][]byte, error) {
	d, err := a.insider(ctx)
	if err != nil {
		return nil, err
	}
	ping, err := d.seal(spark.AppendPing(nil, d.id()))
	return append(d.hello, ping), err
}

func (a *attacker) truncated(ctx context.Context) error {
	list, err := a.templates(ctx)
	if err != nil {
		return err
	}
	return a.spray(ctx, func(n int) []byte {
		b := list[n%len(list)]
		return b[:1+n/len(list)%(len(b)-1)]
	})
}

func (a *attacker) flipped(ctx context.Context) error {
	list, err := a.templates(ctx)
	if err != nil {
		return err
	}
	var buf [2048]byte
	return a.spray(ctx, func(n int) []byte {
		b := buf[:copy(buf[:], list[n%len(list)])]
		bit := randv2.IntN(8 * len(b))
		b[bit/8] ^= 1 << (bit % 8)
		return b
	})
}

func (a *attacker) oversized(ctx context.Context) error {
	conn, err := new(net.Dialer).DialContext(ctx, "udp", a.UDP.String())
	if err != nil {
		return err
	}
	defer conn.Close()
	b := make([]byte, 60_000)
	rand.Read(b)
	for a.more(ctx) {
		if _, err := conn.Write(b[:2049+a.Sent*977%(len(b)-2049)]); err != nil {
			a.Sent--
		}
	}
	_ = conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if _, err := conn.Read(b); err == nil {
		a.Answered++
	}
	a.Saw = "datagrams came back"
	return nil
}

func (a *attacker) wrongDatagrams(ctx context.Context) error {
	list := [][]byte{
		[]byte("GET / HTTP/1.1\r\nHost: device\r\n\r\n"),
		[]byte("SSH-2.0-OpenSSH_9.9\r\n"),
		append([]byte{0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3}, make([]byte, 512)...),
		[]byte("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03com\x00\x00\x01\x00\x01"),
		[]byte("\x40\x01\x12\x34\xb1h"),
	}
	return a.spray(ctx, func(n int) []byte { return list[n%len(list)] })
}

// hello is a device's first datagram.
func (a *attacker) hello(n int) (*dtls.ClientHandshake, []byte, error) {
	server, err := dtls.ParsePublicKey(a.KeyUDP)
	if err != nil {
		return nil, nil, err
	}
	var random dtls.ClientRandom
	rand.Read(random.Random[:])
	rand.Read(random.Ephemeral[:])
	h, flight, err := dtls.NewClientHandshake(&dtls.ClientConfig{ServerKey: server, Key: a.Who.Key(n)}, time.Now(), random)
	if err != nil {
		return nil, nil, err
	}
	return h, flight[0], nil
}

func (a *attacker) cookieFlood(ctx context.Context) error {
	_, hello, err := a.hello(a.Devices + 1)
	if err != nil {
		return err
	}
	return a.spray(ctx, func(int) []byte { return hello })
}

func (a *attacker) forgedCookies(ctx context.Context) error {
	_, hello, err := a.hello(a.Devices + 1)
	if err != nil {
		return err
	}
	r, _, err := dtls.ParseRecord(hello)
	if err != nil {
		return err
	}
	f, _, err := message.ParseFragment(r.Fragment)
	if err != nil {
		return err
	}
	m, err := message.ParseClientHello(f.Body)
	if err != nil {
		return err
	}
	m.Cookie = make([]byte, 16)
	return a.spray(ctx, func(int) []byte {
		rand.Read(m.Cookie)
		body := m.Append(nil)
		f := message.Fragment{Type: message.TypeClientHello, Seq: 1, Length: len(body), Body: body}
		return plainRecord(1, f.Append(nil))
	})
}

// plainRecord is a handshake record of epoch 0.
func plainRecord(seq uint64, fragment []byte) []byte {
	b := []byte{22, 254, 253, 0, 0}
	for i := range 6 {
		b = append(b, byte(seq>>(40-8*i)))
	}
	return append(append(b, byte(len(fragment)>>8), byte(len(fragment))), fragment...)
}

// begin shows good cookies from one address after the other; then each address
// sends what after gives, and no more.
func (a *attacker) begin(ctx context.Context, after func(n int) [][]byte) error {
	raw, err := a.raw()
	if err != nil {
		return err
	}
	defer raw.Close()
	handshakes := map[netip.Addr]*dtls.ClientHandshake{}
	hear := func(to netip.Addr, b []byte) {
		a.Answered++
		h := handshakes[to]
		if h == nil {
			return
		}
		delete(handshakes, to)
		out, err := h.Receive(time.Now(), append([]byte(nil), b...))
		if err != nil {
			return
		}
		for _, b := range append(out.Send, after(a.Answered)...) {
			raw.Send(to, b)
		}
	}
	for a.more(ctx) {
		h, first, err := a.hello(a.Devices + 1)
		if err != nil {
			return err
		}
		from := crowd.Source(firstStranger + a.Sent)
		handshakes[from] = h
		raw.Send(from, first)
		if a.Sent%8 == 0 {
			raw.Flush()
			if err := raw.Read(time.Now().Add(glance), hear); err != nil {
				return err
			}
		}
	}
	raw.Flush()
	for range 20 {
		if err := raw.Read(time.Now().Add(20*time.Millisecond), hear); err != nil {
			return err
		}
		raw.Flush()
	}
	a.Saw = "datagrams came back: a cookie each, and a flight for each place"
	return nil
}

func (a *attacker) halfOpen(ctx context.Context) error {
	return a.begin(ctx, func(int) [][]byte { return nil })
}

// overlapping continues with fragments of which each says something else about
// the same bytes.
func (a *attacker) overlapping(ctx context.Context) error {
	piece := func(seq uint64, at, n int) []byte {
		body := make([]byte, n)
		rand.Read(body)
		f := message.Fragment{Type: message.TypeCertificate, Seq: 2, Length: 300, Offset: at, Body: body}
		return plainRecord(seq, f.Append(nil))
	}
	return a.begin(ctx, func(int) (list [][]byte) {
		for i := range 8 {
			list = append(list, piece(uint64(2+i), i*20%150, 100))
		}
		return list
	})
}

// randomKeys shakes hands with keys that nobody has registered.
func (a *attacker) randomKeys(ctx context.Context) error {
	var who crowd.Identities
	rand.Read(who.Seed[:])
	first := 1 << 20 // the ids behind are nobody's
	c, err := crowd.New(crowd.Config{Server: a.UDP, ServerKey: a.KeyUDP, Who: who, Count: first + a.Count})
	if err != nil {
		return err
	}
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	c.Start(running)
	const round = 64
	for a.Sent < a.Count && (a.Sent < a.Least || time.Now().Before(a.end)) {
		from, to := first+a.Sent, first+min(a.Sent+round, a.Count)
		arrived, err := c.Bring(running, from, to, crowd.Shaken, round, nil)
		if err != nil {
			return errors.Join(err, c.Wait())
		}
		a.Sent, a.Answered = to-first, a.Answered+arrived
		// They say who they are, and are refused.
		if _, err := c.Bring(running, from, to, crowd.Greeted, round, nil); err != nil {
			return errors.Join(err, c.Wait())
		}
	}
	cancel()
	a.Saw = "handshakes went on until the device's Hello, and none further"
	return c.Wait()
}

// replayed sends a device's records again, from where it is and from elsewhere.
func (a *attacker) replayed(ctx context.Context) error {
	d, err := a.insider(ctx)
	if err != nil {
		return err
	}
	var list [][]byte
	for range 32 {
		b, err := d.seal(spark.AppendPing(nil, d.id()))
		if err != nil {
			return err
		}
		list = append(list, b)
		if _, err := d.conn.Write(b); err != nil {
			return err
		}
	}
	heard := d.listen(500 * time.Millisecond)
	err = a.spray(ctx, func(n int) []byte { return list[n%len(list)] })
	if d.listen(100*time.Millisecond) > 0 || heard == 0 {
		a.Answered++
	}
	a.Saw = "answers to what was played again"
	return err
}

// reordered sends windows of a device's pings in no order, each with one from
// before the window.
func (a *attacker) reordered(ctx context.Context) error {
	d, err := a.insider(ctx)
	if err != nil {
		return err
	}
	var old []byte
	for a.Sent < a.Count {
		var list [][]byte
		for range 2 * dtls.WindowSize {
			if !a.more(ctx) {
				break
			}
			b, err := d.seal(spark.AppendPing(nil, d.id()))
			if err != nil {
				return err
			}
			list = append(list, b)
		}
		if len(list) == 0 {
			break
		}
		randv2.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		if old != nil {
			list = append(list, old)
		}
		old = list[0]
		for _, b := range list {
			if _, err := d.conn.Write(b); err != nil {
				return err
			}
		}
		a.Answered += d.listen(time.Second)
	}
	a.Saw = "pings answered: those within the window"
	return nil
}
