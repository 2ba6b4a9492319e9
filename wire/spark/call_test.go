package spark_test

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// TestFunctionLayouts: what is valid CoAP, but not where a device looks.
func TestFunctionLayouts(t *testing.T) {
	long := strings.Repeat("61", 65)
	for _, tc := range []struct {
		name, hex string
		want      error
	}{
		{"as it should be", "4102 0001 07 b166 0161 4178", nil},
		{"empty argument", "4102 0001 07 b166 0161 40", nil},
		{"no token", "4002 0001 b166 0161 40", spark.ErrToken},
		{"token of two bytes", "4202 0001 0707 b166 0161 40", spark.ErrToken},
		{"no argument", "4102 0001 07 b166 0161", spark.ErrLayout},
		{"no name", "4102 0001 07 b166 4178", spark.ErrLayout},
		{"nothing", "4102 0001 07 b166", spark.ErrLayout},
		{"two names", "4102 0001 07 b166 0161 0162 40", spark.ErrLayout},
		{"format before the argument", "4102 0001 07 b166 0161 10 3178", spark.ErrLayout},
		{"long name", "4102 0001 07 b166 0d34" + long + "40", spark.ErrName},
		{"long argument", "4102 0001 07 b166 0161 4e02f4" + strings.Repeat("78", 1025), spark.ErrTooLong},
	} {
		m := parse(t, unhex(t, tc.hex))
		f, err := spark.ParseFunction(&m)
		if !errors.Is(err, tc.want) || err == nil && (f.Name != "a" || f.Token != 7) {
			t.Errorf("%s: %+v, %v; want %v", tc.name, f, err, tc.want)
		}
	}
}

// TestFunctionBytes are the three lengths that an option can have.
func TestFunctionBytes(t *testing.T) {
	name13, arg269 := strings.Repeat("n", 13), strings.Repeat("a", 269)
	for _, tc := range []struct{ name, arg, want string }{
		{"set", "123456", "4102 b702 1d b166 03736574 46313233343536"},
		{"fail", "", "4102 b702 1d b166 046661696c 40"},
		{name13, arg269, "4102 b702 1d b166 0d00" + strings.Repeat("6e", 13) + "4e0000" + strings.Repeat("61", 269)},
	} {
		got := must(t)(spark.AppendFunction(nil, 0xb702, 0x1d, tc.name, tc.arg))
		if want := unhex(t, tc.want); !bytes.Equal(got, want) {
			t.Errorf("%x, want %x", got, want)
		}
	}
	if _, err := spark.AppendFunction(nil, 1, 2, "f", strings.Repeat("x", 1025)); !errors.Is(err, spark.ErrTooLong) {
		t.Errorf("argument of 1025 bytes: %v", err)
	}
}

func TestFunctionResults(t *testing.T) {
	for _, tc := range []struct {
		name, hex string
		result    int32
		want      error
	}{
		{"separate", "4144 0001 07 ff fffffff9", -7, nil},
		{"piggybacked", "6144 0001 07 ff 0001e240", 123456, nil},
		{"argument too long", "6180 0001 07", 0, spark.ErrRefused},
		{"busy", "41a3 0001 07", 0, spark.ErrRefused},
		{"no result", "4144 0001 07", 0, spark.ErrResult},
		{"five bytes", "4144 0001 07 ff 0000000000", 0, spark.ErrResult},
	} {
		m := parse(t, unhex(t, tc.hex))
		got, err := spark.ParseFunctionResult(&m)
		if !errors.Is(err, tc.want) || got != tc.result {
			t.Errorf("%s: %d, %v; want %d, %v", tc.name, got, err, tc.result, tc.want)
		}
	}
}

func TestVariableLayouts(t *testing.T) {
	for _, tc := range []struct {
		name, hex string
		want      error
	}{
		{"as it should be", "4101 0001 07 b176 0161", nil},
		{"no token", "4001 0001 b176 0161", spark.ErrToken},
		{"no name", "4101 0001 07 b176", spark.ErrLayout},
		{"query instead", "4101 0001 07 b176 4161", spark.ErrLayout},
		{"long name", "4101 0001 07 b176 0d34" + strings.Repeat("61", 65), spark.ErrName},
	} {
		m := parse(t, unhex(t, tc.hex))
		token, name, err := spark.ParseVariable(&m)
		if !errors.Is(err, tc.want) || err == nil && (token != 7 || name != "a") {
			t.Errorf("%s: %x %q, %v; want %v", tc.name, token, name, err, tc.want)
		}
	}
}

// TestValues: bool, int32, double and string as they stand on the wire.
func TestValues(t *testing.T) {
	for _, tc := range []struct {
		hex  string
		want spark.Value
	}{
		{"01", spark.Value{Type: spark.TypeBool, Bool: true}},
		{"00", spark.Value{Type: spark.TypeBool}},
		{"0001e240", spark.Value{Type: spark.TypeInt, Int: 123456}},
		{"80000000", spark.Value{Type: spark.TypeInt, Int: math.MinInt32}},
		{"112d4454fb210940", spark.Value{Type: spark.TypeDouble, Double: 3.14159265358979}},
		{"68656c6c6f", spark.Value{Type: spark.TypeString, Text: "hello"}},
		{"", spark.Value{Type: spark.TypeString}},
		{"ff00", spark.Value{Type: 42, Text: "\xff\x00"}},
	} {
		got, err := spark.DecodeValue(tc.want.Type, unhex(t, tc.hex))
		if err != nil {
			t.Errorf("%s: %v", tc.hex, err)
		}
		same(t, tc.want, got)
		if back := spark.EncodeValue(nil, got); !bytes.Equal(back, unhex(t, tc.hex)) {
			t.Errorf("%s comes out as %x", tc.hex, back)
		}
	}
}

