package sim_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/sim/simtest"
	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/sealed"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// Our device gets what the server said to real devices, and says what they
// said: the same messages in the same order, byte for byte. Only the values of
// the metrics are its own, and the number that a new process takes for its
// first token.
func TestSaysWhatDevicesSaid(t *testing.T) {
	for name, want := range map[string]int{
		"os-6.2.0-udp":        60,
		"os-6.2.0-udp-resume": 20,
		"os-2.3.1-udp":        50,
		"os-2.3.1-udp-resume": 20,
		"os-2.3.1-tcp":        50,
		"os-6.2.0-tcp":        90,
	} {
		t.Run(name, func(t *testing.T) {
			r := newReplay(t, name)
			for _, e := range r.entries {
				r.play(e)
			}
			if len(r.said) > 0 {
				t.Errorf("our device also says\n%s", hexdump(r.said[0]))
			}
			if r.compared < want {
				t.Errorf("only %d messages were compared", r.compared)
			}
		})
	}
}

// entry is a line of a recording.
type entry struct {
	T           float64
	Ch, Dir     string
	Bytes       string
	Credentials string
	Blob        string `json:"device_blob"`
}

type replay struct {
	t        *testing.T
	w        *world
	entries  []entry
	said     [][]byte      // by our device, not compared yet
	tokens   map[byte]byte // recorded → ours, of the device's requests
	compared int
}

func newReplay(t *testing.T, name string) *replay {
	t.Helper()
	r := &replay{t: t, entries: recording(t, name), tokens: map[byte]byte{}}
	transport, profile := sim.UDP, "os-6.2"
	if strings.Contains(name, "tcp") {
		transport = sim.TCP
	}
	if strings.HasPrefix(name, "os-2.3") {
		profile = "os-2.3"
	}
	cfg := simtest.Config(t, transport, profile)
	cfg.ID = r.deviceID()
	cfg.Application = vdev(strings.Contains(name, "resume"))
	r.w = newWorld(t, cfg)
	r.w.cloud.Mute = true
	r.w.cloud.Heard = func(_ *coap.Message, raw []byte) { r.said = append(r.said, slices.Clone(raw)) }
	for _, e := range r.entries {
		if e.Credentials != "" {
			r.w.cloud.Credentials = append(r.w.cloud.Credentials, sealed.Credentials(unhex(t, e.Credentials)))
		}
	}
	return r
}

// deviceID finds the id of the recorded device, in its blob or its Hello.
func (r *replay) deviceID() sim.ID {
	for _, e := range r.entries {
		if e.Blob != "" {
			return sim.ID(unhex(r.t, e.Blob)[40:])
		}
		if e.Ch == "coap" {
			m, err := coap.Parse(unhex(r.t, e.Bytes))
			must(r.t, err)
			h, err := spark.ParseHello(m.Payload)
			must(r.t, err)
			return h.DeviceID
		}
	}
	r.t.Fatal("the recording has no device")
	return sim.ID{}
}

func (r *replay) play(e entry) {
	if e.Ch != "coap" {
		return
	}
	at := r.w.start.Add(time.Duration(e.T * float64(time.Second)))
	message := unhex(r.t, e.Bytes)
	if e.Dir == "server" {
		if at.After(r.w.now) {
			r.w.now = at
		}
		r.w.ask(r.translate(message))
		return
	}
	r.await(at, message)
	got := r.said[0]
	r.said = r.said[1:]
	r.compare(e, message, got)
}

// await waits until our device says something, as long as the recorded one
// took and a little longer.
func (r *replay) await(at time.Time, want []byte) {
	r.t.Helper()
	if r.w.device.Phase() == sim.Off {
		r.w.do(sim.PowerOn{})
	}
	if len(r.said) == 0 && want[1] == 0 && want[0] == 0x40 && r.w.device.Phase() == sim.Connected {
		// A ping out of nowhere: its process was started anew.
		commands["restart"](r.w, nil)
	}
	for limit := at.Add(time.Second); len(r.said) == 0; {
		next := r.w.device.Deadline()
		if next.IsZero() || next.After(limit) {
			r.t.Fatalf("at %v our device says nothing; the recorded one said\n%s\n%s", at.Sub(r.w.start), hexdump(want), r.w.trace.String())
		}
		r.w.now = next
		r.w.do(sim.Tick{})
	}
}

