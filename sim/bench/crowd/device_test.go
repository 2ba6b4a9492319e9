package crowd

import (
	"bytes"
	"testing"
	"unsafe"

	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/spark"
)

func TestAddresses(t *testing.T) {
	seen := map[string]bool{}
	for _, i := range []int{0, 1, 255, 256, 65535, 65536, 1_000_000, mostDevices - 1} {
		a := addressOf(i)
		if !a.IsLoopback() || a.String() == "127.0.0.1" || a.String() == "127.255.255.255" {
			t.Errorf("device %d is at %v", i, a)
		}
		if got := indexOf(a); got != i {
			t.Errorf("who is at %v? %d, not %d", a, got, i)
		}
		if seen[a.String()] {
			t.Errorf("two devices are at %v", a)
		}
		seen[a.String()] = true
	}
}

// A million devices have to fit beside the cloud that they measure.
func TestDeviceIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(device{}); size > 160 {
		t.Errorf("a device takes %d bytes", size)
	}
}

func TestMessageIDsSkipZero(t *testing.T) {
	d := device{lastID: 0xfffe}
	if a, b := d.nextID(), d.nextID(); a != 0xffff || b != 1 {
		t.Errorf("after 65534 come %d and %d", a, b)
	}
}

// What devices say is what the wire's own parsers make of it.
func TestSpeech(t *testing.T) {
	want := []spark.Kind{
		spark.KindHello, spark.KindDescribe, spark.KindTime, spark.KindEvent, spark.KindEvent, spark.KindDescribe,
		spark.KindSubscribe, spark.KindSubscribe, spark.KindSubscribe,
	}
	if len(want) != len(speech) {
		t.Fatalf("%d messages", len(speech))
	}
	var describes [2][]byte
	for n, i := range []int{3, 3 + Kinds} {
		for step, say := range speech {
			b, err := say(nil, i, 7, 9)
			if err != nil {
				t.Fatal(err)
			}
			m, err := coap.Parse(b)
			if err != nil {
				t.Fatal(err)
			}
			if got := spark.Classify(&m); got != want[step] || m.ID != 7 || m.Type != coap.Confirmable {
				t.Errorf("message %d is %v, %v #%d", step, got, m.Type, m.ID)
			}
			if step == 5 {
				part, err := spark.ParseDescribePost(&m)
				if err != nil {
					t.Fatal(err)
				}
				describes[n] = bytes.Clone(part.Payload)
			}
		}
	}
	if bytes.Equal(describes[0], describes[1]) {
		t.Error("all devices have the same application")
	}
}

func TestIdentities(t *testing.T) {
	who := Identities{Seed: [32]byte{1}}
	if who.ID(1) == who.ID(2) || who.Key(1).Equal(who.Key(2)) {
		t.Error("two devices are one")
	}
	if !who.Key(1).Equal(who.Key(1)) {
		t.Error("a device has two keys")
	}
	other := Identities{Seed: [32]byte{2}}
	if who.Key(1).Equal(other.Key(1)) {
		t.Error("keys of two runs are the same")
	}
	if _, err := Public(&who.Key(1).PublicKey); err != nil {
		t.Error(err)
	}
}
