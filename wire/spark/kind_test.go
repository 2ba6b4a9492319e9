package spark_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/spark"
)

func TestClassify(t *testing.T) {
	for _, tc := range []struct {
		hex           string
		device, cloud spark.Kind // what it is when the device, or the cloud, sent it
		meaning       string
	}{
		{"4000 0001", spark.KindPing, spark.KindPing, "empty CON"},
		{"6000 0001", spark.KindAck, spark.KindAck, "empty ACK"},
		{"7000 0001", spark.KindReset, spark.KindReset, "RST"},
		{"6144 0001 07", spark.KindResponse, spark.KindResponse, "piggybacked 2.04"},
		{"5145 0001 07 ff 01", spark.KindResponse, spark.KindResponse, "separate 2.05"},
		{"4184 0001 07", spark.KindResponse, spark.KindResponse, "4.04"},
		{"4002 0001 b168 ff 00", spark.KindHello, spark.KindHello, "POST /h"},
		{"4002 0001 b164 41 01", spark.KindDescribe, spark.KindUnknown, "POST /d"},
		{"4101 0001 07 b164 41 01", spark.KindUnknown, spark.KindDescribe, "GET /d"},
		{"4101 0001 07 b174", spark.KindTime, spark.KindUnknown, "GET /t"},
		{"4002 0001 b145 01 61", spark.KindEvent, spark.KindEvent, "POST /E/a"},
		{"4002 0001 b165 01 61", spark.KindEvent, spark.KindEvent, "POST /e/a"},
		{"4001 0001 b165 01 61", spark.KindSubscribe, spark.KindUnknown, "GET /e/a"},
		{"4002 0001 b178 ff 00", spark.KindGoodbye, spark.KindUnknown, "POST /x"},
		{"4102 0001 07 b14c", spark.KindLedger, spark.KindLedger, "POST /L"},
		{"4102 0001 07 b14d", spark.KindUnknown, spark.KindServerMoved, "POST /M"},
		{"4102 0001 07 b166 01 61 40", spark.KindUnknown, spark.KindFunction, "POST /f/a"},
		{"4101 0001 07 b176 01 61", spark.KindUnknown, spark.KindVariable, "GET /v/a"},
		{"4103 0001 07 b173 41 01", spark.KindUnknown, spark.KindSignal, "PUT /s"},
		{"4103 0001 07 b16b 41 01", spark.KindUnknown, spark.KindKeyChange, "PUT /k"},
		{"4102 0001 07 b175", spark.KindUnknown, spark.KindUpdateBegin, "POST /u"},
		{"4102 0001 07 b173", spark.KindUnknown, spark.KindUpdateBegin, "POST /s"},
		{"4102 0001 07 b163", spark.KindUnknown, spark.KindChunk, "POST /c"},
		{"4001 0001 b163 ff 0001", spark.KindChunksMissed, spark.KindUnknown, "GET /c"},
		{"4003 0001 b175", spark.KindUpdateDone, spark.KindUpdateDone, "PUT /u"},
		{"4102 0001 07 b153", spark.KindUnknown, spark.KindUpdateStart, "POST /S"},
		{"5002 0001 b143", spark.KindUnknown, spark.KindUpdateChunk, "POST /C"},
		{"5002 0001 b141", spark.KindChunkAck, spark.KindUnknown, "POST /A"},
		{"4102 0001 07 b146", spark.KindUnknown, spark.KindUpdateFinish, "POST /F"},
		{"4002 0001", spark.KindUnknown, spark.KindUnknown, "POST without a path"},
		{"4002 0001 b26868", spark.KindUnknown, spark.KindUnknown, "POST /hh"},
		{"4002 0001 b0", spark.KindUnknown, spark.KindUnknown, "POST of an empty segment"},
		{"4004 0001 b168", spark.KindUnknown, spark.KindUnknown, "DELETE /h"},
		{"4003 0001 b168", spark.KindUnknown, spark.KindUnknown, "PUT /h"},
		{"4102 0001 07 3166 8166 01 61 40", spark.KindUnknown, spark.KindUnknown, "a function behind Uri-Host"},
	} {
		m := parse(t, unhex(t, tc.hex))
		if got := spark.Classify(&m); got != tc.device {
			t.Errorf("%s from the device: %v, want %v", tc.meaning, got, tc.device)
		}
		if got := spark.ClassifyRequest(&m); got != tc.cloud {
			t.Errorf("%s from the cloud: %v, want %v", tc.meaning, got, tc.cloud)
		}
	}
}

