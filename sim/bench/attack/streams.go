package attack

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/sim/bench/crowd"
	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/sealed"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// together is how many connections an attacker has open at once, unless their
// number is the attack.
const together = 32

// knock opens connections to an address, from one source after the other, and
// has do use each; n counts them from 1. What do gives is counted as answered.
func (a *attacker) knock(ctx context.Context, at string, do func(n int, c net.Conn) (answered int)) error {
	var mu sync.Mutex // guards a
	var all sync.WaitGroup
	refused := 0
	for range together {
		all.Go(func() { // ends with the count or the time
			for {
				mu.Lock()
				on, n := a.more(ctx), a.Sent
				mu.Unlock()
				if !on {
					return
				}
				d := net.Dialer{Timeout: 5 * time.Second, LocalAddr: &net.TCPAddr{IP: crowd.Source(firstStranger + n).AsSlice()}}
				c, err := d.DialContext(ctx, "tcp", at)
				if err != nil {
					mu.Lock()
					refused++
					mu.Unlock()
					continue
				}
				_ = c.SetDeadline(time.Now().Add(10 * time.Second))
				got := do(n, c)
				_ = c.Close()
				mu.Lock()
				a.Answered += got
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if refused > 0 {
		a.Saw += fmt.Sprintf("; %d connections could not be opened", refused)
	}
	return nil
}

// remainder counts the bytes that come until the connection is closed.
func remainder(c net.Conn) int {
	n, _ := io.Copy(io.Discard, c)
	return int(n)
}

// afterNonce takes the server's greeting, sends b, and counts what comes then.
func afterNonce(c net.Conn, b []byte) int {
	var nonce [sealed.NonceSize]byte
	if _, err := io.ReadFull(c, nonce[:]); err != nil {
		return 0
	}
	_, _ = c.Write(b) // it may be closed before all is taken
	return remainder(c)
}

func (a *attacker) randomStreams(ctx context.Context) error {
	a.Saw = "bytes came behind the 40 that greet everybody"
	return a.knock(ctx, a.TCP.String(), func(n int, c net.Conn) int {
		b := make([]byte, 256+n%2)
		rand.Read(b)
		return afterNonce(c, b)
	})
}

func (a *attacker) cutStreams(ctx context.Context) error {
	a.Saw = "bytes came behind the greeting"
	return a.knock(ctx, a.TCP.String(), func(n int, c net.Conn) int {
		_, _ = c.Write(make([]byte, n%256)) // and closes
		return 0
	})
}

func (a *attacker) longStreams(ctx context.Context) error {
	a.Saw = "bytes came behind the greeting"
	b := make([]byte, 64<<10)
	rand.Read(b)
	return a.knock(ctx, a.TCP.String(), func(_ int, c net.Conn) int { return afterNonce(c, b) })
}

func (a *attacker) wrongStreams(ctx context.Context) error {
	a.Saw = "bytes came behind the greeting"
	list := []string{
		"GET / HTTP/1.1\r\nHost: device\r\n\r\n", "SSH-2.0-OpenSSH_9.9\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
		"POST /v1/devices HTTP/1.1\r\n\r\n",
	}
	return a.knock(ctx, a.TCP.String(), func(n int, c net.Conn) int { return afterNonce(c, []byte(list[n%len(list)])) })
}

// slowStreams opens all its connections, the second half from one address, and
// says a byte on each now and then.
func (a *attacker) slowStreams(ctx context.Context) error {
	var open []net.Conn
	defer func() {
		for _, c := range open {
			_ = c.Close()
		}
	}()
	one := a.Count / 2
	for a.more(ctx) {
		d := net.Dialer{Timeout: 2 * time.Second, LocalAddr: &net.TCPAddr{IP: crowd.Source(firstStranger + min(a.Sent, one)).AsSlice()}}
		if c, err := d.DialContext(ctx, "tcp", a.TCP.String()); err == nil {
			open = append(open, c)
		}
	}
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for time.Now().Before(a.end) {
		for _, c := range open {
			_, _ = c.Write([]byte{1})
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
	for _, c := range open {
		_ = c.SetReadDeadline(time.Now())
		_, err := io.Copy(io.Discard, c)
		if e, ok := errors.AsType[net.Error](err); !ok || !e.Timeout() {
			a.Answered++
		}
	}
	a.Saw = "connections were closed by the cloud in this time; its limit for a handshake is 20 s"
	return nil
}

// encrypted is RSA without anything: the block as it is.
func encrypted(key *rsa.PublicKey, block []byte) []byte {
	m := new(big.Int).SetBytes(block)
	m.Mod(m, key.N)
	return m.Exp(m, big.NewInt(int64(key.E)), key.N).FillBytes(make([]byte, sealed.BlobSize))
}

// oracleBlock makes a plaintext block of the n-th kind: with good padding and
// another nonce, and with everything that padding can have wrong.
func oracleBlock(n int) []byte {
	const message = 214
	b := make([]byte, sealed.BlobSize)
	for i := range b {
		b[i] = 0xaa
	}
	zero := len(b) - message - 1
	b[0], b[1], b[zero] = 0, 2, 0
	switch n % 7 {
	case 1:
		b[0] = 1
	case 2:
		b[1] = 1
	case 3:
		b[5] = 0
	case 4:
		b[zero] = 0xaa
		b[zero-1] = 0 // a byte too long
	case 5:
		b[zero] = 0xaa // no zero at all
	case 6:
		b[zero], b[len(b)-53] = 0xaa, 0 // as long as without a key
	}
	return b
}

func (a *attacker) paddingOracle(ctx context.Context) error {
	server, err := serverRSA(&a.Part)
	if err != nil {
		return err
	}
	a.Saw = "bytes came behind the greeting"
	return a.knock(ctx, a.TCP.String(), func(n int, c net.Conn) int {
		return afterNonce(c, encrypted(server, oracleBlock(n)))
	})
}

// badFrames is a device on TCP with a good key whose frames are wrong, once
// it is in.
func (a *attacker) badFrames(ctx context.Context) error {
	last := len(a.Streams) - 1
	if last < 0 {
		return errors.New("attack: no device on TCP")
	}
	a.Saw = "streams were closed by the cloud, each at its bad frame"
	for a.more(ctx) {
		d, err := dialStream(ctx, &a.Part, a.Streams[last], last)
		if err != nil {
			return err
		}
		one, err := d.channel.Seal(nil, spark.AppendPing(nil, 7))
		if err != nil {
			return err
		}
		two, err := d.channel.Seal(nil, coap.AppendEmpty(nil, coap.Confirmable, 8))
		if err != nil {
			return err
		}
		var b []byte
		switch a.Sent % 5 {
		case 0: // played again
			b = append(append(b, one...), one...)
		case 1: // out of order
			b = append(append(b, two...), one...)
		case 2: // garbled
			one[len(one)-1] ^= 0x55
			b = one
		case 3: // of a length that no frame has
			b = append([]byte{0xff, 0xf1}, make([]byte, 1000)...)
		case 4: // with nothing in it
			b = []byte{0, 0, 0, 0}
		}
		_, _ = d.conn.Write(b)
		_ = d.conn.SetReadDeadline(time.Now().Add(2 * time.Second))
		_, err = io.Copy(io.Discard, d.conn)
		if e, ok := errors.AsType[net.Error](err); !ok || !e.Timeout() {
			a.Answered++
		}
		_ = d.conn.Close()
	}
	return nil
}
