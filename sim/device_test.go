package sim_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/sim/simtest"
	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/dtls"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// Whatever happens to a device, in whatever order: it doesn't panic, its
// deadline is never one that a Tick doesn't move, what it shows goes with
// where it is, and it never sends without a socket.
func TestAnythingMayHappen(t *testing.T) {
	configs := map[string]sim.Config{}
	for _, name := range []string{"udp os-6.2", "udp os-2.3", "tcp os-6.2", "tcp os-1.4 blocks 10s", "udp os-1.4 deaf", "tcp os-2.3 slow 1s"} {
		configs[name] = scripted(t, strings.Fields(name))
	}
	rapid.Check(t, func(rt *rapid.T) {
		cfg := configs[rapid.SampledFrom([]string{
			"udp os-6.2", "udp os-2.3", "tcp os-6.2", "tcp os-1.4 blocks 10s", "udp os-1.4 deaf", "tcp os-2.3 slow 1s",
		}).Draw(rt, "device")]
		cfg.Trace = false
		w := newWorld(t, cfg)
		w.do(sim.PowerOn{})
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			happen(rt, w)
			if at := w.device.Deadline(); !at.IsZero() {
				w.run(max(0, at.Sub(w.now)))
				if again := w.device.Deadline(); !again.IsZero() && !again.After(w.now) {
					rt.Fatalf("%v: a tick at the deadline %v leaves the deadline %v", w.device.Phase(), at, again)
				}
			}
			if phase := w.device.Phase(); (phase >= sim.Handshaking) != w.open {
				rt.Fatalf("the device is %v, its socket is open: %v", phase, w.open)
			}
			if led := w.device.LED(); w.device.Phase() == sim.Connected && led.Pattern == sim.Blinking {
				rt.Fatalf("the device is connected and shows %v", led)
			}
		}
	})
}

// happen lets one thing happen.
func happen(t *rapid.T, w *world) {
	switch rapid.IntRange(0, 14).Draw(t, "what") {
	case 0:
		w.do(sim.PowerOff{})
	case 1:
		w.do(sim.PowerOn{})
	case 2:
		w.do(sim.NetworkDown{})
	case 3:
		w.do(sim.NetworkUp{})
	case 4:
		w.do(sim.Disconnect{Graceful: rapid.Bool().Draw(t, "graceful")})
	case 5:
		w.do(sim.Connect{})
	case 6:
		w.do(sim.Opened{})
	case 7:
		w.do(sim.OpenFailed{})
	case 8:
		w.do(sim.Closed{})
	case 9:
		w.do(sim.Received{Data: rapid.SliceOf(rapid.Byte()).Draw(t, "noise")})
	case 10:
		w.cloud.Mute = !w.cloud.Mute
	case 11:
		w.do(sim.Publish{Event: sim.Event{Name: "n", Data: []byte("x")}})
	case 12, 13, 14:
		if w.device.Phase() != sim.Connected {
			return
		}
		requests := []string{
			"41 02 id 01 b1 66 04 6563686f 41 61", "41 02 id 02 b1 66 04 6c6f6e67 40", "41 01 id 03 b1 76 01 6e",
			"70 00 id", "41 01 id 04 b1 64 41 03", "40 00 id", "41 03 id 05 b1 6b 41 01", "42 01 id 0607 b1 76 01 6e", "51 45 id 08 ff 00000000",
			"40 02 id b1 65 0d04 737061726b2f6465766963652f7265736574 ff 7265626f6f74",
		}
		text := rapid.SampledFrom(requests).Draw(t, "request")
		id := fmt.Sprintf("%04x", rapid.Uint16Range(1, 9).Draw(t, "id"))
		raw(w, strings.Fields(strings.ReplaceAll(text, "id", id)))
	}
}

// The same seed and the same inputs give the same bytes.
func TestSameSeedSameBytes(t *testing.T) {
	course := func(seed byte) []byte {
		cfg := scripted(t, []string{"udp", "os-6.2"})
		cfg.Seed[0] = seed
		d, err := sim.New(cfg)
		must(t, err)
		var sent []byte
		now := time.Unix(1_790_000_000, 0)
		for _, in := range []sim.Input{sim.PowerOn{}, sim.Tick{}, sim.Opened{}, sim.Tick{}} {
			for _, out := range d.Step(now, in) {
				if send, ok := out.(sim.Send); ok {
					sent = append(sent, send.Data...)
				}
			}
			now = now.Add(time.Second)
		}
		return sent
	}
	if len(course(1)) == 0 || !bytes.Equal(course(1), course(1)) {
		t.Error("the same seed gave other bytes, or none")
	}
	if bytes.Equal(course(1), course(2)) {
		t.Error("another seed gave the same bytes")
	}
}

