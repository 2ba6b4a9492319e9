package spark_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/spark"
)

func TestParseApplication(t *testing.T) {
	for _, tc := range []struct{ name, json, want string }{
		{"empty", `{"f":[],"v":{}}`, "functions [] variables []"},
		{"both", `{"f":["a","b"],"v":{"x":2,"y":9}}`, "functions [a b] variables [{x int32} {y double}]"},
		{"only variables", `{"v":{"x":1}}`, "functions [] variables [{x bool}]"},
		{"order is kept", `{"f":["z","a","m"],"v":{"z":4,"a":4}}`, "functions [z a m] variables [{z string} {a string}]"},
		{"spaces", " { \"f\" : [ \"a\" ] }\r\n", "functions [a] variables []"},
		{"unknown fields", `{"q":{"deep":[1,{}]},"f":["a"],"w":null}`, "functions [a] variables []"},
		{"unknown type", `{"v":{"x":200}}`, "functions [] variables [{x unknown}]"},
		{"first of equals", `{"f":["a","b","a"],"v":{"x":2,"x":4}}`, "functions [a b] variables [{x int32}]"},
		{"last of the lists", `{"f":["a"],"f":["b"]}`, "functions [b] variables []"},
		{"unusable names", `{"f":["","ok","` + strings.Repeat("n", 65) + `","nul\u0000"],"v":{"":2}}`, "functions [ok] variables []"},
		{"escapes", `{"f":["\u00e9","\"q\"","\ud83d\ude00"]}`, `functions [é "q" 😀] variables []`},
		{"broken surrogate", `{"f":["\ud83d"]}`, "functions [\ufffd] variables []"},
		{"no UTF-8", "{\"f\":[\"a\xff\"]}", "functions [a\ufffd] variables []"},
	} {
		d, err := spark.ParseApplication([]byte(tc.json))
		if err != nil || describeText(d) != tc.want {
			t.Errorf("%s: %q, %v; want %q", tc.name, describeText(d), err, tc.want)
		}
	}
}

func TestBadDescribeJSON(t *testing.T) {
	many := func(n int, format string) string {
		parts := make([]string, n)
		for i := range parts {
			parts[i] = fmt.Sprintf(format, i)
		}
		return strings.Join(parts, ",")
	}
	for _, tc := range []struct {
		name, json string
		want       error
	}{
		{"nothing", "", spark.ErrDescribe},
		{"no object", `["f"]`, spark.ErrDescribe},
		{"null", `null`, spark.ErrDescribe},
		{"cut off", `{"f":["a"`, spark.ErrDescribe},
		{"cut within a name", `{"f":["a`, spark.ErrDescribe},
		{"trailing", `{"f":[]}x`, spark.ErrDescribe},
		{"two objects", `{"f":[]}{}`, spark.ErrDescribe},
		{"number as a function", `{"f":[1]}`, spark.ErrDescribe},
		{"object as functions", `{"f":{}}`, spark.ErrDescribe},
		{"null as functions", `{"f":null}`, spark.ErrDescribe},
		{"text as a type", `{"v":{"x":"int"}}`, spark.ErrDescribe},
		{"negative type", `{"v":{"x":-1}}`, spark.ErrDescribe},
		{"huge type", `{"v":{"x":256}}`, spark.ErrDescribe},
		{"fraction as type", `{"v":{"x":1.5}}`, spark.ErrDescribe},
		{"deep nesting", strings.Repeat("[", 9000), spark.ErrDescribe},
		{"deep unknown field", `{"q":` + strings.Repeat("[", 12000) + strings.Repeat("]", 12), spark.ErrDescribe},
		{"raw control character", "{\"f\":[\"a\nb\"]}", spark.ErrDescribe},
		{"quotation mark in a name", `{"f":["a"b"]}`, spark.ErrDescribe},
		{"platform beyond 16 bits", `{"p":65536}`, spark.ErrDescribe},
		{"bad hash", `{"m":[{"u":"xyz"}]}`, spark.ErrDescribe},
		{"text as module", `{"m":["x"]}`, spark.ErrDescribe},
		{"bytes", `{"f":[]}` + strings.Repeat(" ", spark.MaxDescribe), spark.ErrTooLarge},
		{"functions", `{"f":[` + many(spark.MaxFunctions+1, `"f%d"`) + `]}`, spark.ErrTooLarge},
		{"variables", `{"v":{` + many(spark.MaxFunctions+1, `"v%d":2`) + `}}`, spark.ErrTooLarge},
		{"modules", `{"m":[` + many(spark.MaxModules+1, `{"v":%d}`) + `]}`, spark.ErrTooLarge},
		{"dependencies", `{"m":[{"d":[` + many(spark.MaxDependencies+1, `{"v":%d}`) + `]}]}`, spark.ErrTooLarge},
		{"hash", `{"m":[{"u":"` + strings.Repeat("00", 33) + `"}]}`, spark.ErrTooLarge},
		{"serial number", `{"imei":"` + strings.Repeat("1", 129) + `"}`, spark.ErrTooLarge},
	} {
		d, err := spark.ParseDescribe([]byte(tc.json), false)
		if !errors.Is(err, tc.want) || d.HasApplication || d.System != nil {
			t.Errorf("%s: %+v, %v; want %v", tc.name, d, err, tc.want)
		}
	}
	full := `{"f":[` + many(spark.MaxFunctions, `"f%d"`) + `],"v":{` + many(spark.MaxFunctions, `"v%d":2`) + `}}`
	if d, err := spark.ParseApplication([]byte(full)); err != nil || len(d.Functions) != 200 || len(d.Variables) != 200 {
		t.Errorf("as many as allowed: %d, %d, %v", len(d.Functions), len(d.Variables), err)
	}
}

