package spark_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// Every parser: no input may make it panic or take more than its bounds, and
// what it accepts comes out of the encoder and in again as the same value.

func FuzzParseHello(f *testing.F) {
	for _, seed := range []string{helloHead, helloHead + "000c" + helloID, helloHead + "0000" + helloSystem} {
		f.Add(unhex(f, seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		h, err := spark.ParseHello(payload)
		if err != nil {
			return
		}
		again, err := spark.ParseHello(h.Append(nil))
		again.Size = h.Size // bytes of the future are not kept
		if err != nil || again != h {
			t.Fatalf("%+v, then %+v, %v", h, again, err)
		}
		if l := spark.LimitsFor(&h); l.Message < 400 || l.Name < 12 || l.FunctionArg < 63 {
			t.Fatalf("limits %+v", l)
		}
	})
}

func FuzzParseDescribe(f *testing.F) {
	f.Add([]byte(`{"f":["a"],"v":{"x":2},"p":13,"m":[{"s":1,"l":"m","f":"u","n":"1","d":[{"f":"s","n":"1","v":7}]}]}`), false)
	f.Add(unhex(f, "0a19080218e8072880808005351e0000003d1e0000005884808005"), true)
	f.Fuzz(func(t *testing.T, payload []byte, binary bool) {
		d, err := spark.ParseDescribe(payload, binary)
		if err != nil {
			if d.HasApplication || d.System != nil {
				t.Fatalf("%v, and yet %+v", err, d)
			}
			return
		}
		checkBounds(t, &d)
		var encoded []byte
		switch d.HasApplication = !binary; {
		case binary:
			encoded = spark.AppendSystem(nil, d.System)
		case d.System != nil:
			encoded = spark.AppendDescribeJSON(nil, &d)
		default:
			encoded = spark.AppendApplication(nil, &d)
		}
		if len(encoded) > spark.MaxDescribe {
			return // escapes and fields that were left out make it longer
		}
		again, err := spark.ParseDescribe(encoded, binary)
		if diff := cmp.Diff(d, again, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Fatalf("%v (-first +again):\n%s", err, diff)
		}
	})
}

func checkBounds(t *testing.T, d *spark.Describe) {
	t.Helper()
	if len(d.Functions) > spark.MaxFunctions || len(d.Variables) > spark.MaxFunctions {
		t.Fatalf("%d functions, %d variables", len(d.Functions), len(d.Variables))
	}
	for _, name := range d.Functions {
		if name == "" || len(name) > spark.MaxName {
			t.Fatalf("function %q", name)
		}
	}
	if d.System == nil {
		return
	}
	if len(d.System.Modules) > spark.MaxModules || len(d.System.Assets) > spark.MaxAssets {
		t.Fatalf("%d modules, %d assets", len(d.System.Modules), len(d.System.Assets))
	}
}

func FuzzParseMetrics(f *testing.F) {
	f.Add(unhex(f, "00 0400 0200 0400 0600 12000000 1980 9cffffff"))
	f.Fuzz(func(t *testing.T, payload []byte) {
		metrics, err := spark.ParseMetrics(payload)
		if err != nil {
			return
		}
		if again := spark.AppendMetrics(nil, metrics); !bytes.Equal(again, payload) {
			t.Fatalf("%x comes out as %x", payload, again)
		}
	})
}

func FuzzParseGoodbye(f *testing.F) {
	f.Add(unhex(f, "0f 05 8c01 ffffffff0f 06"))
	f.Fuzz(func(t *testing.T, payload []byte) {
		g, err := spark.ParseGoodbye(payload)
		if err != nil {
			return
		}
		again, err := spark.ParseGoodbye(g.Append(nil))
		if err != nil || again != g {
			t.Fatalf("%+v, then %+v, %v", g, again, err)
		}
	})
}

// FuzzMessage gives whole datagrams to everything that reads messages.
func FuzzMessage(f *testing.F) {
	for _, r := range recordings {
		for _, m := range load(f, r.name) {
			f.Add(m.raw)
		}
	}
	f.Add(unhex(f, "4002 0005 b145 01 61 ff"))
	f.Fuzz(func(t *testing.T, datagram []byte) {
		m, err := spark.Parse(datagram)
		if err != nil {
			return
		}
		readAll(&m)
		if e, err := spark.ParseEvent(&m); err == nil && len(e.Data) <= spark.MaxEventData {
			raw, err := spark.AppendEvent(nil, m.Type, m.ID, &e, spark.EventLayout{Format: true, Age: spark.AgeAlways})
			if err != nil {
				t.Fatal(err)
			}
			bare := parse(t, raw)
			again, err := spark.ParseEvent(&bare)
			if diff := cmp.Diff(e, again, cmpopts.EquateEmpty()); err != nil || diff != "" {
				t.Fatalf("%v (-first +again):\n%s", err, diff)
			}
		}
		if s, err := spark.ParseSubscription(&m, 0); err == nil && s.Scope != spark.ScopeMine && s.Prefix == "" {
			t.Fatalf("a subscription to everything of everybody: %+v", s)
		}
		if fn, err := spark.ParseFunction(&m); err == nil && (len(fn.Name) > spark.MaxName || len(m.Token) != 1) {
			t.Fatalf("%+v", fn)
		}
	})
}

// readAll calls what only must not panic.
func readAll(m *coap.Message) {
	_ = spark.Classify(m).String()
	_ = spark.ClassifyRequest(m).String()
	_, _ = spark.ParseDescribePost(m)
	_, _ = spark.ParseDescribeAnswer(m)
	_, _ = spark.ParseDescribeRequest(m)
	_, _ = spark.AppendDescribeAck(nil, m)
	_, _, _ = spark.ParseVariable(m)
	_, _ = spark.ParseSignal(m)
	_, _ = spark.ParseTime(m)
	_, _ = spark.ParseFunctionResult(m)
	for _, vt := range []spark.VariableType{spark.TypeBool, spark.TypeInt, spark.TypeString, spark.TypeDouble} {
		_, _ = spark.ParseValue(m, vt)
	}
}
