package spark_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/spark"
)

var update = flag.Bool("update", false, "rewrite the transcripts in testdata")

// recorded is one CoAP message of a recording.
type recorded struct {
	fromDevice bool
	raw        []byte
	msg        coap.Message
}

// recordings are the exchanges of real devices, with the system version that
// each device would say in its Hello.
var recordings = []struct {
	name    string
	version uint16
}{
	{"os-2.3.1-tcp", 0},
	{"os-2.3.1-udp", 0},
	{"os-2.3.1-udp-resume", 0},
	{"os-6.2.0-tcp", 6200},
	{"os-6.2.0-udp", 6200},
	{"os-6.2.0-udp-resume", 6200},
}

func load(t testing.TB, name string) []recorded {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "testdata", "device", name+".jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []recorded
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var line struct{ Ch, Dir, Bytes string }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		if line.Ch != "coap" {
			continue
		}
		raw := unhex(t, line.Bytes)
		out = append(out, recorded{line.Dir == "device", raw, parse(t, raw)})
	}
	if len(out) < 40 {
		t.Fatalf("%s: only %d CoAP messages", name, len(out))
	}
	return out
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func parse(t testing.TB, raw []byte) coap.Message {
	t.Helper()
	m, err := spark.Parse(raw)
	if err != nil {
		t.Fatalf("%x: %v", raw, err)
	}
	return m
}

// unknownRequest is the one thing that nobody understands, put there to see
// what a device does with it: GET /zz.
const unknownRequest = "zz"

// TestRecordingsAreClassified: every message has a kind, but for the deliberate
// nonsense.
func TestRecordingsAreClassified(t *testing.T) {
	for _, r := range recordings {
		for _, m := range load(t, r.name) {
			kind := spark.ClassifyRequest(&m.msg)
			if m.fromDevice {
				kind = spark.Classify(&m.msg)
			}
			deliberate := string(m.msg.Path(nil)) == unknownRequest
			if (kind == spark.KindUnknown) != deliberate {
				t.Errorf("%s: %x is %v", r.name, m.raw, kind)
			}
		}
	}
}

// replay follows a recorded conversation: it knows what the cloud asked with
// which token, and what the device said about itself.
type replay struct {
	t        *testing.T
	version  uint16
	asked    map[byte]coap.Message
	describe spark.Describe
}

