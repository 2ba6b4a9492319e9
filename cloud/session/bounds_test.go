package session_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/session"
	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/dtls"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// established gives a world whose device is online.
func established(t failer) *world {
	w := newWorld(t)
	w.connect(true, true, true, deviceID)
	w.do("device hello 6.2.0", "device describes app", "device subscribes vdev", "tick 5s")
	return w
}

func (w *world) do(lines ...string) {
	w.t.Helper()
	for _, line := range lines {
		words := strings.Fields(line)
		if err := w.run(words[0], words[1:]); err != nil {
			w.t.Fatalf("%s: %v", line, err)
		}
	}
}

// sent gives the CoAP messages that a step sends.
func (w *world) sent(in session.In) (messages []coap.Message) {
	var outs session.Outs
	w.s.Step(w.now, &in, &outs)
	for _, out := range outs.List {
		if out.Kind != session.Send {
			continue
		}
		_, plain, err := w.d.open(out.Data)
		if err != nil {
			w.t.Fatal(err)
		}
		m, err := coap.Parse(plain)
		if err != nil {
			w.t.Fatal(err)
		}
		messages = append(messages, m)
	}
	return messages
}

// A generation that is used up gives way to the next one when that is durable,
// and not a record earlier.
func TestGenerationRunsOut(t *testing.T) {
	w := established(t)
	w.do("store manual")
	const left = 10
	keys, _, _ := pair(true, true)
	keys.Window = dtls.Window{Top: w.d.secure.WriteSeq - 1, Mask: ^uint64(0)}
	keys.WriteSeq = 1<<dtls.CountBits - 1 - left
	w.s.Finished(keys)
	for range left + 3 {
		w.do("device pings")
	}
	if w.s.Unsent != 3 {
		t.Errorf("%d messages were not sent, want 3", w.s.Unsent)
	}
	if got := w.writing.Generation; got <= 1 {
		t.Errorf("generation %d is being stored", got)
	}
	for seq := range w.sequences {
		if seq>>dtls.CountBits != 0 {
			t.Errorf("record %d is of a generation that is not durable", seq)
		}
	}
	w.do("persisted ok", "device repeats")
	if !w.sequences[uint64(w.durable.Generation)<<dtls.CountBits] {
		t.Errorf("generation %d is not used, now that it is durable", w.durable.Generation)
	}
}

// Message ids never go further from the stored one than where the next life of
// the session would begin.
func TestMessageIDsStayBelowTheNextLife(t *testing.T) {
	w := established(t)
	w.do("store manual")
	pings, busy := 0, 0
	for n := range 9000 {
		id := uint64(n + 1)
		w.step(session.In{Kind: session.StartCall, Call: session.Call{ID: id, Kind: session.Ping}})
		if !w.answered[id] {
			t.Fatal("a ping is not answered")
		}
		if n == 5000 && w.token == 0 {
			t.Error("nothing is stored after 5,000 message ids")
		}
		if strings.Contains(lastLine(w), "device_busy") {
			busy++
		} else {
			pings++
		}
	}
	if pings != 8192 || busy != 9000-8192 {
		t.Errorf("%d pings sent, %d refused", pings, busy)
	}
	w.do("persisted ok", "cloud ping 9001")
	if !strings.Contains(w.log.String(), "call 9001: done") {
		t.Error("no ping goes out after the write")
	}
}