// A describe that doesn't fit a message goes out in blocks, each when the one
// before was acknowledged, and comes in blocks when it is asked for.
func TestLongDescribe(t *testing.T) {
	cfg := scripted(t, []string{"udp", "os-6.2"})
	for i := range 100 {
		cfg.Application.Functions = append(cfg.Application.Functions, sim.Function{Name: fmt.Sprintf("%s%d", strings.Repeat("f", 40), i)})
	}
	w := newWorld(t, cfg)
	posted, answered := coap.Assembler{Max: spark.MaxDescribe}, coap.Assembler{Max: spark.MaxDescribe}
	var whole, fetched []byte
	var next *coap.Block
	w.cloud.Heard = func(m *coap.Message, _ []byte) {
		if p, err := spark.ParseDescribePost(m); err == nil && p.Flags == spark.DescribeApplication {
			whole, _, err = posted.Add(p.Block, bytes.Clone(p.Payload))
			must(t, err)
		}
		if p, err := spark.ParseDescribeAnswer(m); err == nil && p.HasBlock {
			next = nil
			if p.Block.More {
				next = &coap.Block{Num: p.Block.Num + 1, SZX: p.Block.SZX}
			}
			fetched, _, err = answered.Add(p.Block, bytes.Clone(p.Payload))
			must(t, err)
		}
	}
	w.connect()
	r := spark.DescribeRequest{Flags: spark.DescribeApplication}
	for {
		r.Token = w.cloud.NextToken()
		ask(w)(r.Append(nil, w.cloud.NextID(w.now)))
		if next == nil {
			break
		}
		r.Block, r.HasBlock = *next, true
	}
	d, err := spark.ParseApplication(whole)
	must(t, err)
	if len(d.Functions) != 102 {
		t.Errorf("%d functions were described", len(d.Functions))
	}
	if diff := cmp.Diff(string(whole), string(fetched)); diff != "" {
		t.Errorf("what was fetched is not what was posted:\n%s", diff)
	}
	// It is forgotten with its last block.
	var code coap.Code
	w.cloud.Heard = func(m *coap.Message, _ []byte) { code = m.Code }
	ask(w)(r.Append(nil, w.cloud.NextID(w.now)))
	if code != coap.NotFound {
		t.Errorf("a block of a forgotten describe was answered %v", code)
	}
}

// Four events go out in a second, the fifth is refused.
func TestPublishLimit(t *testing.T) {
	w := newWorld(t, scripted(t, []string{"udp", "os-6.2", "quiet"}))
	events := 0
	w.connect()
	w.cloud.Heard = func(m *coap.Message, _ []byte) {
		if spark.Classify(m) == spark.KindEvent {
			events++
		}
	}
	publish := func(n int) {
		for range n {
			w.do(sim.Publish{Event: sim.Event{Name: "n"}})
		}
	}
	publish(8)
	if events != 4 {
		t.Errorf("%d of 8 events went out at once", events)
	}
	w.run(999 * time.Millisecond)
	publish(1)
	if events != 4 {
		t.Error("a fifth event went out within a second")
	}
	w.run(time.Millisecond)
	publish(1)
	if events != 5 {
		t.Error("after a second no event went out")
	}
}

// Too long an argument is refused, and the function is called with what fits.
func TestLongArgument(t *testing.T) {
	cfg := scripted(t, []string{"udp", "os-2.3"})
	got := -1
	cfg.Application.Functions = []sim.Function{{Name: "f", Call: func(_ *sim.App, argument string) int32 {
		got = len(argument)
		return 0
	}}}
	w := newWorld(t, cfg)
	w.connect()
	var codes []coap.Code
	w.cloud.Heard = func(m *coap.Message, _ []byte) { codes = append(codes, m.Code) }
	call(w, []string{"f", strings.Repeat("x", 623)})
	if got != 622 {
		t.Errorf("called with %d bytes", got)
	}
	if diff := cmp.Diff([]coap.Code{coap.BadRequest}, codes); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
}