// TestPartsMustBeThere: a describe without the part that was asked for is none.
func TestPartsMustBeThere(t *testing.T) {
	if _, err := spark.ParseApplication([]byte(`{"p":3,"m":[]}`)); !errors.Is(err, spark.ErrDescribe) {
		t.Errorf("application: %v", err)
	}
	if _, err := spark.ParseSystem([]byte(`{"f":[]}`), false); !errors.Is(err, spark.ErrDescribe) {
		t.Errorf("system: %v", err)
	}
}

// TestSystemJSON reads what a cellular device of Device OS 2.x says.
func TestSystemJSON(t *testing.T) {
	const payload = `{"p":13,"imei":"352753090000000","iccid":"8934076500002586220","cellfw":"02.19,A00.01","m":[` +
		`{"s":49152,"l":"m","vc":30,"vv":30,"f":"b","n":"0","v":502,"d":[]},` +
		`{"s":671744,"l":"m","vc":30,"vv":26,"f":"s","n":"1","v":2301,"d":[{"f":"b","n":"0","v":501},{"f":"a","n":"0","v":202}]},` +
		`{"s":131072,"l":"m","vc":30,"vv":30,"u":"48A0` + "00000000000000000000000000000000000000000000000000000000000f" +
		`","f":"u","n":1,"v":6,"p":13,"d":[{"f":"s","n":"1","v":2301,"_":""}]},` +
		`{"s":131072,"l":"f","vc":30,"vv":0,"f":"?","n":"1","v":0,"d":[]}]}`
	s, err := spark.ParseSystem([]byte(payload), false)
	if err != nil {
		t.Fatal(err)
	}
	hash := make([]byte, 32)
	hash[0], hash[1], hash[31] = 0x48, 0xa0, 0x0f
	same(t, &spark.System{
		PlatformID: 13, IMEI: "352753090000000", ICCID: "8934076500002586220", ModemFirmware: "02.19,A00.01",
		Modules: []spark.Module{
			{Type: spark.ModuleBootloader, Version: 502, MaxSize: 49152, Checked: 30, Passed: 30},
			{
				Type: spark.ModuleSystem, Index: 1, Version: 2301, MaxSize: 671744, Checked: 30,
				Passed: spark.CheckIntegrity | spark.CheckRange | spark.CheckPlatform,
				Dependencies: []spark.Dependency{
					{Type: spark.ModuleBootloader, Version: 501}, {Type: spark.ModuleRadio, Version: 202},
				},
			},
			{
				Type: spark.ModuleUser, Index: 1, Version: 6, MaxSize: 131072, Checked: 30, Passed: 30, Hash: hash,
				Dependencies: []spark.Dependency{{Type: spark.ModuleSystem, Index: 1, Version: 2301}},
			},
			{Store: spark.StoreFactory, Index: 1, MaxSize: 131072, Checked: 30},
		},
	}, s)
}