func TestKindNames(t *testing.T) {
	seen := map[string]bool{}
	for k := spark.KindUnknown; k <= spark.KindUpdateFinish; k++ {
		if k.String() == "" || seen[k.String()] {
			t.Errorf("kind %d is called %q", k, k)
		}
		seen[k.String()] = true
	}
	if got := spark.Kind(200).String(); got != "unknown" {
		t.Errorf("kind 200 is called %q", got)
	}
}

// TestEmptyEventDataIsTolerated: Device OS before 3.3 publishes "" with a
// marker and nothing behind it.
func TestEmptyEventDataIsTolerated(t *testing.T) {
	raw := unhex(t, "4002 0005 b145 01 61 ff")
	if _, err := coap.Parse(raw); !errors.Is(err, coap.ErrPayload) {
		t.Fatalf("coap.Parse: %v", err)
	}
	m := parse(t, raw)
	e, err := spark.ParseEvent(&m)
	if err != nil || e.Name != "a" || e.HasData || m.ID != 5 {
		t.Errorf("%+v, %v", e, err)
	}
	for _, other := range []string{"4002 0005 b168 ff", "4102 0005 07 b166 01 61 40 ff", "6144 0005 07 ff", "4002 0005 ff"} {
		if m, err := spark.Parse(unhex(t, other)); !errors.Is(err, coap.ErrPayload) {
			t.Errorf("%s: %+v, %v", other, m, err)
		}
	}
}

func TestToken(t *testing.T) {
	for hex, want := range map[string]error{
		"4101 0001 63 b174":   nil,
		"4001 0001 b174":      spark.ErrToken,
		"4201 0001 6300 b174": spark.ErrToken,
	} {
		m := parse(t, unhex(t, hex))
		token, err := spark.Token(&m)
		if !errors.Is(err, want) || err == nil && token != 0x63 {
			t.Errorf("%s: %x, %v", hex, token, err)
		}
	}
}

// wrongMessages are read by functions for another kind of message.
func TestOtherKindsAreRefused(t *testing.T) {
	m := parse(t, unhex(t, "4102 0001 07 b14c"))
	for name, err := range map[string]error{
		"ParseEvent":           second(spark.ParseEvent(&m)),
		"ParseFunction":        second(spark.ParseFunction(&m)),
		"ParseFunctionResult":  second(spark.ParseFunctionResult(&m)),
		"ParseValue":           second(spark.ParseValue(&m, spark.TypeInt)),
		"ParseSignal":          second(spark.ParseSignal(&m)),
		"ParseTime":            second(spark.ParseTime(&m)),
		"ParseSubscription":    second(spark.ParseSubscription(&m, 0)),
		"ParseDescribePost":    second(spark.ParseDescribePost(&m)),
		"ParseDescribeAnswer":  second(spark.ParseDescribeAnswer(&m)),
		"ParseDescribeRequest": second(spark.ParseDescribeRequest(&m)),
		"AppendDescribeAck":    second(spark.AppendDescribeAck(nil, &m)),
	} {
		if !errors.Is(err, spark.ErrKind) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := spark.ParseVariable(&m); !errors.Is(err, spark.ErrKind) {
		t.Errorf("ParseVariable: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestNamesAreChecked(t *testing.T) {
	good := []string{"a", strings.Repeat("n", 64), "température", "a/b/c", `quo"te`}
	bad := []string{"", strings.Repeat("n", 65), "line\nbreak", "nul\x00", "del\x7f", "\xff\xfe"}
	for _, name := range good {
		if _, err := spark.AppendVariable(nil, 1, 2, name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range bad {
		e := spark.Event{Name: name}
		s := spark.Subscription{Prefix: name, Scope: spark.ScopeAll}
		for what, err := range map[string]error{
			"function":     second(spark.AppendFunction(nil, 1, 2, name, "")),
			"variable":     second(spark.AppendVariable(nil, 1, 2, name)),
			"event":        second(spark.AppendEvent(nil, coap.Confirmable, 1, &e, spark.EventLayout{})),
			"subscription": second(spark.AppendSubscription(nil, coap.Confirmable, 1, &s, 0)),
		} {
			if !errors.Is(err, spark.ErrName) {
				t.Errorf("%s %q: %v", what, name, err)
			}
		}
	}
}
