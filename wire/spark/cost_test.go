package spark_test

import (
	"testing"

	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// TestEventsAreCheap: an event costs its name and nothing else to read, and
// nothing to write into a buffer that is long enough. Calls likewise.
func TestEventsAreCheap(t *testing.T) {
	raw := unhex(t, "4002 0010 b145 09 766465762f7469636b ff 31323334")
	m := parse(t, raw)
	e, err := spark.ParseEvent(&m)
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 0, 256)
	for _, tc := range []struct {
		what string
		max  float64
		run  func() error
	}{
		{"Parse", 0, func() error { _, err := spark.Parse(raw); return err }},
		{"ParseEvent", 1, func() error { _, err := spark.ParseEvent(&m); return err }},
		{"AppendEvent", 0, func() error {
			_, err := spark.AppendEvent(buf, coap.Confirmable, 1, &e, spark.DeliveryLayout(6200))
			return err
		}},
		{"AppendFunction", 0, func() error { _, err := spark.AppendFunction(buf, 1, 2, "echo", "hello"); return err }},
		{"AppendVariable", 0, func() error { _, err := spark.AppendVariable(buf, 1, 2, "temperature"); return err }},
	} {
		allocs := testing.AllocsPerRun(100, func() {
			if err := tc.run(); err != nil {
				t.Fatal(tc.what, err)
			}
		})
		if allocs > tc.max {
			t.Errorf("%s allocates %.0f times, want at most %.0f", tc.what, allocs, tc.max)
		}
	}
}

func BenchmarkEvent(b *testing.B) {
	raw := unhex(b, "4002 0010 b145 09 766465762f7469636b ff 31323334")
	buf := make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		m, err := spark.Parse(raw)
		if err != nil {
			b.Fatal(err)
		}
		e, err := spark.ParseEvent(&m)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := spark.AppendEvent(buf, coap.NonConfirmable, 1, &e, spark.EventLayout{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseApplication(b *testing.B) {
	payload := []byte(`{"f":["echo","set","fail","slow","pub","period","ctl"],` +
		`"v":{"vint":2,"vdouble":9,"vbool":1,"vstring":4,"vchars":4,"counter":2}}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := spark.ParseApplication(payload); err != nil {
			b.Fatal(err)
		}
	}
}