func lastLine(w *world) string {
	text := strings.TrimRight(w.log.String(), "\n")
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// The token of a call that was given up is in nobody else's hands for two
// minutes.
func TestTokenQuarantine(t *testing.T) {
	w := established(t)
	w.do("cloud call 1 slow", "cloud cancel 1")
	stale := w.d.requests[0].Token[0]
	read := func(n int) byte {
		id := uint64(n)
		w.step(session.In{Kind: session.StartCall, Call: session.Call{ID: id, Kind: session.Variable, Name: "vint"}})
		w.do("device answers 0 int 1")
		if !w.answered[id] {
			t.Fatalf("call %d is not answered", id)
		}
		return w.d.requests[len(w.d.requests)-1].Token[0]
	}
	for n := range 600 {
		if read(n+2) == stale {
			t.Fatalf("call %d has the token of the cancelled one", n+2)
		}
	}
	w.pass(2 * time.Minute)
	used := false
	for n := range 256 {
		used = used || read(n+1000) == stale
	}
	if !used {
		t.Error("the token is never used again")
	}
}

// Every block of a describe has a token of its own, which is free again when
// the block is there.
func TestTokensOfBlocks(t *testing.T) {
	w := established(t)
	for n := range 300 {
		w.do(fmt.Sprintf("cloud describe %d", n+1), "device answers 0 block 0", "device answers 0 block 1")
	}
	if strings.Contains(w.log.String(), "busy") || strings.Count(w.log.String(), "done") != 300 {
		t.Error(lastLine(w))
	}
}

// Too many calls are refused, by their number and by their tokens.
func TestTooManyCalls(t *testing.T) {
	w := established(t)
	var outs session.Outs
	start := func(id int) error {
		outs.Reset()
		w.s.Step(w.now, &session.In{Kind: session.StartCall, Call: session.Call{ID: uint64(id), Kind: session.Variable, Name: "vint"}}, &outs)
		for _, out := range outs.List {
			if out.Kind == session.Replied {
				return out.Reply.Err
			}
		}
		return nil
	}
	for id := range 33 {
		if err := start(id + 1); (err != nil) != (id == 32) || err != nil && fault.KindOf(err) != fault.Busy {
			t.Errorf("call %d: %v", id+1, err)
		}
	}
	refused := 0
	for id := 1; id <= 300; id++ {
		if err := start(1000 + id); err != nil {
			refused++
		}
		w.s.Step(w.now, &session.In{Kind: session.CancelCall, CallID: uint64(id)}, &outs)
		w.s.Step(w.now, &session.In{Kind: session.CancelCall, CallID: uint64(1000 + id)}, &outs)
	}
	if refused != 300-256+32 {
		t.Errorf("%d calls are refused for want of a token", refused)
	}
}

func TestEventsForADeviceAreBounded(t *testing.T) {
	w := established(t)
	w.d.deaf = true
	e := event.Event{Name: "vdev", Data: []byte("x"), HasData: true}
	for range 40 {
		w.step(session.In{Kind: session.Deliver, Event: &e})
	}
	if w.s.Undelivered != 8 {
		t.Errorf("%d events are dropped, want 8", w.s.Undelivered)
	}
}

// What a device would misread or cannot take is not sent to it.
func TestDeliveryFitsTheDevice(t *testing.T) {
	for _, tt := range []struct {
		system string
		event  event.Event
		want   string
	}{
		{"6.2.0", event.Event{Name: "a", Data: []byte{0xa1}, HasData: true, ContentFormat: 60}, "CON POST /E/a option 12=\"<\" a1"},
		{"2.3.1", event.Event{Name: "a", Data: []byte{0xa1}, HasData: true, ContentFormat: 60}, "CON POST /E/a a1"},
		{"2.3.1", event.Event{Name: "a", Public: true}, "CON POST /e/a"},
		{"2.3.1", event.Event{Name: "a", Data: make([]byte, 800), HasData: true}, ""},
		{"6.2.0", event.Event{Name: "a", Data: make([]byte, 1025), HasData: true}, ""},
		{"6.2.0", event.Event{Name: "", Data: []byte("x"), HasData: true}, ""},
	} {
		w := newWorld(t)
		w.connect(true, true, true, deviceID)
		w.do("device hello " + tt.system)
		got := ""
		for _, m := range w.sent(session.In{Kind: session.Deliver, Event: &tt.event}) {
			got = strings.Replace(words(&m), fmt.Sprintf(" %04x", m.ID), "", 1)
		}
		if got != tt.want {
			t.Errorf("%s, %q: %s, want %s", tt.system, tt.event.Name, got, tt.want)
		}
	}
}

// There is no message that ends a subscription, so the newest count.
func TestSubscriptionsAreBounded(t *testing.T) {
	w := established(t)
	for n := range 40 {
		w.do(fmt.Sprintf("device subscribes s%d", n), "device subscribes s0")
	}
	subs := w.s.Subscriptions()
	if len(subs) != 32 || subs[31].Prefix != "s39" && subs[31].Prefix != "s0" {
		t.Errorf("%d subscriptions, the last %+v", len(subs), subs[len(subs)-1])
	}
}

// While the store is away a device can make the session hold so many answers
// and no more; what it repeats later is answered.
func TestHeldAnswersAreBounded(t *testing.T) {
	w := established(t)
	w.do("store manual")
	for n := range 40 {
		w.do(fmt.Sprintf("device subscribes s%d", n))
	}
	if got := len(w.s.Subscriptions()); got != 32 {
		t.Errorf("%d subscriptions", got)
	}
	w.do("store automatic", "persisted ok")
	before := strings.Count(w.log.String(), "cloud   ACK")
	w.do("device repeats")
	if strings.Count(w.log.String(), "cloud   ACK") != before+1 {
		t.Error("the last one is repeated and not answered")
	}
}

// A describe in blocks is bounded in length, and in time.
func TestBlocksAreBounded(t *testing.T) {
	w := established(t)
	post := func(num uint32, size int, more bool) coap.Code {
		t.Helper()
		p := spark.DescribePart{
			Flags: spark.DescribeApplication, Payload: make([]byte, size), HasBlock: true,
			Block: coap.Block{Num: num, More: more, SZX: coap.MaxSZX},
		}
		message, err := p.AppendPost(nil, w.d.id16(w.now))
		if err != nil {
			t.Fatal(err)
		}
		answers := w.sent(packet(w, message))
		if len(answers) != 1 {
			t.Fatalf("%d answers", len(answers))
		}
		return answers[0].Code
	}
	for num := range uint32(16) {
		if code := post(num, 1024, true); code != coap.Continue {
			t.Fatalf("block %d: %v", num, code)
		}
	}
	if code := post(16, 1, false); code != coap.RequestEntityTooLarge {
		t.Errorf("one byte too much: %v", code)
	}
	if code := post(0, 100, true); code != coap.BadRequest {
		t.Errorf("a short block: %v", code)
	}
	if code := post(0, 1024, true); code != coap.Continue {
		t.Errorf("another begins with %v", code)
	}
	w.pass(85 * time.Second)
	w.do("device pings")
	w.pass(10 * time.Second)
	w.do("device pings")
	if code := post(1, 1024, true); code != coap.RequestEntityIncomplete {
		t.Errorf("it goes on after 95 s with %v", code)
	}
}

func TestRestoreRefuses(t *testing.T) {
	w := established(t)
	good := w.s.Record()
	how := session.Restoration{Generation: good.Generation + 1, Now: w.now}
	if _, err := session.Restore(good, how); err != nil {
		t.Fatal(err)
	}
	for n := range len(good.Blob) {
		r := good
		r.Blob = good.Blob[:n]
		if _, err := session.Restore(r, how); !errors.Is(err, session.ErrRecord) {
			t.Fatalf("cut to %d bytes: %v", n, err)
		}
	}
	change := func(name string, edit func(b []byte) []byte) {
		t.Helper()
		r := good
		r.Blob = edit(append([]byte(nil), good.Blob...))
		if _, err := session.Restore(r, how); !errors.Is(err, session.ErrRecord) {
			t.Errorf("%s: %v", name, err)
		}
	}
	change("a newer version", func(b []byte) []byte { b[0]++; return b })
	change("something behind it", func(b []byte) []byte { return append(b, 0) })
	change("far too long", func(b []byte) []byte { return append(b, make([]byte, 1<<17)...) })
	change("the device's side", func(b []byte) []byte { b[15] = 0; return b })
	how.Generation = good.Generation
	if _, err := session.Restore(good, how); !errors.Is(err, session.ErrRecord) {
		t.Errorf("the same generation again: %v", err)
	}
	w.do("cloud close key_replaced")
	how.Generation++
	if _, err := session.Restore(w.s.Record(), how); !errors.Is(err, session.ErrRecord) {
		t.Errorf("a session that is over: %v", err)
	}
}

// A session that does not know what the application offers is not complete,
// whatever its record says: the device is told to start over.
func TestRestoreWithoutDescribe(t *testing.T) {
	w := established(t)
	r := w.s.Record()
	functions, variables := "\necho\nslow\n", "\n2\tvint\n4\tvtext\n"
	known := "\x01" + string(rune(len(functions))) + functions + string(rune(len(variables))) + variables
	before, after, ok := strings.Cut(string(r.Blob), known)
	if !ok {
		t.Fatal("the record has another form")
	}
	w.durable = r
	w.durable.Blob = []byte(before + "\x00" + after)
	w.restart(false)
	w.do("device pings")
	if !strings.Contains(w.log.String(), "RST") {
		t.Error(w.log.String())
	}
}

// A stream cannot be stored.
func TestNoRecordOnTCP(t *testing.T) {
	w := newWorld(t)
	w.connect(false, false, true, deviceID)
	w.do("device hello core", "device describes app", "tick 5s")
	if r := w.s.Record(); r.Blob != nil || strings.Contains(w.log.String(), "persist") {
		t.Errorf("%+v\n%s", r, w.log.String())
	}
}

// Names that look like the marks between them find nothing.
func TestNamesOfAnApplication(t *testing.T) {
	w := newWorld(t)
	w.connect(true, true, true, deviceID)
	w.do("device hello 6.2.0")
	offer := spark.Describe{
		HasApplication: true, Functions: []string{"a", "b c", "f:1"},
		Variables: []spark.Variable{{Name: "v", Type: 2}, {Name: "w x", Type: 9}, {Name: "2", Type: 77}},
	}
	message, err := (&spark.DescribePart{Flags: spark.DescribeApplication, Payload: spark.AppendApplication(nil, &offer)}).AppendPost(nil, w.d.id16(w.now))
	if err != nil {
		t.Fatal(err)
	}
	w.send(message)
	want := device.Describe{Functions: offer.Functions}
	for _, v := range offer.Variables {
		want.Variables = append(want.Variables, device.Variable{Name: v.Name, Type: device.VariableType(v.Type)})
	}
	got, ok := w.s.Describe()
	if diff := cmp.Diff(want, got); diff != "" || !ok {
		t.Error(diff)
	}
	for _, tt := range []struct {
		kind session.CallKind
		name string
		want bool
	}{
		{session.Function, "a", true},
		{session.Function, "b c", true},
		{session.Function, "f:1", true},
		{session.Function, "c", false},
		{session.Function, "a\nb c", false},
		{session.Function, "", false},
		{session.Function, "\n", false},
		{session.Function, "v", false},
		{session.Variable, "v", true},
		{session.Variable, "w x", true},
		{session.Variable, "2", true},
		{session.Variable, "x", false},
		{session.Variable, "2\tv", false},
		{session.Variable, "", false},
		{session.Variable, "a", false},
	} {
		sent := w.sent(session.In{Kind: session.StartCall, Call: session.Call{ID: 1, Kind: tt.kind, Name: tt.name}})
		if (len(sent) == 1) != tt.want {
			t.Errorf("kind %d %q: %d messages", tt.kind, tt.name, len(sent))
		}
	}
}
