package session_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/session"
	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/dtls"
	"github.com/cyan-cloud/cyan/wire/sealed"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// failer is a test, or one run of a property.
type failer interface {
	Helper()
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// world is a session with a device at the other end, a store and a clock. It
// writes down what happens, and fails the test when the session does what it
// must never do.
type world struct {
	t    failer
	log  strings.Builder
	now  time.Time
	s    *session.Session
	d    *fake
	outs session.Outs

	manual    bool           // the store answers only when told
	broken    bool           // it answers that it could not
	writing   session.Record // and with which token
	token     uint32
	durable   session.Record
	highest   uint32            // generation that the store knows
	sequences map[uint64]bool   // of records that the cloud sent
	answered  map[uint64]bool   // calls that have their answer
	asksTime  map[uint16]bool   // ids of the device's time requests
	declared  map[uint16]string // ids of its describes and subscriptions, and what they said
	used      map[uint16]bool   // ids that it used at all
	underway  []byte            // a datagram of the device's that takes its time, and where it comes from
	origin    netip.AddrPort
	captured  []byte              // the datagram that the device sent last
	kept      []byte              // an older one, in the hands of an attacker
	recorded  map[string][][]byte // what is left of recordings
	seed      uint64
}

func newWorld(t failer) *world {
	return &world{
		t: t, now: begin, seed: 7,
		sequences: map[uint64]bool{}, answered: map[uint64]bool{}, asksTime: map[uint16]bool{}, declared: map[uint16]string{},
		used: map[uint16]bool{}, recorded: map[string][][]byte{},
	}
}

func (w *world) logf(format string, args ...any) {
	fmt.Fprintf(&w.log, "%s%s\n", w.stamp(), fmt.Sprintf(format, args...))
}

func (w *world) stamp() string { return fmt.Sprintf("%8.3f  ", w.now.Sub(begin).Seconds()) }

// connect makes a session whose handshake is done and stored.
func (w *world) connect(udp, cid, known bool, id device.ID) {
	var server dtls.Session
	var stream sealed.Channel
	w.sequences, w.token, w.highest = map[uint64]bool{}, 0, 0 // new keys
	w.declared, w.used = map[uint16]string{}, map[uint16]bool{}
	server, stream, w.d = pair(udp, cid)
	w.d.id = id
	cfg := session.Config{Peer: home, Local: here, Seed: w.seed, Now: w.now}
	if known {
		cfg.Device = id
	}
	if udp {
		cfg.DTLS = &server
	} else {
		cfg.TCP = &stream
	}
	w.s = session.New(cfg)
	w.s.Finished(server)
	w.durable = w.s.Record()
}

// step lets something happen and performs what the session wants done.
func (w *world) step(in session.In) {
	w.s.Step(w.now, &in, &w.outs)
	list := append([]session.Out(nil), w.outs.List...)
	for i := range list {
		list[i].Data = bytes.Clone(list[i].Data)
		list[i].Event.Data = bytes.Clone(list[i].Event.Data)
	}
	w.outs.Reset()
	for i := range list {
		w.perform(&list[i])
	}
}

func (w *world) perform(out *session.Out) {
	switch out.Kind {
	case session.Send:
		w.receive(out)
	case session.Persist:
		w.persist(out.Token)
	case session.Publish, session.Told:
		e := &out.Event
		verb := "publish"
		if out.Kind == session.Told {
			verb = "told"
		}
		if out.Token != 0 {
			verb = "keep and " + verb
		}
		w.logf("  %s %s %s ttl %v public %v format %d id %s", verb, e.Name, text(e.Data), e.TTL, e.Public, e.ContentFormat, e.ID)
	case session.Replied:
		if w.answered[out.Reply.ID] {
			w.t.Errorf("call %d is answered twice", out.Reply.ID)
		}
		w.answered[out.Reply.ID] = true
		w.logf("  %s", reply(&out.Reply))
	case session.Claim:
		w.logf("  claim %v", out.Device)
	case session.Reached:
		w.logf("  reached %s", out.Stage)
	case session.Contact:
		w.logf("  contact: %s", out.Reason)
	case session.Changed:
		w.logf("  state %s", w.state())
	case session.Described:
		w.described(out)
	case session.Ailing:
		w.logf("  ailing: %s", out.Remedy)
	case session.Doubled:
		w.logf("  two seem to have one identity")
	case session.Closed:
		w.logf("  closed: %s; state %s", out.Reason, w.state())
	}
}

func (w *world) described(out *session.Out) {
	if out.System != nil {
		w.logf("  described: system with %d modules", len(out.System.Modules))
		return
	}
	w.logf("  described: %s; hears %s", offers(w.s), subscriptions(w.s))
}

func (w *world) state() string {
	st := w.s.State(w.now)
	word := st.Word.String()
	if st.Reason != device.ReasonNone {
		word += " (" + string(st.Reason) + ")"
	}
	if !st.Until.IsZero() {
		word += " until " + st.Until.Format(time.TimeOnly)
	}
	return word
}

// persist is the store.
func (w *world) persist(token uint32) {
	if w.token != 0 {
		w.t.Errorf("write %d is asked for while %d is under way", token, w.token)
	}
	w.token, w.writing = token, w.s.Record()
	if w.manual {
		w.logf("  persist %d", token)
		return
	}
	w.persisted()
}

func (w *world) persisted() {
	token := w.token
	w.token = 0
	if w.broken {
		w.logf("  persist %d fails", token)
		w.step(session.In{Kind: session.Persisted, Token: token, Err: errors.New("disk full")})
		return
	}
	w.durable = w.writing
	w.highest = max(w.highest, w.durable.Generation)
	w.logf("  persist %d ok", token)
	w.step(session.In{Kind: session.Persisted, Token: token})
}

// receive is the device's network: it opens what the cloud sent, and holds it
// against the rules.
func (w *world) receive(out *session.Out) {
	if w.d.udp {
		r, _, err := dtls.ParseRecord(out.Data)
		if err != nil {
			w.t.Fatalf("not a record: %x", out.Data)
		}
		if w.sequences[r.Seq] {
			w.t.Errorf("sequence number %d is used again", r.Seq)
		}
		w.sequences[r.Seq] = true
	}
	where := ""
	if w.d.udp && out.To != w.d.addr {
		where = fmt.Sprintf(" to %v", out.To)
	}
	kind, plain, err := w.peek(out.Data, w.d.deaf || where != "")
	if err != nil {
		w.t.Errorf("the cloud sends%s what the device drops: %v", where, err)
		return
	}
	lost := w.d.deaf || where != ""
	if lost {
		where += " (lost)"
	}
	if kind == dtls.Alert {
		level, what, _ := dtls.ParseAlert(plain)
		w.logf("cloud%s   alert %d %v", where, level, what)
		return
	}
	m, err := coap.Parse(plain)
	if err != nil {
		w.t.Fatalf("%v: %x", err, plain)
	}
	w.logf("cloud%s   %s", where, words(&m))
	w.judge(&m)
	if !lost {
		w.react(&m)
	}
}

// peek opens a datagram. On UDP what is lost must not move the device's window.
func (w *world) peek(data []byte, lost bool) (dtls.ContentType, []byte, error) {
	if w.d.udp && lost {
		copied := *w.d
		return copied.open(data)
	}
	return w.d.open(data)
}

// judge holds what the cloud says against what devices insist on.
func (w *world) judge(m *coap.Message) {
	if m.Code == coap.Content && !w.asksTime[m.ID] {
		w.t.Errorf("2.05 to something that is not a time request: %s", words(m))
	}
	if said, ok := w.declared[m.ID]; ok && m.Type == coap.Acknowledgement && m.Code.Class() < 4 && !w.isDurable(said) {
		w.t.Errorf("%s is acknowledged and not stored", said)
	}
	kind := spark.ClassifyRequest(m)
	switch kind {
	case spark.KindFunction, spark.KindVariable, spark.KindDescribe, spark.KindSignal:
		if len(m.Token) != 1 {
			w.t.Errorf("token of %d bytes: %s", len(m.Token), words(m))
		}
	}
	if kind == spark.KindDescribe {
		r, err := spark.ParseDescribeRequest(m)
		if err != nil || !r.Flags.Single() {
			w.t.Errorf("more than one part at a time: %s", words(m))
		}
	}
}

// declares gives what a device's message states that it relies on from the
// acknowledgement on; "" if nothing.
func (w *world) declares(m *coap.Message) string {
	switch {
	case !w.d.udp || m.Type != coap.Confirmable:
	case spark.Classify(m) == spark.KindSubscribe:
		if sub, err := spark.ParseSubscription(m, w.s.Hello().SystemVersion); err == nil {
			return fmt.Sprintf("subscription %+v", sub)
		}
	case spark.Classify(m) == spark.KindDescribe:
		d, err := spark.ParseApplication(m.Payload)
		if part, bad := spark.ParseDescribePost(m); err == nil && bad == nil && part.Flags == spark.DescribeApplication && !part.HasBlock {
			return fmt.Sprint("functions ", d.Functions)
		}
	}
	return ""
}

// isDurable tells whether a crash now would leave what the device said.
func (w *world) isDurable(said string) bool {
	next, err := dtls.NextGeneration(max(w.highest, w.durable.Generation), w.now)
	if err != nil {
		w.t.Fatal(err)
	}
	s, err := session.Restore(w.durable, session.Restoration{Generation: next, Now: w.now})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, sub := range s.Subscriptions() {
		if fmt.Sprintf("subscription %+v", sub) == said {
			return true
		}
	}
	d, ok := s.Describe()
	return ok && fmt.Sprint("functions ", d.Functions) == said
}

// react is what a device does with a message at once: it acknowledges what is
// confirmable, and carries it out unless it remembers the id.
func (w *world) react(m *coap.Message) {
	if m.Type != coap.Confirmable {
		return
	}
	seen, dup := w.d.known[m.ID]
	dup = dup && w.now.Sub(seen) < coap.ReuseAfter && w.d.udp
	switch {
	case dup:
		w.logf("         the device has seen %04x before and does nothing", m.ID)
	default:
		w.d.known[m.ID] = w.now
		if m.Code.Request() {
			own := *m
			own.Token = bytes.Clone(m.Token)
			w.d.requests = append(w.d.requests, own)
		}
	}
	if w.d.lazy {
		return
	}
	id := m.ID
	if !w.d.udp && m.Code == coap.Empty {
		id = w.d.id16(w.now)
	}
	w.send(coap.AppendEmpty(nil, coap.Acknowledgement, id))
}

// send lets the device say something.
func (w *world) send(message []byte) {
	if m, err := spark.Parse(message); err == nil {
		if spark.Classify(&m) == spark.KindTime {
			w.asksTime[m.ID] = true
		}
		if said := w.declares(&m); said != "" && !w.used[m.ID] {
			maps.DeleteFunc(w.declared, func(_ uint16, old string) bool {
				return strings.HasPrefix(old, "functions") && strings.HasPrefix(said, "functions") // the newer describe counts
			})
			w.declared[m.ID] = said
		}
		w.used[m.ID] = w.used[m.ID] || m.Type == coap.Confirmable
		mark := ""
		if w.d.secure.Moving {
			mark = "*"
		}
		w.logf("device%s  %s", mark, words(&m))
	} else {
		w.logf("device  %x", message)
	}
	if len(message) > 0 && message[0]>>4&3 == byte(coap.Confirmable) {
		w.d.last = message
	}
	w.arrive(w.d.seal(w.t, message), w.d.addr)
}

// arrive brings bytes to the cloud.
func (w *world) arrive(data []byte, from netip.AddrPort) {
	w.captured = bytes.Clone(data)
	if !w.d.udp {
		w.step(session.In{Kind: session.Packet, Frame: data[2:]})
		return
	}
	r, _, err := dtls.ParseRecord(data)
	if err != nil {
		w.t.Fatal(err)
	}
	w.step(session.In{Kind: session.Packet, Record: r, From: from, Local: here})
}

// pass lets time go by, and the session act when it wanted to.
func (w *world) pass(d time.Duration) {
	end := w.now.Add(d)
	for {
		at := w.s.Deadline()
		if at.IsZero() || at.After(end) {
			break
		}
		if at.Before(w.now) {
			w.t.Errorf("deadline %v lies before %v", at, w.now)
		}
		w.now = at
		w.step(session.In{Kind: session.Tick})
		if again := w.s.Deadline(); !again.IsZero() && !again.After(at) {
			w.t.Fatalf("after a tick at its deadline the session wants another at once")
		}
	}
	w.now = end
}

// freeze lets time pass in which the session is given no turn, and then one.
func (w *world) freeze(d time.Duration) {
	w.now = w.now.Add(d)
	w.step(session.In{Kind: session.Tick})
	if again := w.s.Deadline(); !again.IsZero() && !again.After(w.now) {
		w.t.Fatal("after the turn that it missed the session wants another at once")
	}
}

// restart ends the process, by a crash or as planned, and begins the next.
func (w *world) restart(exact bool) {
	if exact {
		w.durable = w.s.LastRecord()
		exact = w.durable.IsLast(w.durable.Generation)
	}
	w.highest = max(w.highest, w.durable.Generation)
	generation, err := dtls.NextGeneration(w.highest, w.now)
	if err != nil {
		w.t.Fatal(err)
	}
	w.highest, w.token, w.seed = generation, 0, w.seed+1
	w.s, err = session.Restore(w.durable, session.Restoration{Generation: generation, Exact: exact, Seed: w.seed, Now: w.now})
	if err != nil {
		w.t.Fatal(err)
	}
	w.logf("restored: state %s; %s; hears %s", w.state(), offers(w.s), subscriptions(w.s))
}
