package spark_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// Round trips: whatever is built is read as what it was built from.

func same(t rapid.TB, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
}

func messageTypes() *rapid.Generator[coap.Type] {
	return rapid.SampledFrom([]coap.Type{coap.Confirmable, coap.NonConfirmable})
}

func versions() *rapid.Generator[uint16] {
	return rapid.SampledFrom([]uint16{0, 3000, 5500, 6199, 6200, 7000})
}

func TestHelloRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := spark.Hello{
			ProductID:      rapid.Uint16().Draw(t, "product"),
			ProductVersion: rapid.Uint16().Draw(t, "version"),
			Flags:          spark.HelloFlags(rapid.Uint16().Draw(t, "flags")),
			PlatformID:     rapid.Uint16().Draw(t, "platform"),
			HasDeviceID:    rapid.Bool().Draw(t, "has id"),
			SystemVersion:  rapid.Uint16().Draw(t, "system"),
			MaxMessage:     rapid.Uint16().Draw(t, "message"),
			MaxBinary:      rapid.Uint32().Draw(t, "binary"),
			ChunkSize:      rapid.Uint16().Draw(t, "chunk"),
		}
		if h.HasDeviceID {
			copy(h.DeviceID[:], rapid.SliceOfN(rapid.Byte(), 12, 12).Draw(t, "id"))
		}
		payload := h.Append([]byte("before"))[6:]
		h.Size = len(payload)
		got, err := spark.ParseHello(payload)
		if err != nil {
			t.Fatal(err)
		}
		same(t, h, got)
	})
}

func TestValueRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := spark.Value{Type: rapid.SampledFrom([]spark.VariableType{
			spark.TypeBool, spark.TypeInt, spark.TypeString, spark.TypeDouble, 77,
		}).Draw(t, "type")}
		switch v.Type {
		case spark.TypeBool:
			v.Bool = rapid.Bool().Draw(t, "value")
		case spark.TypeInt:
			v.Int = rapid.Int32().Draw(t, "value")
		case spark.TypeDouble:
			v.Double = rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{math.Inf(1), math.Copysign(0, -1)})).Draw(t, "value")
		default:
			v.Text = string(rapid.SliceOfN(rapid.Byte(), 0, spark.MaxValue).Draw(t, "value"))
		}
		buf, err := spark.AppendValue(nil, messageTypes().Draw(t, "message"), 1, 2, v)
		if err != nil {
			t.Fatal(err)
		}
		got, err := spark.ParseValue(reparse(t, buf), v.Type)
		if err != nil {
			t.Fatal(err)
		}
		same(t, v, got)
	})
}

func TestFunctionResultRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int32().Draw(t, "result")
		buf, err := spark.AppendFunctionResult(nil, messageTypes().Draw(t, "message"), 1, 2, n)
		if err != nil {
			t.Fatal(err)
		}
		got, err := spark.ParseFunctionResult(reparse(t, buf))
		if err != nil || got != n {
			t.Fatalf("%d, %v; want %d", got, err, n)
		}
	})
}

func events() *rapid.Generator[spark.Event] {
	return rapid.Custom(func(t *rapid.T) spark.Event {
		e := spark.Event{
			Name:   rapid.OneOf(names(), rapid.StringMatching(`[a-z]{1,12}(/[a-z]{0,12}){0,4}`)).Draw(t, "name"),
			Data:   rapid.SliceOfN(rapid.Byte(), 0, spark.MaxEventData).Draw(t, "data"),
			TTL:    rapid.OneOf(rapid.Just(uint32(60)), rapid.Uint32Max(spark.MaxTTL)).Draw(t, "ttl"),
			Public: rapid.Bool().Draw(t, "public"),
		}
		e.HasData = len(e.Data) > 0
		if e.HasFormat = rapid.Bool().Draw(t, "has format"); e.HasFormat {
			e.ContentFormat = rapid.Uint16().Draw(t, "format")
		}
		return e
	})
}

func TestEventRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := events().Draw(t, "event")
		l := spark.EventLayout{
			Split:  rapid.Bool().Draw(t, "split") && e.Name[0] != '/',
			Format: rapid.Bool().Draw(t, "format"),
			Age:    spark.AgeEncoding(rapid.IntRange(0, 3).Draw(t, "age")),
		}
		buf, err := spark.AppendEvent(nil, messageTypes().Draw(t, "message"), 9, &e, l)
		if err != nil {
			t.Fatal(err)
		}
		got, err := spark.ParseEvent(reparse(t, buf))
		if err != nil {
			t.Fatal(err)
		}
		if l.Age == spark.AgeNever {
			e.TTL = spark.DefaultTTL
		}
		if !l.Format {
			e.HasFormat, e.ContentFormat = false, 0
		}
		same(t, e, got)
	})
}

func TestSubscriptionRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		version := versions().Draw(t, "version")
		s := spark.Subscription{Prefix: names().Draw(t, "prefix")}
		if version >= 6200 {
			switch rapid.IntRange(0, 2).Draw(t, "format") {
			case 1:
				s.Binary = true
			case 2:
				s.CBOR = true
			}
		} else {
			s.Scope = spark.Scope(rapid.IntRange(0, 2).Draw(t, "scope"))
			if s.Scope == spark.ScopeDevice {
				s.Device = rapid.StringMatching(`[0-9a-f]{24}|[0-9a-f]{12}`).Draw(t, "device")
			}
		}
		if s.Scope == spark.ScopeMine && rapid.Bool().Draw(t, "everything") {
			s.Prefix = ""
		}
		buf, err := spark.AppendSubscription(nil, messageTypes().Draw(t, "message"), 9, &s, version)
		if err != nil {
			t.Fatal(err)
		}
		got, err := spark.ParseSubscription(reparse(t, buf), version)
		if err != nil {
			t.Fatal(err)
		}
		same(t, s, got)
	})
}

func TestGoodbyeRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := spark.Goodbye{Flags: spark.GoodbyeFlags(rapid.Uint32().Draw(t, "flags"))}
		if g.Flags&spark.GoodbyeCloudReason != 0 {
			g.CloudReason = spark.CloudReason(rapid.Uint32().Draw(t, "cloud"))
		}
		if g.Flags&spark.GoodbyeResetReason != 0 {
			g.ResetReason = spark.ResetReason(rapid.Uint32().Draw(t, "reset"))
		}
		if g.Flags&spark.GoodbyeSleep != 0 {
			g.SleepSeconds = rapid.Uint32().Draw(t, "sleep")
		}
		if g.Flags&spark.GoodbyeNetworkReason != 0 {
			g.NetworkReason = spark.NetworkReason(rapid.Uint32().Draw(t, "network"))
		}
		buf, err := spark.AppendGoodbye(nil, messageTypes().Draw(t, "message"), 3, &g)
		if err != nil {
			t.Fatal(err)
		}
		got, err := spark.ParseGoodbye(reparse(t, buf).Payload)
		if err != nil {
			t.Fatal(err)
		}
		same(t, g, got)
	})
}

func TestMetricsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		metrics := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) spark.Metric {
			return spark.Metric{
				ID:     rapid.Uint16Max(1<<15-1).Draw(t, "id"),
				Failed: rapid.Bool().Draw(t, "failed"),
				Value:  rapid.Int32().Draw(t, "value"),
			}
		}), 0, spark.MaxMetrics).Draw(t, "metrics")
		got, err := spark.ParseMetrics(spark.AppendMetrics(nil, metrics))
		if err != nil {
			t.Fatal(err)
		}
		same(t, metrics, got)
	})
}

func applications() *rapid.Generator[spark.Describe] {
	return rapid.Custom(func(t *rapid.T) spark.Describe {
		d := spark.Describe{HasApplication: true}
		d.Functions = rapid.SliceOfNDistinct(names(), 0, 20, rapid.ID).Draw(t, "functions")
		for _, name := range rapid.SliceOfNDistinct(names(), 0, 20, rapid.ID).Draw(t, "variables") {
			d.Variables = append(d.Variables, spark.Variable{
				Name: name, Type: spark.VariableType(rapid.Byte().Draw(t, "type")),
			})
		}
		return d
	})
}

func TestApplicationRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := applications().Draw(t, "application")
		got, err := spark.ParseApplication(spark.AppendApplication(nil, &d))
		if err != nil {
			t.Fatal(err)
		}
		same(t, d, got)
	})
}

func hashes() *rapid.Generator[[]byte] { return rapid.SliceOfN(rapid.Byte(), 32, 32) }

func assets(t *rapid.T, label string) []spark.Asset {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) spark.Asset {
		return spark.Asset{
			Hash:        hashes().Draw(t, "hash"),
			Name:        rapid.StringN(0, 20, 80).Draw(t, "name"),
			Size:        rapid.Uint32().Draw(t, "size"),
			StorageSize: rapid.Uint32().Draw(t, "stored"),
		}
	}), 0, 4).Draw(t, label)
}