func TestSystemProtoBounds(t *testing.T) {
	text := bytes.Repeat([]byte{'x'}, 129)
	hash := make([]byte, 33)
	for _, tc := range []struct {
		name    string
		payload []byte
		want    error
	}{
		{"tag cut off", []byte{0x80}, spark.ErrDescribe},
		{"field number 0", []byte{0x00, 0x01}, spark.ErrDescribe},
		{"varint cut off", []byte{0x30, 0x80}, spark.ErrDescribe},
		{"varint of 11 bytes", append([]byte{0x30}, bytes.Repeat([]byte{0xff}, 11)...), spark.ErrDescribe},
		{"length beyond the end", []byte{0x12, 0x7f, 'x'}, spark.ErrDescribe},
		{"module cut off", []byte{0x0a, 0x02, 0x35, 0x00}, spark.ErrDescribe},
		{"group without end", []byte{0x43}, spark.ErrDescribe},
		{"security cut off", []byte{0x0a, 0x04, 0x62, 0x02, 0x08, 0x80}, spark.ErrDescribe},
		{"text", protoField(2, text), spark.ErrTooLarge},
		{"hash", protoField(7, hash), spark.ErrTooLarge},
		{"fingerprint", protoField(1, protoField(12, protoField(2, hash))), spark.ErrTooLarge},
		{"modules", bytes.Repeat([]byte{0x0a, 0x00}, spark.MaxModules+1), spark.ErrTooLarge},
		{"assets", bytes.Repeat([]byte{0x2a, 0x00}, spark.MaxAssets+1), spark.ErrTooLarge},
		{"dependencies", protoField(1, bytes.Repeat([]byte{0x4a, 0x00}, spark.MaxDependencies+1)), spark.ErrTooLarge},
		{"bytes", make([]byte, spark.MaxDescribe+1), spark.ErrTooLarge},
	} {
		if s, err := spark.ParseSystem(tc.payload, true); !errors.Is(err, tc.want) {
			t.Errorf("%s: %+v, %v; want %v", tc.name, s, err, tc.want)
		}
	}
}

// protoField encodes a field of bytes.
func protoField(number protowire.Number, b []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), b)
}

// TestSystemProtoTolerates: unknown fields, other wire types, repeated singles.
func TestSystemProtoTolerates(t *testing.T) {
	payload := bytes.Join([][]byte{
		protoField(2, []byte("first")),
		{0x98, 0x06, 0x05},                      // field 99, varint
		{0x10, 0x05},                            // field 2 as a varint
		{0x43, 0x08, 0x01, 0x44},                // field 8, a group
		{0x4d, 1, 2, 3, 4},                      // field 9, fixed32
		{0x51, 1, 2, 3, 4, 5, 6, 7, 8},          // field 10, fixed64
		protoField(3, []byte("\xffid")),         // no UTF-8
		protoField(1, []byte{0x18, 0xe8, 0x07}), // module of version 1000
		protoField(2, []byte("second")),
	}, nil)
	s, err := spark.ParseSystem(payload, true)
	if err != nil {
		t.Fatal(err)
	}
	same(t, &spark.System{IMEI: "second", ICCID: "?id", Modules: []spark.Module{{Version: 1000}}}, s)
}