// A memory is good for one device, its keys and its server.
func TestForeignMemory(t *testing.T) {
	w := newWorld(t, scripted(t, []string{"udp", "os-6.2"}))
	w.connect()
	memory := w.device.Memory()
	for name, change := range map[string]func(*sim.Config){
		"its own":        func(*sim.Config) {},
		"another device": func(cfg *sim.Config) { cfg.ID[0]++ },
		"another server": func(cfg *sim.Config) { cfg.Server = "elsewhere" },
		"another key":    func(cfg *sim.Config) { cfg.ServerKey = simtest.Key(t, "device-ec.pub.der") },
		"no memory":      func(cfg *sim.Config) { cfg.Memory = []byte("{") },
	} {
		cfg := w.cfg
		cfg.Memory = memory
		change(&cfg)
		again := newWorld(t, cfg)
		again.cloud = w.cloud
		again.cloud.Handshakes = 0
		again.do(sim.PowerOn{})
		again.run(time.Second)
		if resumed := strings.Contains(again.trace.String(), "session resumed"); resumed != (name == "its own") {
			t.Errorf("%s: resumed %v", name, resumed)
		}
	}
}

// A device counts its records on and on: a session whose numbers reach the end
// of a generation is not the end of the session.
func TestManyRecords(t *testing.T) {
	w := newWorld(t, scripted(t, []string{"udp", "os-6.2", "quiet"}))
	w.connect()
	var memory map[string]any
	must(t, json.Unmarshal(w.device.Memory(), &memory))
	blob, err := base64.StdEncoding.DecodeString(memory["session"].(string))
	must(t, err)
	session, err := dtls.UnmarshalSession(blob)
	must(t, err)
	session.WriteSeq += uint64(session.Remaining()) - 2
	blob, err = session.MarshalBinary()
	must(t, err)
	memory["session"] = base64.StdEncoding.EncodeToString(blob)
	w.cfg.Memory, err = json.Marshal(memory)
	must(t, err)
	w.device = w.newDevice()
	w.connect()
	events := 0
	w.cloud.Heard = func(m *coap.Message, _ []byte) { events++ }
	for range 10 {
		w.do(sim.Publish{Event: sim.Event{Name: "n"}})
		w.run(time.Second)
	}
	if events != 10 || w.cloud.Handshakes != 1 {
		t.Errorf("%d of 10 events arrived, %d handshakes", events, w.cloud.Handshakes)
	}
}

// What is sent under a session's numbers is kept first: a crash between the two
// may lose a number, and never uses one twice.
func TestKeepsBeforeItSends(t *testing.T) {
	w := newWorld(t, scripted(t, []string{"udp", "os-6.2"}))
	w.connect()
	out := w.device.Step(w.now, sim.Publish{Event: sim.Event{Name: "n"}})
	kept := slices.IndexFunc(out, func(o sim.Output) bool { _, ok := o.(sim.Keep); return ok })
	sent := slices.IndexFunc(out, func(o sim.Output) bool { _, ok := o.(sim.Send); return ok })
	if kept < 0 || sent < 0 || kept > sent {
		t.Errorf("kept at %d, sent at %d", kept, sent)
	}
}

// FuzzServer lets a server that has the keys say anything.
func FuzzServer(f *testing.F) {
	f.Add([]byte{0x41, 0x02, 0, 1, 1, 0xb1, 'f', 4, 'e', 'c', 'h', 'o', 0x41, 'x'})
	f.Add([]byte{0x41, 0x01, 0, 1, 1, 0xb1, 'd', 0x41, 3})
	f.Add([]byte{0x40, 0x02, 0, 1, 0xb1, 'e', 0x01, 'a', 0xff, 'x'})
	f.Add([]byte{0x70, 0, 0, 1})
	f.Fuzz(func(t *testing.T, message []byte) {
		if len(message) > 1000 {
			return
		}
		w := newWorld(t, scripted(t, []string{"tcp", "os-6.2", "quiet"}))
		w.connect()
		w.ask(message)
		w.run(time.Minute)
	})
}

// FuzzMemory reads anything as a memory.
func FuzzMemory(f *testing.F) {
	w := newWorld(f, simtest.Config(f, sim.UDP, "os-6.2"))
	w.connect()
	f.Add(w.device.Memory())
	f.Add([]byte(`{"version":1}`))
	f.Fuzz(func(t *testing.T, memory []byte) {
		cfg := simtest.Config(t, sim.UDP, "os-6.2")
		cfg.Memory = memory
		d, err := sim.New(cfg)
		must(t, err)
		if got := d.Memory(); got != nil {
			cfg.Memory = got
			again, err := sim.New(cfg)
			must(t, err)
			if !bytes.Equal(got, again.Memory()) {
				t.Errorf("memory\n%s\nread again is\n%s", got, again.Memory())
			}
		}
	})
}
