package spark_test

import (
	"errors"
	"testing"

	"github.com/cyan-cloud/cyan/wire/spark"
)

const (
	helloHead   = "0102 0304 0036 000d"
	helloID     = "e00fce68 00000000 000067fe"
	helloSystem = "1838 0480 00a00000 0200"
)

func TestParseHello(t *testing.T) {
	short := spark.Hello{
		ProductID: 0x0102, ProductVersion: 0x0304, PlatformID: 13, Size: 8,
		Flags: spark.HelloDescribes | spark.HelloGoodbye | spark.HelloImmediateUpdates | spark.HelloDiagnostics,
	}
	withID := short
	withID.HasDeviceID = true
	copy(withID.DeviceID[:], unhex(t, helloID))
	withID.Size = 22
	full := withID
	full.SystemVersion, full.MaxMessage, full.MaxBinary, full.ChunkSize, full.Size = 6200, 1152, 0xa00000, 512, 32
	tcp := full
	tcp.HasDeviceID, tcp.DeviceID, tcp.Size = false, [12]byte{}, 20
	partial := withID
	partial.SystemVersion, partial.Size = 6200, 24
	longer := full
	longer.Size = 34
	for _, tc := range []struct {
		name, hex string
		want      spark.Hello
	}{
		{"TCP ≤ 2.x", helloHead, short},
		{"UDP ≤ 2.x", helloHead + "000c" + helloID, withID},
		{"UDP ≥ 3.0", helloHead + "000c" + helloID + helloSystem, full},
		{"TCP ≥ 3.0", helloHead + "0000" + helloSystem, tcp},
		{"only the first new field", helloHead + "000c" + helloID + "1838", partial},
		{"reserved byte set", helloHead + "ff0c" + helloID, withID},
		{"fields of the future", helloHead + "000c" + helloID + helloSystem + "beef", longer},
	} {
		got, err := spark.ParseHello(unhex(t, tc.hex))
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
		}
		same(t, tc.want, got)
	}
}

func TestBadHello(t *testing.T) {
	for name, hex := range map[string]string{
		"empty":              "",
		"7 bytes":            "0102 0304 0036 00",
		"9 bytes":            helloHead + "00",
		"id of 11 bytes":     helloHead + "000b e00fce68 00000000 000067",
		"id cut off":         helloHead + "000c e00fce68",
		"id length 255":      helloHead + "00ff" + helloID,
		"version cut off":    helloHead + "0000 18",
		"binary cut off":     helloHead + "0000 1838 0480 00a000",
		"chunk size cut off": helloHead + "0000 1838 0480 00a00000 02",
	} {
		if h, err := spark.ParseHello(unhex(t, hex)); !errors.Is(err, spark.ErrHello) {
			t.Errorf("%s: %+v, %v", name, h, err)
		}
	}
}

func TestHelloDescribes(t *testing.T) {
	for flags, want := range map[spark.HelloFlags]bool{0: false, 0x16: false, 0x20: true, 0xf7: true} {
		h := spark.Hello{Flags: flags}
		if h.Describes() != want {
			t.Errorf("flags %x: %v", flags, !want)
		}
	}
}

// TestLimits: what the Hello of each generation says about sizes.
func TestLimits(t *testing.T) {
	const udp = true
	for _, tc := range []struct {
		name  string
		hello spark.Hello
		want  spark.Limits
	}{
		{"Electron 0.6", spark.Hello{PlatformID: 10, HasDeviceID: udp}, spark.Limits{64, 63, 255, 63, 600, 640}},
		{"Core 1.4", spark.Hello{PlatformID: 0, Flags: 0x06}, spark.Limits{64, 63, 255, 63, 600, 622}},
		{"Photon 2.3", spark.Hello{PlatformID: 6, Flags: 0x36}, spark.Limits{64, 63, 622, 622, 622, 782}},
		{"Argon 1.5", spark.Hello{PlatformID: 12, Flags: 0x06, HasDeviceID: udp}, spark.Limits{64, 63, 622, 622, 622, 800}},
		{"Electron 3.3", spark.Hello{SystemVersion: 3301, MaxMessage: 960, HasDeviceID: udp}, spark.Limits{64, 64, 864, 864, 864, 960}},
		{"Boron 3.3", spark.Hello{SystemVersion: 3301, MaxMessage: 1152, HasDeviceID: udp}, spark.Limits{64, 64, 1024, 1024, 1024, 1152}},
		{"M-SoM 6.2", spark.Hello{SystemVersion: 6200, MaxMessage: 1152, HasDeviceID: udp}, spark.Limits{64, 64, 1024, 1024, 1024, 1152}},
		{"gcc 6.2, TCP", spark.Hello{SystemVersion: 6200, MaxMessage: 1152}, spark.Limits{64, 64, 1024, 1024, 1024, 1134}},
		{"nonsense", spark.Hello{SystemVersion: 6200, MaxMessage: 3, HasDeviceID: udp}, spark.Limits{64, 64, 1024, 1024, 1024, 1152}},
	} {
		if got := spark.LimitsFor(&tc.hello); got != tc.want {
			t.Errorf("%s: %+v, want %+v", tc.name, got, tc.want)
		}
	}
}