func TestBadValues(t *testing.T) {
	for vt, size := range map[spark.VariableType]int{spark.TypeBool: 1, spark.TypeInt: 4, spark.TypeDouble: 8} {
		for n := range 10 {
			_, err := spark.DecodeValue(vt, make([]byte, n))
			if n == size && err != nil || n != size && !errors.Is(err, spark.ErrValue) {
				t.Errorf("%v of %d bytes: %v", vt, n, err)
			}
		}
	}
	if _, err := spark.DecodeValue(spark.TypeString, make([]byte, 1025)); !errors.Is(err, spark.ErrTooLong) {
		t.Errorf("string of 1025 bytes: %v", err)
	}
	unknown := parse(t, unhex(t, "5184 0001 07"))
	if _, err := spark.ParseValue(&unknown, spark.TypeInt); !errors.Is(err, spark.ErrRefused) {
		t.Errorf("4.04: %v", err)
	}
}

func TestTime(t *testing.T) {
	for name, hex := range map[string]string{
		"no token":           "6045 0001 ff 6b02f459",
		"token of two bytes": "6245 0001 0101 ff 6b02f459",
		"an option":          "6145 0001 01 c0 ff 6b02f459",
		"nothing":            "6145 0001 01",
		"five bytes":         "6145 0001 01 ff 006b02f459",
	} {
		m := parse(t, unhex(t, hex))
		if s, err := spark.ParseTime(&m); !errors.Is(err, spark.ErrTime) {
			t.Errorf("%s: %d, %v", name, s, err)
		}
	}
	m := parse(t, spark.AppendTime(nil, 1, 2, math.MaxUint32))
	if s, err := spark.ParseTime(&m); err != nil || s != math.MaxUint32 {
		t.Errorf("%d, %v", s, err)
	}
}

func TestControl(t *testing.T) {
	for name, tc := range map[string]struct {
		got  []byte
		want string
	}{
		"ping":         {spark.AppendPing(nil, 0xb70b), "4000 b70b"},
		"signal on":    {spark.AppendSignal(nil, 0xb709, 0x24, true), "4103 b709 24 b173 4101"},
		"signal off":   {spark.AppendSignal(nil, 0xb70a, 0x25, false), "4103 b70a 25 b173 4100"},
		"key change":   {spark.AppendKeyChange(nil, 0xaad2, 0x26), "4103 aad2 26 b16b 4101"},
		"server hello": {spark.AppendServerHello(nil, 0xfd1d), "5002 fd1d b168"},
		"time request": {spark.AppendTimeRequest(nil, 3, 0x64), "4101 0003 64 b174"},
	} {
		if want := unhex(t, tc.want); !bytes.Equal(tc.got, want) {
			t.Errorf("%s: %x, want %x", name, tc.got, want)
		}
	}
	key := parse(t, spark.AppendKeyChange(nil, 1, 2))
	if kind := spark.ClassifyRequest(&key); kind != spark.KindKeyChange {
		t.Errorf("a key change is %v", kind)
	}
	for hex, want := range map[string]error{
		"4003 0001 b173 4101":      spark.ErrToken,
		"4103 0001 07 b173":        spark.ErrLayout,
		"4103 0001 07 b173 0161":   spark.ErrLayout,
		"4103 0001 07 b173 420101": spark.ErrLayout,
	} {
		m := parse(t, unhex(t, hex))
		if _, err := spark.ParseSignal(&m); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", hex, err, want)
		}
	}
}

// TestGoodbye are a recorded pair and what could go wrong.
func TestGoodbye(t *testing.T) {
	user := spark.Goodbye{Flags: spark.GoodbyeCloudReason, CloudReason: 2}
	for ct, want := range map[coap.Type]string{
		coap.Confirmable:    "4002 002a b178 ff 0102",
		coap.NonConfirmable: "5002 002a b178 d0ea ff 0102",
	} {
		if got := must(t)(spark.AppendGoodbye(nil, ct, 0x2a, &user)); !bytes.Equal(got, unhex(t, want)) {
			t.Errorf("%v: %x, want %s", ct, got, want)
		}
	}
	for _, tc := range []struct {
		hex  string
		want spark.Goodbye
	}{
		{"", spark.Goodbye{}},
		{"00", spark.Goodbye{}},
		{"0102", user},
		{"05 06 8e02", spark.Goodbye{Flags: 5, CloudReason: 6, SleepSeconds: 270}},
		{"0f 05 8c01 ffffffff0f 06", spark.Goodbye{
			Flags: 15, CloudReason: 5, ResetReason: 140, SleepSeconds: math.MaxUint32, NetworkReason: 6,
		}},
		{"10 aabb", spark.Goodbye{Flags: 16}},
		{"8100 02", user},
	} {
		got, err := spark.ParseGoodbye(unhex(t, tc.hex))
		if err != nil {
			t.Errorf("%s: %v", tc.hex, err)
		}
		same(t, tc.want, got)
	}
	for _, bad := range []string{"80", "01", "0180", "04 ffffffff10", "04 ffffffffff00", "0f 01 02 03"} {
		if g, err := spark.ParseGoodbye(unhex(t, bad)); !errors.Is(err, spark.ErrGoodbye) {
			t.Errorf("%s: %+v, %v", bad, g, err)
		}
	}
}

func TestGoodbyeReasons(t *testing.T) {
	if got := spark.CloudReason(6).String() + ", " + spark.ResetReason(140).String() + ", " +
		spark.NetworkReason(3).String(); got != "sleep, user, network off" {
		t.Errorf("%q", got)
	}
	if got := spark.CloudReason(99).String() + spark.ResetReason(1).String() + spark.NetworkReason(0).String(); got != "" {
		t.Errorf("unknown reasons are called %q", got)
	}
}
