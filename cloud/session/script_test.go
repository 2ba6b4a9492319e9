package session_test

import (
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/session"
	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/dtls"
	"github.com/cyan-cloud/cyan/wire/spark"
)

var update = flag.Bool("update", false, "rewrite the transcripts in testdata")

// TestTranscripts plays the stories of testdata. Each is an archive whose
// comment says what it shows and whose one file is the transcript: lines that
// begin with ">" are what happens, the others what comes of it. Lines of the
// conversation begin with who speaks (a * marks a device that has just
// reconnected), indented ones are what the session wants done.
func TestTranscripts(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) < 20 {
		t.Fatalf("%d transcripts, %v", len(names), err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil || len(archive.Files) != 1 {
				t.Fatalf("one file is wanted, %v", err)
			}
			want := string(archive.Files[0].Data)
			got := play(t, want)
			if *update {
				archive.Files[0].Data = []byte(got)
				if err := os.WriteFile(name, txtar.Format(archive), 0o666); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func play(t *testing.T, script string) string {
	w := newWorld(t)
	for line := range strings.Lines(script) {
		command, ok := strings.CutPrefix(strings.TrimSpace(line), ">")
		if !ok {
			continue
		}
		fmt.Fprintf(&w.log, "> %s\n", strings.TrimSpace(command))
		words := strings.Fields(command)
		if err := w.run(words[0], words[1:]); err != nil {
			t.Fatalf("%s: %v", command, err)
		}
	}
	return w.log.String()
}

// run carries out a command of a transcript.
func (w *world) run(verb string, args []string) error {
	arg := func(i int) string {
		if i < len(args) {
			return args[i]
		}
		return ""
	}
	rest := func(i int) string { return strings.Join(args[min(i, len(args)):], " ") }
	switch verb {
	case "connect": // tcp or udp; old: without connection id; unknown: its key is on no file; as: another device
		id := deviceID
		if i := slices.Index(args, "as"); i >= 0 {
			var err error
			if id, err = device.ParseID(arg(i + 1)); err != nil {
				return err
			}
		}
		w.connect(arg(0) == "udp", !slices.Contains(args, "old"), !slices.Contains(args, "unknown"), id)
	case "device":
		return w.device(arg(0), args[1:])
	case "cloud":
		return w.cloud(arg(0), args[1:])
	case "store": // manual, automatic, broken, ok
		w.manual, w.broken = arg(0) == "manual", arg(0) == "broken"
	case "persisted":
		w.broken = arg(0) == "err"
		w.persisted()
		w.broken = false
	case "history": // on: events are kept before they are acknowledged
		w.outs.KeepEvents = arg(0) == "on"
	case "kept": // the event with the message id, or err: could not be
		id, err := strconv.ParseUint(arg(0), 16, 16)
		if err != nil {
			return err
		}
		in := session.In{Kind: session.Kept, Token: 1<<16 | uint32(id)}
		if arg(1) == "err" {
			in.Err = errors.New("the disk is full")
		}
		w.step(in)
	case "tick":
		d, err := time.ParseDuration(arg(0))
		w.pass(d)
		return err
	case "frozen": // the process does not run for a time
		d, err := time.ParseDuration(arg(0))
		w.freeze(d)
		return err
	case "restart":
		w.restart(arg(0) == "planned")
	case "replay": // the next n messages of a recorded device
		return w.replay(arg(0), arg(1))
	case "attacker": // keeps the last datagram, or plays it again from an address: the last, or the one kept
		switch arg(0) {
		case "keeps":
			w.kept = w.captured
		case "kept":
			w.attack(w.kept, arg(1))
		default:
			w.attack(w.captured, arg(0))
		}
	case "state":
		w.logf("state %s, keep-alive %v, address %s, proven %v", w.state(), w.s.State(w.now).KeepAlive, w.s.State(w.now).Address,
			w.s.State(w.now).Proven(w.now))
	case "offers":
		w.logf("%s; hears %s", offers(w.s), subscriptions(w.s))
	case "counters":
		w.logf("%+v", w.s.Counters)
	default:
		return fmt.Errorf("unknown command %s %s", verb, rest(0))
	}
	return nil
}

// replay re-seals what a real device once said.
func (w *world) replay(name, count string) error {
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	if w.recorded[name] == nil {
		w.recorded[name] = recording(w.t, name)
	}
	for _, message := range w.recorded[name][:n] {
		w.send(message)
	}
	w.recorded[name] = w.recorded[name][n:]
	return nil
}

func (w *world) attack(datagram []byte, from string) {
	addr := netip.MustParseAddrPort(from)
	r, _, err := dtls.ParseRecord(datagram)
	if err != nil {
		w.t.Fatal(err)
	}
	w.logf("attacker at %v plays record %d again", addr, r.Seq)
	w.step(session.In{Kind: session.Packet, Record: r, From: addr, Local: here})
}

// cloud is what people, the store and the gateway want of the session.
func (w *world) cloud(verb string, args []string) error {
	at := func(i int) string {
		if i < len(args) {
			return args[i]
		}
		return ""
	}
	call := session.Call{Name: at(1), Argument: strings.Join(args[min(2, len(args)):], " "), Deadline: w.now.Add(30 * time.Second)}
	call.ID, _ = strconv.ParseUint(at(0), 10, 64)
	kinds := map[string]session.CallKind{
		"call": session.Function, "read": session.Variable, "ping": session.Ping, "signal": session.Signal, "describe": session.Describe,
	}
	if kind, ok := kinds[verb]; ok {
		if strings.HasPrefix(call.Argument, "x*") {
			n, _ := strconv.Atoi(call.Argument[2:])
			call.Argument = strings.Repeat("x", n)
		}
		call.Kind, call.On = kind, at(1) == "on"
		if kind == session.Describe {
			n, _ := strconv.Atoi(at(1))
			call.Flags = spark.DescribeFlags(n)
		}
		w.step(session.In{Kind: session.StartCall, Call: call})
		return nil
	}
	switch verb {
	case "cancel":
		w.step(session.In{Kind: session.CancelCall, CallID: call.ID})
	case "deliver": // name source data
		source := map[string]event.Source{"device": event.FromDevice, "api": event.FromAPI, "cloud": event.FromCloud}[at(1)]
		w.step(session.In{Kind: session.Deliver, Event: &event.Event{
			Name: at(0), Source: source, Data: []byte(call.Argument), HasData: call.Argument != "", TTL: time.Minute,
		}})
	case "admit":
		id, err := device.ParseID(at(0))
		if err != nil {
			return err
		}
		w.d.id = id
		w.step(session.In{Kind: session.Admit, Device: id})
	case "refuse":
		w.step(session.In{Kind: session.Refuse, Reason: device.Reason(at(0))})
	case "probe":
		w.step(session.In{Kind: session.Probe})
	case "allows": // start_over, or restart with what the device's owner wants
		for r := device.AskPing; r <= device.Listed; r++ {
			if r.String() == at(0) {
				w.step(session.In{Kind: session.Remedy, Remedy: r, Restart: device.Restarting(at(1))})
			}
		}
	case "avoids": // a number with a bit for each kind of call
		n, _ := strconv.Atoi(at(0))
		w.step(session.In{Kind: session.Avoid, Kinds: uint8(n)})
	case "close":
		w.step(session.In{Kind: session.Close, Reason: device.Reason(at(0))})
	case "replace":
		w.step(session.In{Kind: session.Replace, Reason: device.Superseded})
	default:
		return fmt.Errorf("the cloud does not know how to %s", verb)
	}
	return nil
}

// device is what the device does.
func (w *world) device(verb string, args []string) error {
	d := w.d
	at := func(i int) string {
		if i < len(args) {
			return args[i]
		}
		return ""
	}
	switch verb {
	case "deaf", "hears":
		d.deaf = verb == "deaf"
	case "lazy", "eager":
		d.lazy = verb == "lazy"
	case "moves": // to another address, without a mark
		d.addr = netip.MustParseAddrPort(at(0))
	case "resumes": // marks what it sends until it hears something
		d.addr = netip.MustParseAddrPort(at(0))
		d.secure.Resume(d.id)
	case "repeats":
		w.send(d.last)
	case "sends": // hex of a CoAP message
		b, err := hex.DecodeString(strings.Join(args, ""))
		if err != nil {
			return err
		}
		w.send(b)
	case "garbles": // sends what is not CoAP
		w.send([]byte{0xff, 0xff, 0xff, 0xff, 0xff})
	case "breaks": // sends a frame that does not open
		frame := d.seal(w.t, []byte("hello"))
		frame[len(frame)-1] ^= 1
		w.arrive(frame, d.addr)
	case "delays": // a message, which then arrives from where the device was
		message, err := w.compose(at(0), args[1:])
		w.underway, w.origin = d.seal(w.t, message), d.addr
		return err
	case "arrives":
		w.logf("device, late")
		w.arrive(w.underway, w.origin)
	case "closes": // with an alert
		b, err := d.secure.Seal(nil, dtls.Alert, dtls.AppendAlert(nil, dtls.Warning, dtls.CloseNotify))
		if err != nil {
			return err
		}
		w.arrive(b, d.addr)
	default:
		message, err := w.compose(verb, args)
		if err != nil {
			return err
		}
		w.send(message)
	}
	return nil
}

// compose writes a message of the device.
func (w *world) compose(verb string, args []string) ([]byte, error) {
	d := w.d
	at := func(i int) string {
		if i < len(args) {
			return args[i]
		}
		return ""
	}
	rest := func(i int) string { return strings.Join(args[min(i, len(args)):], " ") }
	if strings.HasPrefix(verb, "answers") {
		return w.answer(at(0), at(1), rest(2))
	}
	id := d.id16(w.now)
	version := w.s.Hello().SystemVersion
	switch verb {
	case "hello":
		h, ok := hellos[at(0)]
		if !ok {
			return nil, fmt.Errorf("no device %s", at(0))
		}
		return spark.AppendHello(nil, d.confirmable(), id, &h)
	case "describes": // app [function…], system, metrics, nonsense; in one message
		return (&spark.DescribePart{Flags: part(at(0)), Token: d.token(), HasToken: true, Payload: body(at(0), args[1:])}).AppendPost(nil, id)
	case "block": // n of size, more or last, of the application's describe
		num, _ := strconv.Atoi(at(0))
		whole := body("app", args[2:])
		from, to := min(16*num, len(whole)), min(16*num+16, len(whole))
		p := spark.DescribePart{
			Flags: spark.DescribeApplication, Token: d.token(), HasToken: true, HasBlock: true,
			Block: coap.Block{Num: uint32(num), More: at(1) == "more"}, Payload: whole[from:to],
		}
		if !p.Block.More {
			p.Payload = whole[from:]
			p.Block.SZX = 0
		}
		return p.AppendPost(nil, id)
	case "subscribes":
		scope := spark.ScopeMine
		if at(1) == "all" {
			scope = spark.ScopeAll
		}
		return spark.AppendSubscription(nil, coap.Confirmable, id, &spark.Subscription{Prefix: at(0), Scope: scope}, version)
	case "publishes", "shouts":
		t := d.confirmable()
		if verb == "shouts" {
			t = coap.NonConfirmable
		}
		e := spark.Event{Name: at(0), Data: []byte(rest(1)), HasData: at(1) != "", TTL: 60}
		return spark.AppendEvent(nil, t, id, &e, spark.PublishLayout(version))
	case "asks": // the time
		return spark.AppendTimeRequest(nil, id, d.token()), nil
	case "pings":
		return spark.AppendPing(nil, id), nil
	case "leaves":
		g := spark.Goodbye{Flags: spark.GoodbyeCloudReason, CloudReason: 2}
		if at(0) == "sleep" {
			seconds, _ := strconv.Atoi(at(1))
			g = spark.Goodbye{Flags: spark.GoodbyeCloudReason | spark.GoodbyeSleep, CloudReason: 6, SleepSeconds: uint32(seconds)}
		}
		return spark.AppendGoodbye(nil, d.confirmable(), id, &g)
	}
	return nil, fmt.Errorf("the device does not know how to %s", verb)
}

func part(name string) spark.DescribeFlags {
	return map[string]spark.DescribeFlags{
		"system": spark.DescribeSystem, "app": spark.DescribeApplication, "metrics": spark.DescribeMetrics,
		"nonsense": spark.DescribeApplication,
	}[name]
}

// body is the payload of a describe.
func body(name string, functions []string) []byte {
	switch name {
	case "system":
		return spark.AppendSystemJSON(nil, &spark.System{PlatformID: 12})
	case "metrics":
		return spark.AppendMetrics(nil, []spark.Metric{{ID: 6, Value: 42}})
	case "nonsense":
		return []byte(`{"f":`)
	case "both":
		both := application
		both.System = &spark.System{PlatformID: 6}
		return spark.AppendDescribeJSON(nil, &both)
	}
	app := application
	if len(functions) > 0 {
		app.Functions = functions
	}
	return spark.AppendApplication(nil, &app)
}

// answer writes the answer to the n-th request of the cloud (1 is the first, 0
// the latest): "returns 42", "holds text …", "describes app …", "block 0 more",
// or a code.
func (w *world) answer(n, how, what string) ([]byte, error) {
	at, err := strconv.Atoi(n)
	if err != nil {
		return nil, err
	}
	if at == 0 {
		at = len(w.d.requests)
	}
	if at == 0 || at > len(w.d.requests) || len(w.d.requests[at-1].Token) != 1 {
		return nil, fmt.Errorf("%d requests came, and that is none of them", len(w.d.requests))
	}
	token := w.d.requests[at-1].Token[0]
	id, t := w.d.id16(w.now), w.d.confirmable()
	number, _ := strconv.Atoi(what)
	switch how {
	case "returns":
		return spark.AppendFunctionResult(nil, t, id, token, int32(number))
	case "int":
		return spark.AppendValue(nil, t, id, token, spark.Value{Type: spark.TypeInt, Int: int32(number)})
	case "text":
		return spark.AppendValue(nil, t, id, token, spark.Value{Type: spark.TypeString, Text: what})
	case "describes":
		return (&spark.DescribePart{Token: token, HasToken: true, Payload: body(what, nil)}).AppendAnswer(nil, id)
	case "block", "stale": // of 32 bytes, of the application's describe, or of an older one
		whole := body("app", nil)
		from, to := min(32*number, len(whole)), min(32*number+32, len(whole))
		return (&spark.DescribePart{
			Token: token, HasToken: true, HasBlock: true, ETag: []byte(how), Payload: whole[from:to],
			Block: coap.Block{Num: uint32(number), More: to < len(whole), SZX: 1},
		}).AppendAnswer(nil, id)
	case "done": // in the acknowledgement
		return coap.AppendPiggyback(nil, &w.d.requests[at-1], coap.Changed, nil), nil
	case "piggybacks": // a describe
		return coap.AppendPiggyback(nil, &w.d.requests[at-1], coap.Content, body(what, nil)), nil
	case "piggyback": // as devices before 1.5 give variables
		return coap.AppendPiggyback(nil, &w.d.requests[at-1], coap.Content, []byte{0, 0, 0, byte(number)}), nil
	case "resets":
		return coap.AppendEmpty(nil, coap.Reset, w.d.requests[at-1].ID), nil
	case "refuses":
		class, detail, _ := strings.Cut(what, ".")
		c, _ := strconv.Atoi(class)
		dd, _ := strconv.Atoi(detail)
		return spark.AppendRefusal(nil, t, id, token, coap.Code(c<<5|dd))
	}
	return nil, fmt.Errorf("the device does not know how to answer by %s", how)
}