// TestRecordingsAreReadAndRebuilt parses every message and builds it again from
// the values alone: the bytes must be the same. The transcripts in testdata show
// the values.
func TestRecordingsAreReadAndRebuilt(t *testing.T) {
	for _, rec := range recordings {
		t.Run(rec.name, func(t *testing.T) {
			r := replay{t: t, version: rec.version, asked: map[byte]coap.Message{}}
			var transcript strings.Builder
			for _, m := range load(t, rec.name) {
				read := r.cloud
				who := "cloud "
				if m.fromDevice {
					read, who = r.device, "device"
				}
				text, rebuilt := read(&m.msg)
				if !bytes.Equal(rebuilt, m.raw) {
					t.Errorf("%s %s\n recorded %x\n rebuilt  %x", who, text, m.raw, rebuilt)
				}
				fmt.Fprintf(&transcript, "%s %v %s\n", who, m.msg.Type, text)
			}
			golden(t, rec.name+".txt", transcript.String())
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// must reports an error of an Append function.
func must(t testing.TB) func([]byte, error) []byte {
	return func(b []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
		return b
	}
}

// device reads a message from the device, and builds it as sim does.
func (r *replay) device(m *coap.Message) (text string, rebuilt []byte) {
	t, must := r.t, must(r.t)
	t.Helper()
	switch kind := spark.Classify(m); kind {
	case spark.KindPing:
		return "ping", spark.AppendPing(nil, m.ID)
	case spark.KindAck:
		return "ack", coap.AppendEmpty(nil, m.Type, m.ID)
	case spark.KindHello:
		h, err := spark.ParseHello(m.Payload)
		r.check(err)
		return helloText(h), must(spark.AppendHello(nil, m.Type, m.ID, &h))
	case spark.KindDescribe:
		p, err := spark.ParseDescribePost(m)
		r.check(err)
		return fmt.Sprintf("describe %d %s", p.Flags, r.part(p)), must(p.AppendPost(nil, m.ID))
	case spark.KindTime:
		token, err := spark.Token(m)
		r.check(err)
		return "time?", spark.AppendTimeRequest(nil, m.ID, token)
	case spark.KindEvent:
		e, err := spark.ParseEvent(m)
		r.check(err)
		return eventText(e), must(spark.AppendEvent(nil, m.Type, m.ID, &e, spark.PublishLayout(r.version)))
	case spark.KindSubscribe:
		s, err := spark.ParseSubscription(m, r.version)
		r.check(err)
		return fmt.Sprintf("subscribe %q %v", s.Prefix, s.Scope),
			must(spark.AppendSubscription(nil, m.Type, m.ID, &s, r.version))
	case spark.KindResponse:
		return r.answer(m)
	default:
		t.Errorf("unexpected %v", kind)
		return kind.String(), nil
	}
}

func eventText(e spark.Event) string {
	return fmt.Sprintf("event %q %q ttl %d public %v", e.Name, e.Data, e.TTL, e.Public)
}

func (r *replay) check(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Error(err)
	}
}

// answer reads the device's answer to what the cloud asked.
func (r *replay) answer(m *coap.Message) (text string, rebuilt []byte) {
	must := must(r.t)
	token, err := spark.Token(m)
	r.check(err)
	req, ok := r.asked[token]
	if !ok {
		r.t.Errorf("answer to nothing: token %x", token)
	}
	if m.Code.Class() != 2 {
		if m.Type == coap.Acknowledgement {
			return "refused " + m.Code.String(), coap.AppendPiggyback(nil, m, m.Code, nil)
		}
		return "refused " + m.Code.String(), must(spark.AppendRefusal(nil, m.Type, m.ID, token, m.Code))
	}
	switch kind := spark.ClassifyRequest(&req); kind {
	case spark.KindSignal:
		return "signal done", coap.AppendPiggyback(nil, m, m.Code, nil)
	case spark.KindFunction:
		n, err := spark.ParseFunctionResult(m)
		r.check(err)
		return fmt.Sprintf("returned %d", n), must(spark.AppendFunctionResult(nil, m.Type, m.ID, token, n))
	case spark.KindVariable:
		_, name, err := spark.ParseVariable(&req)
		r.check(err)
		vt, ok := r.describe.VariableType(name)
		if !ok {
			r.t.Errorf("no variable %q in %+v", name, r.describe)
		}
		v, err := spark.ParseValue(m, vt)
		r.check(err)
		return fmt.Sprintf("value %+v", v), must(spark.AppendValue(nil, m.Type, m.ID, token, v))
	case spark.KindDescribe:
		p, err := spark.ParseDescribeAnswer(m)
		r.check(err)
		if query, ok := req.Option(coap.URIQuery); ok {
			p.Flags = spark.DescribeFlags(query[0])
		}
		return fmt.Sprintf("described %d %s", p.Flags, r.part(p)), must(p.AppendAnswer(nil, m.ID))
	default:
		r.t.Errorf("unexpected answer to %v", kind)
		return "", nil
	}
}

// part reads a describe and checks that it comes out again as it came in.
func (r *replay) part(p spark.DescribePart) string {
	if p.Flags == spark.DescribeMetrics {
		metrics, err := spark.ParseMetrics(p.Payload)
		r.check(err)
		r.same("metrics", p.Payload, spark.AppendMetrics(nil, metrics))
		return metricsText(metrics)
	}
	d, err := spark.ParseDescribe(p.Payload, p.Binary)
	r.check(err)
	r.describe.Merge(d)
	switch {
	case p.Binary:
		r.same("protobuf", p.Payload, spark.AppendSystem(nil, d.System))
	case d.HasApplication && d.System != nil:
		r.same("both", p.Payload, spark.AppendDescribeJSON(nil, &d))
	case d.HasApplication:
		r.same("application", p.Payload, spark.AppendApplication(nil, &d))
	default:
		r.same("system", p.Payload, spark.AppendSystemJSON(nil, d.System))
	}
	return describeText(d)
}

func helloText(h spark.Hello) string {
	return fmt.Sprintf("hello product %d.%d flags %x platform %d id %x/%v system %d message %d binary %d chunk %d size %d",
		h.ProductID, h.ProductVersion, h.Flags, h.PlatformID, h.DeviceID, h.HasDeviceID,
		h.SystemVersion, h.MaxMessage, h.MaxBinary, h.ChunkSize, h.Size)
}

func describeText(d spark.Describe) string {
	var b strings.Builder
	if d.HasApplication {
		fmt.Fprintf(&b, "functions %v variables %v", d.Functions, d.Variables)
	}
	if s := d.System; s != nil {
		fmt.Fprintf(&b, " platform %d modules", s.PlatformID)
		for _, m := range s.Modules {
			fmt.Fprintf(&b, " {%d.%d v%d store %d %d/%d bytes checks %x/%x needs %v}",
				m.Type, m.Index, m.Version, m.Store, m.Size, m.MaxSize, m.Passed, m.Checked, m.Dependencies)
		}
	}
	return b.String()
}

func (r *replay) same(what string, recorded, rebuilt []byte) {
	r.t.Helper()
	if !bytes.Equal(recorded, rebuilt) {
		r.t.Errorf("%s:\n recorded %x\n rebuilt  %x", what, recorded, rebuilt)
	}
}

func metricsText(metrics []spark.Metric) string {
	var b strings.Builder
	for _, m := range metrics {
		failed := ""
		if m.Failed {
			failed = "!"
		}
		fmt.Fprintf(&b, " %s%s=%d", failed, spark.MetricName(m.ID), m.Value)
	}
	return b.String()
}

// cloud reads a message from the cloud as sim does, and builds it as the cloud
// does.
func (r *replay) cloud(m *coap.Message) (text string, rebuilt []byte) {
	must := must(r.t)
	if len(m.Token) == 1 && m.Code.Request() {
		r.asked[m.Token[0]] = *m
	}
	switch kind := spark.ClassifyRequest(m); kind {
	case spark.KindPing:
		return "ping", spark.AppendPing(nil, m.ID)
	case spark.KindAck:
		return "ack", coap.AppendEmpty(nil, m.Type, m.ID)
	case spark.KindHello:
		return "hello", spark.AppendServerHello(nil, m.ID)
	case spark.KindResponse:
		return r.reply(m)
	case spark.KindDescribe:
		return r.describeRequest(m)
	case spark.KindFunction:
		f, err := spark.ParseFunction(m)
		r.check(err)
		return fmt.Sprintf("call %q %q", f.Name, f.Argument),
			must(spark.AppendFunction(nil, m.ID, f.Token, f.Name, f.Argument))
	case spark.KindVariable:
		token, name, err := spark.ParseVariable(m)
		r.check(err)
		return fmt.Sprintf("read %q", name), must(spark.AppendVariable(nil, m.ID, token, name))
	case spark.KindEvent:
		e, err := spark.ParseEvent(m)
		r.check(err)
		return eventText(e), must(spark.AppendEvent(nil, m.Type, m.ID, &e, recordedLayout(m)))
	case spark.KindSignal:
		on, err := spark.ParseSignal(m)
		r.check(err)
		return fmt.Sprintf("signal %v", on), spark.AppendSignal(nil, m.ID, m.Token[0], on)
	default: // GET /zz
		return "nonsense", m.Append(nil)
	}
}

// recordedLayout is how the recording server wrote its events: it tried forms
// that DeliveryLayout never chooses.
func recordedLayout(m *coap.Message) spark.EventLayout {
	var l spark.EventLayout
	paths := 0
	for o := m.Options(); o.Next(); {
		switch o.Number {
		case coap.URIPath:
			paths++
		case coap.MaxAge:
			l.Age = spark.AgeAlways
		}
	}
	l.Split = paths > 2
	return l
}

// describeRequest also sees the two requests that must never be made: for both
// parts at once, and for no part.
func (r *replay) describeRequest(m *coap.Message) (text string, rebuilt []byte) {
	q, err := spark.ParseDescribeRequest(m)
	if err != nil {
		if err != spark.ErrFlag {
			r.t.Error(err)
		}
		return "describe yourself, all of it (never sent)", m.Append(nil)
	}
	rebuilt, err = q.Append(nil, m.ID)
	if !q.Flags.Single() {
		if err != spark.ErrFlag || len(rebuilt) > 0 {
			r.t.Errorf("describe %d was built: %x, %v", q.Flags, rebuilt, err)
		}
		return fmt.Sprintf("describe yourself %d (never sent)", q.Flags), m.Append(nil)
	}
	r.check(err)
	return fmt.Sprintf("describe yourself %d", q.Flags), rebuilt
}

// reply reads the cloud's answers: the time, and acknowledgements.
func (r *replay) reply(m *coap.Message) (text string, rebuilt []byte) {
	if m.Code == coap.Content {
		seconds, err := spark.ParseTime(m)
		r.check(err)
		return "time is told", spark.AppendTime(nil, m.ID, m.Token[0], seconds)
	}
	return m.Code.String(), coap.AppendPiggyback(nil, m, m.Code, nil)
}

// TestRecordedDescribesAreAcknowledged: what a device describes is answered as
// the recording server did.
func TestRecordedDescribesAreAcknowledged(t *testing.T) {
	found := 0
	for _, rec := range recordings {
		msgs := load(t, rec.name)
		for i, m := range msgs {
			if !m.fromDevice || spark.Classify(&m.msg) != spark.KindDescribe {
				continue
			}
			got := must(t)(spark.AppendDescribeAck(nil, &m.msg))
			acked := false
			for _, later := range msgs[i:] {
				acked = acked || !later.fromDevice && bytes.Equal(later.raw, got)
			}
			if !acked {
				t.Errorf("%s: %x was not answered by %x", rec.name, m.raw, got)
			}
			found++
		}
	}
	if found < 15 {
		t.Errorf("only %d describes", found)
	}
}
