package session_test

import (
	"bytes"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/session"
	"github.com/cyan-cloud/cyan/wire/dtls"
)

// elsewhere is where an attacker is who has seen the device's packets.
var elsewhere = netip.MustParseAddrPort("203.0.113.66:666")

// FuzzHostile lets anything happen to an established session: what the device
// says under its keys, what others make of its packets, what the cloud wants of
// it meanwhile, and a store that fails. The input is a row of acts, each an
// opcode, a length, and so many bytes.
func FuzzHostile(f *testing.F) {
	for _, udp := range []bool{true, false} {
		row := []byte{2, 0, 3, 1, 9, 4, 1, 0, 5, 1, 0, 6, 1, 200, 7, 1, 1, 1, 4, 0x20, 3, 0, 1, 8, 0, 9, 1, 7}
		name := "os-2.3.1-tcp"
		if udp {
			name = "os-6.2.0-udp"
		}
		for _, m := range recording(f, name)[:12] {
			if len(m) < 256 {
				row = append(append(append(row, 0, byte(len(m))), m...), 2, 0, 6, 1, 10)
			}
		}
		f.Add(row, udp)
	}
	f.Fuzz(func(t *testing.T, row []byte, udp bool) {
		w := newWorld(t)
		w.connect(udp, true, true, deviceID)
		w.do("device hello 6.2.0", "device describes app", "tick 6s")
		w.d.lazy = true
		for acts := 0; len(row) >= 2 && !w.s.Closed() && acts < 60; acts++ {
			n := min(int(row[1]), len(row)-2)
			w.hostile(row[0], row[2:2+n])
			row = row[2+n:]
		}
		if !w.s.Closed() {
			w.broken = false
			w.pass(2 * time.Minute)
		}
		var outs session.Outs
		if w.s.Step(w.now, &session.In{Kind: session.Tick}, &outs); len(outs.List) > 0 && w.s.Closed() && outs.List[0].Kind == session.Send {
			t.Error("a session that has ended sends")
		}
	})
}

// hostile is one act.
func (w *world) hostile(act byte, b []byte) {
	first := byte(0)
	if len(b) > 0 {
		first = b[0]
	}
	switch act % 10 {
	case 0: // the device, under its keys
		w.send(b)
	case 1: // bytes that nobody sealed
		w.raw(b, elsewhere)
	case 2: // its last packet again, from elsewhere
		w.raw(w.captured, elsewhere)
	case 3: // its last packet with a bit flipped
		forged := bytes.Clone(w.captured)
		if len(forged) > 0 {
			bit := int(first) * 7 % (8 * len(forged))
			forged[bit/8] ^= 1 << (bit % 8)
		}
		w.raw(forged, w.d.addr)
	case 4:
		w.seed++ // as a number that was not used before
		w.step(session.In{Kind: session.StartCall, Call: session.Call{
			ID: 1000 + w.seed, Kind: session.CallKind(first % 5), Name: "echo", Argument: string(b),
		}})
	case 5:
		w.step(session.In{Kind: session.Deliver, Event: &event.Event{Name: "vdev" + string(b), Data: b, HasData: first%2 == 0}})
	case 6:
		w.pass(time.Duration(first) * 100 * time.Millisecond)
	case 7: // an answer of the store that nobody waits for, or a store that fails
		w.broken = first%2 == 1
		w.step(session.In{Kind: session.Persisted, Token: uint32(first) + 1<<20, Err: errors.New("late")})
	case 8:
		w.step(session.In{Kind: session.Probe})
	case 9:
		w.step(session.In{Kind: session.CancelCall, CallID: uint64(first)})
	}
}

// raw brings bytes as they are to the session, if they are a packet at all.
func (w *world) raw(data []byte, from netip.AddrPort) {
	if !w.d.udp {
		if len(data) > 2 {
			w.step(session.In{Kind: session.Packet, Frame: bytes.Clone(data[2:])})
		}
		return
	}
	if r, _, err := dtls.ParseRecord(bytes.Clone(data)); err == nil {
		w.step(session.In{Kind: session.Packet, Record: r, From: from, Local: here})
	}
}