// modules draws what both encodings can carry.
func modules() *rapid.Generator[spark.Module] {
	types := rapid.SampledFrom([]spark.ModuleType{
		spark.ModuleNone, spark.ModuleResource, spark.ModuleBootloader, spark.ModuleMono,
		spark.ModuleSystem, spark.ModuleUser, spark.ModuleNCP, spark.ModuleRadio,
	})
	return rapid.Custom(func(t *rapid.T) spark.Module {
		return spark.Module{
			Type:    types.Draw(t, "type"),
			Index:   rapid.Uint32Max(255).Draw(t, "index"),
			Version: rapid.Uint32().Draw(t, "version"),
			Store:   spark.ModuleStore(rapid.IntRange(0, 3).Draw(t, "store")),
			MaxSize: rapid.Uint32().Draw(t, "max size"),
			Checked: spark.ModuleChecks(rapid.Uint32().Draw(t, "checked")),
			Passed:  spark.ModuleChecks(rapid.Uint32().Draw(t, "passed")),
			Hash:    rapid.OneOf(rapid.Just([]byte(nil)), hashes()).Draw(t, "hash"),
			Dependencies: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) spark.Dependency {
				return spark.Dependency{
					Type:    types.Draw(t, "type"),
					Index:   rapid.Uint32().Draw(t, "index"),
					Version: rapid.Uint32().Draw(t, "version"),
				}
			}), 0, 2).Draw(t, "dependencies"),
		}
	})
}

func TestSystemJSONRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := applications().Draw(t, "application")
		d.System = &spark.System{
			PlatformID:    rapid.Uint16().Draw(t, "platform"),
			IMEI:          rapid.StringMatching(`[0-9]{0,15}`).Draw(t, "imei"),
			ICCID:         rapid.StringMatching(`[0-9]{0,20}`).Draw(t, "iccid"),
			ModemFirmware: rapid.StringN(0, 20, 80).Draw(t, "modem"),
			Modules:       rapid.SliceOfN(modules(), 0, 8).Draw(t, "modules"),
		}
		got, err := spark.ParseSystem(spark.AppendSystemJSON(nil, d.System), false)
		if err != nil {
			t.Fatal(err)
		}
		same(t, d.System, got)
		both, err := spark.ParseDescribe(spark.AppendDescribeJSON(nil, &d), false)
		if err != nil {
			t.Fatal(err)
		}
		same(t, d, both)
	})
}

func TestSystemProtoRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := spark.System{
			IMEI:           rapid.StringMatching(`[0-9]{0,15}`).Draw(t, "imei"),
			ICCID:          rapid.StringMatching(`[0-9]{0,20}`).Draw(t, "iccid"),
			ModemFirmware:  rapid.StringN(0, 20, 80).Draw(t, "modem"),
			Modules:        rapid.SliceOfN(modules(), 0, 8).Draw(t, "modules"),
			Assets:         assets(t, "assets"),
			ProtectedState: rapid.Bool().Draw(t, "protected"),
			EnvHash:        rapid.OneOf(rapid.Just([]byte(nil)), hashes()).Draw(t, "environment"),
		}
		for i := range s.Modules {
			s.Modules[i].Size = rapid.Uint32().Draw(t, "size")
			s.Modules[i].Assets = assets(t, "module assets")
			s.Modules[i].Security = rapid.Uint32Max(1).Draw(t, "security")
			s.Modules[i].Fingerprint = rapid.OneOf(rapid.Just([]byte(nil)), hashes()).Draw(t, "fingerprint")
		}
		got, err := spark.ParseSystem(spark.AppendSystem(nil, &s), true)
		if err != nil {
			t.Fatal(err)
		}
		same(t, &s, got)
	})
}

func TestDescribePartRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := spark.DescribePart{
			Flags:    rapid.SampledFrom([]spark.DescribeFlags{1, 2, 4}).Draw(t, "flags"),
			HasToken: rapid.Bool().Draw(t, "has token"),
			Binary:   rapid.Bool().Draw(t, "binary"),
			HasBlock: rapid.Bool().Draw(t, "has block"),
			Payload:  rapid.SliceOfN(rapid.Byte(), 0, 1024).Draw(t, "payload"),
		}
		if p.HasToken {
			p.Token = rapid.Byte().Draw(t, "token")
		}
		if p.HasBlock {
			p.Block = coap.Block{
				Num:  rapid.Uint32Max(1<<20-1).Draw(t, "block"),
				More: rapid.Bool().Draw(t, "more"),
				SZX:  rapid.Uint8Range(5, 6).Draw(t, "szx"),
			}
		}
		buf, err := p.AppendPost(nil, 5)
		if err != nil {
			t.Fatal(err)
		}
		got, err := spark.ParseDescribePost(reparse(t, buf))
		if err != nil {
			t.Fatal(err)
		}
		same(t, p, got)

		p.Flags, p.ETag = 0, rapid.SliceOfN(rapid.Byte(), 0, 8).Draw(t, "etag")
		if buf, err = p.AppendAnswer(nil, 5); err != nil {
			t.Fatal(err)
		}
		if got, err = spark.ParseDescribeAnswer(reparse(t, buf)); err != nil {
			t.Fatal(err)
		}
		same(t, p, got)
	})
}