func TestMerge(t *testing.T) {
	var d spark.Describe
	d.Merge(spark.Describe{System: &spark.System{PlatformID: 13}})
	d.Merge(spark.Describe{HasApplication: true, Functions: []string{"a"}, Variables: []spark.Variable{{"x", spark.TypeInt}}})
	d.Merge(spark.Describe{})
	if !d.HasApplication || d.System == nil || !d.HasFunction("a") || d.HasFunction("b") {
		t.Errorf("%+v", d)
	}
	if vt, ok := d.VariableType("x"); !ok || vt != spark.TypeInt {
		t.Errorf("x is %v, %v", vt, ok)
	}
	if _, ok := d.VariableType("y"); ok {
		t.Error("y is known")
	}
	d.Merge(spark.Describe{HasApplication: true})
	if d.HasFunction("a") || d.System == nil {
		t.Errorf("an application without functions did not replace the one with: %+v", d)
	}
}

// TestDescribeInBlocks follows a describe that takes three messages.
func TestDescribeInBlocks(t *testing.T) {
	whole := bytes.Repeat([]byte("0123456789abcdef"), 150)
	blocks := coap.Splitter{Body: whole, SZX: 6}
	collected := coap.Assembler{Max: spark.MaxDescribe}
	want := []string{"615f 0000 40 d10e0e", "615f 0001 41 d10e1e", "6144 0002 42"}
	for i := range blocks.Count() {
		block, payload, _ := blocks.Block(uint32(i))
		out := spark.DescribePart{
			Flags: spark.DescribeSystem, Binary: true, Token: byte(0x40 + i), HasToken: true,
			Block: block, HasBlock: true, Payload: payload,
		}
		m := parse(t, must(t)(out.AppendPost(nil, uint16(i))))
		in, err := spark.ParseDescribePost(&m)
		if err != nil {
			t.Fatal(err)
		}
		if ack := must(t)(spark.AppendDescribeAck(nil, &m)); !bytes.Equal(ack, unhex(t, want[i])) {
			t.Errorf("block %d is answered by %x, want %s", i, ack, want[i])
		}
		body, done, err := collected.Add(in.Block, in.Payload)
		if err != nil || done != (i == 2) || done && !bytes.Equal(body, whole) {
			t.Errorf("block %d: %v, %v", i, done, err)
		}
	}
}

