package dtls_test

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/wire/dtls"
	"github.com/cyan-cloud/cyan/wire/dtls/message"
	"pgregory.net/rapid"
)

// TestBadNetwork shakes hands over a network that loses, doubles, delays, reorders and refragments datagrams, and mixes rubbish
// in. Once it has calmed down both sides are in touch, and no number was ever used for two records.
func TestBadNetwork(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		client, server := configs(t)
		client.NoCID = rapid.Bool().Draw(rt, "no connection id")
		client.RFC9146 = rapid.Bool().Draw(rt, "RFC 9146")
		calm := begin.Add(10 * time.Second)
		used := map[bool]map[uint64][]byte{true: {}, false: {}}
		net := &network{
			tap: func(_ time.Time, toServer bool, datagram []byte) { noteNumbers(rt, used[toServer], datagram) },
			route: func(now time.Time, _ bool, datagram []byte) []letter {
				if now.After(calm) {
					return []letter{{at: now, bytes: datagram}}
				}
				return damage(rt, now, datagram)
			},
		}
		h, first, err := dtls.NewClientHandshake(client, begin, dtls.ClientRandom{Random: random32("client random"), Ephemeral: random32("client ephemeral")})
		if err != nil {
			rt.Fatal(err)
		}
		device, door := &device{h: h, word: []byte("hello")}, newDoor(server)
		door.slowness = time.Duration(rapid.IntRange(0, 4000).Draw(rt, "disk")) * time.Millisecond
		net.run(device, door, first, begin.Add(2*time.Minute))
		switch {
		case device.failure != nil || door.refusal != nil:
			rt.Fatalf("device: %v, server: %v", device.failure, door.refusal)
		case device.session == nil || door.session == nil || device.session.Keys != door.session.Keys:
			rt.Fatal("they have no session in common")
		case len(door.opened) == 0 || len(device.opened) == 0:
			rt.Fatalf("server heard %q, device %q", door.opened, device.opened)
		}
		for _, word := range append(door.opened, bytes.TrimPrefix(device.opened[0], []byte("re: "))) {
			if string(word) != "hello" {
				rt.Errorf("heard %q", word)
			}
		}
	})
}

// noteNumbers fails if a number of an epoch is used for two different records.
func noteNumbers(t *rapid.T, used map[uint64][]byte, datagram []byte) {
	for len(datagram) > 0 {
		r, rest, err := dtls.ParseRecord(datagram)
		if err != nil {
			t.Fatal(err)
		}
		datagram = rest
		n := uint64(r.Epoch)<<48 | r.Seq
		if before, ok := used[n]; ok && !bytes.Equal(before, r.Raw) && r.Epoch != 0 {
			t.Errorf("number %x: %x and %x", n, before, r.Raw)
		}
		used[n] = bytes.Clone(r.Raw)
	}
}

// damage is what the network does to one datagram.
func damage(t *rapid.T, now time.Time, datagram []byte) (arrive []letter) {
	late := func() time.Time {
		return now.Add(time.Duration(rapid.IntRange(0, 1500).Draw(t, "delay")) * time.Millisecond)
	}
	switch rapid.IntRange(0, 9).Draw(t, "fate") {
	case 0, 1: // lost
		return nil
	case 2: // doubled
		arrive = append(arrive, letter{at: late(), bytes: datagram})
	case 3, 4: // its handshake messages in pieces, each in a datagram of its own
		for _, piece := range refragment(t, datagram) {
			arrive = append(arrive, letter{at: late(), bytes: piece})
		}
		return arrive
	case 5: // rubbish beside it
		arrive = append(arrive, letter{at: late(), bytes: rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "rubbish")})
	case 6: // cut in the middle, and whole a little later
		cut := rapid.IntRange(0, len(datagram)-1).Draw(t, "cut")
		arrive = append(arrive, letter{at: now, bytes: datagram[:cut]})
	}
	return append(arrive, letter{at: late(), bytes: datagram})
}

// refragment takes a datagram to pieces: each record a datagram, each plaintext handshake message two fragments that overlap.
// A ClientHello stays whole, because Greet remembers nothing.
func refragment(t *rapid.T, datagram []byte) (pieces [][]byte) {
	for len(datagram) > 0 {
		r, rest, err := dtls.ParseRecord(datagram)
		if err != nil {
			t.Fatal(err)
		}
		datagram = rest
		f, more, err := message.ParseFragment(r.Fragment)
		if r.Type != dtls.Handshake || r.Epoch != 0 || err != nil || len(more) != 0 || len(f.Body) < 2 || f.Type == message.TypeClientHello {
			pieces = append(pieces, r.Raw)
			continue
		}
		end := rapid.IntRange(1, len(f.Body)).Draw(t, "end of the first fragment")
		start := rapid.IntRange(0, end).Draw(t, "start of the second fragment")
		for _, span := range [][2]int{{0, end}, {start, len(f.Body)}} {
			pieces = append(pieces, plainRecord(r.Seq, message.Fragment{
				Type: f.Type, Length: f.Length, Seq: f.Seq, Offset: span[0], Body: f.Body[span[0]:span[1]],
			}))
		}
	}
	return pieces
}

// plainRecord is an epoch-0 handshake record with one fragment.
func plainRecord(seq uint64, f message.Fragment) []byte {
	body := f.Append(nil)
	record := binary.BigEndian.AppendUint64([]byte{byte(dtls.Handshake), 0xfe, 0xfd}, seq)
	return append(binary.BigEndian.AppendUint16(record, uint16(len(body))), body...)
}