// translate gives an answer to our device the token that ours has used.
func (r *replay) translate(message []byte) []byte {
	m, err := coap.Parse(message)
	must(r.t, err)
	if m.Type == coap.Acknowledgement && len(m.Token) == 1 {
		m.Token = []byte{r.tokens[m.Token[0]]}
	}
	return m.Append(nil)
}

func (r *replay) compare(e entry, recorded, got []byte) {
	r.t.Helper()
	r.compared++
	want, err := coap.Parse(recorded)
	must(r.t, err)
	have, err := coap.Parse(got)
	must(r.t, err)
	if want.Code.Request() && len(want.Token) == 1 && len(have.Token) == 1 {
		r.tokens[want.Token[0]] = have.Token[0]
		have.Token = want.Token
	}
	_, notMetrics := spark.ParseMetrics(want.Payload)
	if _, err := spark.ParseMetrics(have.Payload); err == nil && notMetrics == nil {
		have.Payload = want.Payload
	}
	if got := have.Append(nil); !bytes.Equal(got, recorded) {
		r.t.Errorf("at %.3f our device says\n%s\nthe recorded one said\n%s", e.T, hexdump(got), hexdump(recorded))
	}
}

func hexdump(b []byte) string { return strings.TrimSuffix(hex.Dump(b), "\n") }

// vdev is the application of the recorded devices.
func vdev(short bool) sim.Application {
	period := 4 * time.Second
	if short {
		period = 5 * time.Second
	}
	text := func(s string) spark.Value { return spark.Value{Type: spark.TypeString, Text: s} }
	number := func(n int) spark.Value { return spark.Value{Type: spark.TypeInt, Int: int32(n)} }
	return sim.Application{
		Functions: []sim.Function{
			{Name: "echo"},
			{Name: "set", Call: func(app *sim.App, argument string) int32 {
				n, _ := strconv.Atoi(argument)
				app.Set("vint", number(n))
				return int32(n)
			}},
			{Name: "fail", Call: func(*sim.App, string) int32 { return -7 }},
			{Name: "slow"},
			{Name: "pub", Call: func(app *sim.App, argument string) int32 {
				words := strings.Split(argument, "|")
				app.Publish(sim.Event{Name: words[0], Data: []byte(words[1]), Ack: sim.WithAck})
				return 0
			}},
			{Name: "period"},
			{Name: "ctl", Call: func(app *sim.App, _ string) int32 { app.Vitals(); return 0 }},
		},
		Variables: []sim.Variable{
			{Name: "vint", Value: number(42)},
			{Name: "vdouble", Value: spark.Value{Type: spark.TypeDouble, Double: 3.14159265358979}},
			{Name: "vbool", Value: spark.Value{Type: spark.TypeBool, Bool: true}},
			{Name: "vstring", Value: text("hello from vdev")},
			{Name: "vchars", Value: text("c string")},
			{Name: "counter", Value: number(0)},
		},
		Subscriptions: []sim.Subscription{{Prefix: "vdevcmd"}, {Prefix: "vdevall", All: true}, {Prefix: "particle/"}},
		Periodic: []sim.Periodic{{Every: period, Event: func(app *sim.App) sim.Event {
			n := int(app.Get("counter").Int) + 1
			app.Set("counter", number(n))
			return sim.Event{Name: "vdev/tick", Data: strconv.AppendInt(nil, int64(n), 10)}
		}}},
		OnConnect: func(app *sim.App) {
			app.Publish(sim.Event{Name: "vdev/online", Data: []byte(app.ID().String())})
		},
	}
}

func recording(t *testing.T, name string) []entry {
	t.Helper()
	f, err := os.Open(filepath.Join("../wire/testdata/device", name+".jsonl"))
	must(t, err)
	defer f.Close()
	var entries []entry
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var e entry
		must(t, json.Unmarshal(lines.Bytes(), &e))
		entries = append(entries, e)
	}
	return entries
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	must(t, err)
	return b
}
