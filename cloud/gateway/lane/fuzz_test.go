package lane_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
	"github.com/cyan-cloud/cyan/cloud/session"
	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/sealed"
)

// recorded gives the bytes that a real device sent on a channel of a recording.
func recorded(t testing.TB, name, channel string) (list [][]byte) {
	t.Helper()
	f, err := os.Open("../../../wire/testdata/device/" + name + ".jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line struct{ Ch, Dir, Bytes string }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		b, err := hex.DecodeString(line.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		if line.Dir == "device" && line.Ch == channel && len(b) > 0 {
			list = append(list, b)
		}
	}
	if len(list) == 0 {
		t.Fatalf("%s has nothing on %s", name, channel)
	}
	return list
}

// acts takes a row of acts apart: an opcode, two bytes of length, and so many
// bytes.
func acts(row []byte, most int, do func(act byte, b []byte)) {
	for n := 0; len(row) >= 3 && n < most; n++ {
		size := min(int(row[1])<<8|int(row[2]), len(row)-3)
		do(row[0], row[3:3+size])
		row = row[3+size:]
	}
}

func act(row []byte, code byte, b []byte) []byte {
	return append(append(row, code, byte(len(b)>>8), byte(len(b))), b...)
}

// FuzzDatagrams lets strangers send anything, and a device anything under its
// keys. After every step the lane's books have to be right, and at the end the
// device is heard as ever, or let in anew.
func FuzzDatagrams(f *testing.F) {
	var row []byte
	for _, b := range recorded(f, "os-6.2.0-udp", "udp") {
		row = act(row, 0, b)
	}
	f.Add(row)
	row = nil
	for _, b := range recorded(f, "os-6.2.0-udp", "coap") {
		row = act(row, 1, b)
	}
	f.Add(act(act(act(act(row, 2, []byte{3}), 3, []byte{9, 9}), 4, []byte{90}), 5, nil))
	f.Fuzz(func(t *testing.T, row []byte) {
		w := newWorld(t).with(func(cfg *lane.Config) { cfg.HalfOpen, cfg.Unproven, cfg.PerSource, cfg.Failures = 3, 2, 3, 10 })
		d := w.insider(port(1))
		acts(row, 50, func(code byte, b []byte) {
			first := 0
			if len(b) > 0 {
				first = int(b[0])
			}
			last := d.said[len(d.said)-1]
			switch code % 6 {
			case 0:
				w.cloud(lane.In{Kind: lane.Datagram, Data: slices.Clone(b), From: stranger(first % 4), Local: doorstep})
			case 1:
				if len(b) < 2048 {
					d.say(b)
				}
			case 2:
				w.cloud(lane.In{Kind: lane.Datagram, Data: slices.Clone(last), From: stranger(first), Local: doorstep})
			case 3:
				forged := slices.Clone(last)
				forged[first%len(forged)] ^= 1 << (len(b) % 8)
				w.cloud(lane.In{Kind: lane.Datagram, Data: forged, From: d.from, Local: doorstep})
			case 4:
				w.run(time.Duration(first) * 100 * time.Millisecond)
			case 5:
				w.begin(stranger(first))
			}
		})
		w.run(3 * time.Minute)
		if s := w.lane.Stats(); s.HalfOpen != 0 || s.Unproven != 0 || s.Stuck != 0 {
			t.Errorf("three minutes later: %+v", s)
		}
		before := w.lane.Stats().Attempts[0]
		w.insider(port(2))
		if s := w.lane.Stats(); s.Attempts[0] != before+1 {
			t.Errorf("the device is not let in any more: %+v\n%s", s, w.log.String())
		}
	})
}

var toaster = device.ID{0xe0, 0x0f, 0xcc}

// inStream brings a device on TCP in without RSA: what workers do is told.
func (w *world) inStream(conn uint64) sealed.Channel {
	w.t.Helper()
	id := toaster
	w.cloud(lane.In{Kind: lane.StreamOpened, Conn: conn, From: port(7)})
	w.cloud(lane.In{Kind: lane.Opened, Conn: conn, Claim: &sealed.Claim{DeviceID: id}})
	w.cloud(lane.In{Kind: lane.LookedUp, Conn: conn, Found: &lane.Found{Device: id, Owner: "maker", Known: true}})
	var cred sealed.Credentials
	reply := &lane.Accepted{Keys: cred.Channel()}
	w.cloud(lane.In{Kind: lane.ReplyMade, Conn: conn, Reply: reply})
	return reply.Keys
}

// FuzzStreams lets a stranger send anything on a stream, in any pieces, and a
// device anything under its keys, and frames that nobody sealed.
func FuzzStreams(f *testing.F) {
	var row []byte
	for _, b := range recorded(f, "os-2.3.1-tcp", "coap") {
		row = act(row, 1, b)
	}
	f.Add(row)
	row = act(nil, 0, []byte("GET / HTTP/1.1\r\n\r\n"))
	for _, b := range recorded(f, "os-2.3.1-tcp", "tcp") {
		row = act(act(row, 0, b), 2, b)
	}
	f.Add(act(act(row, 3, []byte{200}), 4, nil))
	f.Fuzz(func(t *testing.T, row []byte) {
		w := newWorld(t).with(func(cfg *lane.Config) { cfg.Streams, cfg.PerSource, cfg.Failures = 4, 3, 10 })
		const mine, theirs = 1<<63 | 1<<8, 1<<63 | 2<<8
		keys := w.inStream(mine)
		frame := func(b []byte) []byte { sealed, _ := keys.Seal(nil, b); return sealed } // what is too long is not sent
		w.cloud(lane.In{Kind: lane.StreamData, Conn: mine, Data: frame([]byte{0x50, 2, 0, 1, 0xb1, 'h', 0xff, 0, 3, 0, 1, 0, 0x36, 0, 6})})
		w.cloud(lane.In{Kind: lane.StreamOpened, Conn: theirs, From: stranger(1)})
		acts(row, 50, func(code byte, b []byte) {
			switch code % 5 {
			case 0:
				w.cloud(lane.In{Kind: lane.StreamData, Conn: theirs, Data: bytes.Clone(b)})
			case 1:
				w.cloud(lane.In{Kind: lane.StreamData, Conn: mine, Data: frame(b)})
			case 2:
				w.cloud(lane.In{Kind: lane.StreamData, Conn: mine, Data: bytes.Clone(b)})
			case 3:
				if len(b) > 0 {
					w.run(time.Duration(b[0]) * 100 * time.Millisecond)
				}
			case 4:
				w.calls++
				w.cloud(lane.In{Kind: lane.CallDevice, Device: toaster, Call: &session.Call{ID: w.calls, Kind: session.Ping}})
				w.cloud(lane.In{Kind: lane.StreamData, Conn: mine, Data: frame(coap.AppendEmpty(nil, coap.Acknowledgement, 7))})
			}
		})
		w.cloud(lane.In{Kind: lane.StreamClosed, Conn: mine, Err: errors.New("reset")})
		w.run(3 * time.Minute)
		if s := w.lane.Stats(); s.OpenStreams != 0 || s.Conns != 0 || s.Stuck != 0 {
			t.Errorf("three minutes later: %+v", s)
		}
	})
}