// TestDescribeBlockRequest is the recorded form of a request for one more block.
func TestDescribeBlockRequest(t *testing.T) {
	r := spark.DescribeRequest{
		Token: 0x15, Flags: spark.DescribeApplication,
		Block: coap.Block{Num: 1, SZX: 6}, HasBlock: true,
	}
	raw := must(t)(r.Append(nil, 0xb6fa))
	if want := unhex(t, "4101 b6fa 15 b164 4102 8116"); !bytes.Equal(raw, want) {
		t.Errorf("%x, want %x", raw, want)
	}
	m := parse(t, raw)
	got, err := spark.ParseDescribeRequest(&m)
	if err != nil || got != r {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestOnePartAtATime(t *testing.T) {
	for flags := range spark.DescribeFlags(16) {
		single := flags == 1 || flags == 2 || flags == 4
		raw, err := spark.AppendDescribeRequest([]byte("x"), 1, 2, flags)
		if single != (err == nil) || !single && (!errors.Is(err, spark.ErrFlag) || string(raw) != "x") {
			t.Errorf("flags %d: %x, %v", flags, raw, err)
		}
	}
}

func TestBadDescribeMessages(t *testing.T) {
	for _, tc := range []struct {
		name, hex string
		want      error
	}{
		{"no query", "4002 0001 b164 ff 7b7d", spark.ErrFlag},
		{"query of two bytes", "4002 0001 b164 42 0101 ff 7b7d", spark.ErrFlag},
		{"token of two bytes", "4202 0001 0102 b164 41 01 ff 7b7d", spark.ErrToken},
		{"block of size 7", "4102 0001 01 b164 4101 c107 ff 7b7d", spark.ErrOption},
		{"block of four bytes", "4102 0001 01 b164 4101 c400000006 ff 7b7d", spark.ErrOption},
	} {
		m := parse(t, unhex(t, tc.hex))
		if p, err := spark.ParseDescribePost(&m); !errors.Is(err, tc.want) {
			t.Errorf("%s: %+v, %v; want %v", tc.name, p, err, tc.want)
		}
	}
	refused := parse(t, unhex(t, "6184 0001 07"))
	if _, err := spark.ParseDescribeAnswer(&refused); !errors.Is(err, spark.ErrRefused) {
		t.Errorf("4.04: %v", err)
	}
	badBlock := parse(t, unhex(t, "4145 0001 07 d10a07 ff 00"))
	if _, err := spark.ParseDescribeAnswer(&badBlock); !errors.Is(err, spark.ErrOption) {
		t.Errorf("answer with a block of size 7: %v", err)
	}
	for hex, want := range map[string]error{
		"4001 0001 b164 4101":         spark.ErrToken,
		"4101 0001 07 b164":           spark.ErrFlag,
		"4101 0001 07 b164 4101 8107": spark.ErrOption,
	} {
		m := parse(t, unhex(t, hex))
		if _, err := spark.ParseDescribeRequest(&m); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", hex, err, want)
		}
	}
}

func TestMetrics(t *testing.T) {
	for name, hex := range map[string]string{
		"empty":          "",
		"JSON":           "7b7d 00 0000 0000",
		"another part":   "00 0100 0200 0400",
		"ids of 4 bytes": "00 0400 0400 0400",
		"values of 8":    "00 0400 0200 0800",
		"pair cut off":   "00 0400 0200 0400 0600 0400 00",
		"header cut off": "00 0400 0200 04",
	} {
		if m, err := spark.ParseMetrics(unhex(t, hex)); !errors.Is(err, spark.ErrMetrics) {
			t.Errorf("%s: %v, %v", name, m, err)
		}
	}
	tooMany := append(unhex(t, "00 0400 0200 0400"), make([]byte, 6*(spark.MaxMetrics+1))...)
	if _, err := spark.ParseMetrics(tooMany); !errors.Is(err, spark.ErrMetrics) {
		t.Errorf("too many: %v", err)
	}
	got, err := spark.ParseMetrics(unhex(t, "00 0400 0200 0400 0600 12000000 1980 9cffffff"))
	if err != nil {
		t.Fatal(err)
	}
	same(t, []spark.Metric{{ID: 6, Value: 18}, {ID: 25, Failed: true, Value: -100}}, got)
	if spark.MetricName(6) != "sys:uptime" || spark.MetricName(12345) != "" {
		t.Errorf("names: %q, %q", spark.MetricName(6), spark.MetricName(12345))
	}
}

// TestChecksums are fixed against CRC-32 values computed apart from this code
// (zlib), and do not depend on order where a device's do not.
func TestChecksums(t *testing.T) {
	d := spark.Describe{Functions: []string{"echo", "set"}, Variables: []spark.Variable{{"vint", 2}, {"vdouble", 9}}}
	r := spark.Describe{Functions: []string{"set", "echo"}, Variables: []spark.Variable{{"vdouble", 9}, {"vint", 2}}}
	if a, b := spark.ApplicationChecksum(&d), spark.ApplicationChecksum(&r); a != b || a != applicationCRC {
		t.Errorf("application %#x, reversed %#x, want %#x", a, b, applicationCRC)
	}
	s := []spark.Subscription{{Prefix: "particle"}, {Prefix: "data", Binary: true}}
	if got := spark.SubscriptionsChecksum(s); got != subscriptionsCRC {
		t.Errorf("subscriptions %#x, want %#x", got, subscriptionsCRC)
	}
	s[0], s[1] = s[1], s[0]
	if got := spark.SubscriptionsChecksum(s); got == subscriptionsCRC {
		t.Error("the order of subscriptions does not count")
	}
}

const (
	applicationCRC   = 0x327e1aa0
	subscriptionsCRC = 0xb36abcaf
)
