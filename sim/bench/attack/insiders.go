package attack

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// fastDevice publishes ten thousand events a second.
func (a *attacker) fastDevice(ctx context.Context) error {
	return a.talk(ctx, 10_000, func(d *insider, id uint16) []byte {
		return append(head(coap.NonConfirmable, id), 0xb1, 'E', 4, 'f', 'a', 's', 't', 0xff, 'x')
	})
}

// head is the beginning of a POST.
func head(t coap.Type, id uint16) []byte {
	return []byte{0x40 | byte(t)<<4, 2, byte(id >> 8), byte(id)}
}

// talk has the insider send messages, so many a second, and counts what it is
// answered.
func (a *attacker) talk(ctx context.Context, rate int, message func(d *insider, id uint16) []byte) error {
	d, err := a.insider(ctx)
	if err != nil {
		return err
	}
	defer d.conn.Close()
	began := time.Now()
	for a.more(ctx) {
		b, err := d.seal(message(d, d.id()))
		if err != nil {
			return err
		}
		if _, err := d.conn.Write(b); err != nil {
			a.Sent--
		}
		if ahead := time.Duration(a.Sent)*time.Second/time.Duration(rate) - time.Since(began); ahead > 2*time.Millisecond {
			a.Answered += d.listen(ahead)
		}
	}
	a.Answered += d.listen(200 * time.Millisecond)
	a.Saw = "messages came back"
	return nil
}

// insiderRate is how fast the other insiders are: what they say is the attack,
// and not how often.
const insiderRate = 1000

// giantDescribe describes itself in blocks that have no end, and without sense.
func (a *attacker) giantDescribe(ctx context.Context) error {
	body := make([]byte, 1000)
	n := 0
	return a.talk(ctx, insiderRate, func(_ *insider, id uint16) []byte {
		n++
		b := append(head(coap.Confirmable, id), 0xb1, 'd', 0x41, byte(spark.DescribeApplication))
		switch n % 4 {
		case 0: // deep JSON
			b = append(b, 0xff)
			for range 1000 {
				b = append(b, '[')
			}
			return b
		case 1: // random bytes
			rand.Read(body)
			return append(append(b, 0xff), body...)
		}
		// Block1: the next of a thousand, "more".
		block := uint32(n/4)<<4 | 8 | 5
		b = append(b, 0xc3, byte(block>>16), byte(block>>8), byte(block))
		return append(append(b, 0xff), body[:512]...)
	})
}

// manyOptions says as many options as fit into a datagram: more than a thousand.
func (a *attacker) manyOptions(ctx context.Context) error {
	return a.talk(ctx, insiderRate, func(_ *insider, id uint16) []byte {
		b := append(head(coap.Confirmable, id), 0xb1, 'E')
		for range 1300 {
			b = append(b, 0x00)
		}
		return b
	})
}

// blockAbuse sends blocks of describes in no order, of every size, from the
// middle, and over each other.
func (a *attacker) blockAbuse(ctx context.Context) error {
	var r [4]byte
	return a.talk(ctx, insiderRate, func(_ *insider, id uint16) []byte {
		rand.Read(r[:])
		b := append(head(coap.Confirmable, id), 0xb1, 'd', 0x41, byte(spark.DescribeApplication))
		b = append(b, 0xc3, r[0]&0x0f, r[1], r[2])
		return append(append(b, 0xff), make([]byte, int(r[3])*4)...)
	})
}
