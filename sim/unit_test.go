package sim_test

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/sim/simtest"
	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// Five tries at each delay, doubled up to 128 s, which lasts.
func TestBackoff(t *testing.T) {
	n := 1
	for _, seconds := range []int{1, 2, 4, 8, 16, 32, 64, 128, 128, 128} {
		for range 5 {
			if got := sim.Backoff(n); got != time.Duration(seconds)*time.Second {
				t.Errorf("after failure %d: %v, want %d s", n, got, seconds)
			}
			n++
		}
	}
	if sim.Backoff(0) != 0 || sim.Backoff(-1) != 0 || sim.Backoff(1<<40) != 128*time.Second {
		t.Error("no failure needs no delay, and no number too long a one")
	}
}

func TestLEDWords(t *testing.T) {
	for want, led := range map[string]sim.LED{
		"dark":               {},
		"rainbow":            {Colour: sim.Rainbow},
		"blinking green":     {Colour: sim.Green, Pattern: sim.Blinking},
		"fast blinking cyan": {Colour: sim.Cyan, Pattern: sim.Fast},
		"breathing magenta":  {Colour: sim.Magenta, Pattern: sim.Breathing},
		"1 red flash":        {Colour: sim.Red, Pattern: sim.Flash, Times: 1},
		"2 orange flashes":   {Colour: sim.Orange, Pattern: sim.Flash, Times: 2},
		"3 orange flashes":   {Colour: sim.Orange, Pattern: sim.Flash, Times: 3},
	} {
		if led.String() != want || led.Meaning() == "" {
			t.Errorf("%+v is %q, %q; want %q and a meaning", led, led.String(), led.Meaning(), want)
		}
	}
	if got := (sim.LED{Colour: 99, Pattern: 98}).String(); got != "98 99" {
		t.Errorf("an unknown LED is %q", got)
	}
}

func TestParseID(t *testing.T) {
	id, err := sim.ParseID("E00FCE68000000000000ABcd")
	if err != nil || id.String() != "e00fce68000000000000abcd" {
		t.Errorf("got %v, %v", id, err)
	}
	for _, bad := range []string{"", "e00f", "e00fce68000000000000abcdef", "x00fce68000000000000abcd"} {
		if _, err := sim.ParseID(bad); !errors.Is(err, sim.ErrID) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestFindProfile(t *testing.T) {
	for name, want := range map[string]string{
		"os-6.2": "os-6.2", "6.2": "os-6.2", "os-2.3": "os-2.3", "2": "os-2.3", "os-1.x": "os-1.4", "1.4": "os-1.4",
	} {
		if p, err := sim.FindProfile(name); err != nil || p.Name != want {
			t.Errorf("%q: %q, %v; want %q", name, p.Name, err, want)
		}
	}
	for _, bad := range []string{"", "os-", "os-3.x", "six"} {
		if p, err := sim.FindProfile(bad); !errors.Is(err, sim.ErrProfile) {
			t.Errorf("%q: %q, %v", bad, p.Name, err)
		}
	}
	if all := sim.Profiles(); len(all) != 3 || all[0].Name != sim.Newest().Name {
		t.Errorf("profiles: %+v", all)
	}
}

func TestBehaviourNames(t *testing.T) {
	for i, name := range sim.Behaviours() {
		b, err := sim.ParseBehaviour(name)
		if err != nil || int(b) != i || b.String() != name {
			t.Errorf("%q: %v, %v", name, b, err)
		}
	}
	if b, err := sim.ParseBehaviour(""); b != sim.WellBehaved || err != nil {
		t.Errorf("no behaviour: %v, %v", b, err)
	}
	if _, err := sim.ParseBehaviour("rude"); !errors.Is(err, sim.ErrBehaviour) {
		t.Errorf("rude: %v", err)
	}
}

// A generated RSA key has the sizes that Device OS reads at fixed offsets, and
// the same chance gives the same key.
func TestGenerateKey(t *testing.T) {
	for _, transport := range []sim.Transport{sim.UDP, sim.TCP} {
		private, public, err := sim.GenerateKey(transport, rand.NewChaCha8([32]byte{3}))
		must(t, err)
		again, _, err := sim.GenerateKey(transport, rand.NewChaCha8([32]byte{3}))
		must(t, err)
		if !bytes.Equal(private, again) {
			t.Errorf("%v: the same chance gave another key", transport)
		}
		want := map[sim.Transport]int{sim.UDP: 91, sim.TCP: 162}[transport]
		if len(public) != want {
			t.Errorf("%v: a public key of %d bytes, want %d", transport, len(public), want)
		}
		cfg := simtest.Config(t, transport, "os-6.2")
		cfg.Key = private
		newWorld(t, cfg).connect()
		if transport == sim.UDP {
			continue
		}
		key, err := x509.ParsePKCS1PrivateKey(private)
		must(t, err)
		sizes := []int{len(key.D.Bytes()), len(key.Precomputed.Dp.Bytes()), len(key.Precomputed.Dq.Bytes()), len(key.Precomputed.Qinv.Bytes())}
		if diff := cmp.Diff([]int{128, 64, 64, 64}, sizes); diff != "" || key.Validate() != nil {
			t.Errorf("sizes of d, dp, dq, qinv (-want +got):\n%s", diff)
		}
	}
	for _, transport := range []sim.Transport{sim.UDP, sim.TCP} {
		if _, _, err := sim.GenerateKey(transport, strings.NewReader("too little chance")); err == nil {
			t.Errorf("%v: a key without chance", transport)
		}
	}
}

func TestBadKeys(t *testing.T) {
	short, err := rsa.GenerateKey(nil, 2048)
	must(t, err)
	for name, c := range map[string]struct {
		transport   sim.Transport
		key, server []byte
		want        error
	}{
		"no keys":            {sim.UDP, nil, nil, sim.ErrServerKey},
		"no server key":      {sim.TCP, simtest.Key(t, "device-rsa.priv.der"), []byte("x"), sim.ErrServerKey},
		"TCP keys on UDP":    {sim.UDP, simtest.Key(t, "device-rsa.priv.der"), simtest.Key(t, "server-rsa.pub.der"), sim.ErrServerKey},
		"TCP key on UDP":     {sim.UDP, simtest.Key(t, "device-rsa.priv.der"), simtest.Key(t, "server-ec.pub.der"), sim.ErrKey},
		"UDP keys on TCP":    {sim.TCP, simtest.Key(t, "device-ec.priv.der"), simtest.Key(t, "server-ec.pub.der"), sim.ErrServerKey},
		"a server's RSA key": {sim.TCP, x509.MarshalPKCS1PrivateKey(short), simtest.Key(t, "server-rsa.pub.der"), sim.ErrKey},
		"a device's RSA key": {sim.TCP, simtest.Key(t, "device-rsa.priv.der"), simtest.Key(t, "device-rsa.pub.der"), sim.ErrServerKey},
	} {
		_, err := sim.New(sim.Config{Transport: c.transport, Key: c.key, ServerKey: c.server})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// The application to try a cloud with does what its comment says.
func TestOven(t *testing.T) {
	cfg := simtest.Config(t, sim.UDP, "os-6.2")
	cfg.Application = sim.Oven(0)
	w := newWorld(t, cfg)
	w.connect()
	var heard []string
	w.cloud.Heard = func(m *coap.Message, _ []byte) {
		switch spark.Classify(m) {
		case spark.KindResponse:
			heard = append(heard, string(m.Payload))
		case spark.KindEvent:
			heard = append(heard, string(m.Path(nil))+" "+string(m.Payload))
		}
	}
	call(w, []string{"setpitf", "250"})
	call(w, []string{"setpitf", "hot"})
	call(w, []string{"fail"})
	call(w, []string{"say", "ready"})
	commands["read"](w, []string{"pitf"})
	commands["read"](w, []string{"temps"})
	w.run(10 * time.Second)
	call(w, []string{"wait"})
	commands["read"](w, []string{"lid"})
	w.run(5 * time.Second)
	want := []string{
		"\x00\x00\x00\xfa", "\xff\xff\xff\xff", "\xff\xff\xff\xf9", "E/said ready", "\x00\x00\x00\x00",
		"\x00\x00\x00\xfa", `{"pit":72.0,"target":250}`, `E/temps {"pit":89.8,"target":250}`,
		"\x00\x00\x00\x00", "\x00",
	}
	if diff := cmp.Diff(want, heard); diff != "" {
		t.Errorf("heard (-want +got):\n%s", diff)
	}
}

// TestFailed is a device that is switched on in the middle of an outage: its
// back-off is as long as if it had been there all the time.
func TestFailed(t *testing.T) {
	for failed, want := range map[int]time.Duration{0: time.Second, 5: 2 * time.Second, 60: 128 * time.Second} {
		cfg := scripted(t, []string{"tcp", "os-6.2", "quiet"})
		cfg.Failed = failed
		w := newWorld(t, cfg)
		w.cloud.Gone = true
		w.do(sim.PowerOn{})
		w.run(time.Second) // half of it to find its network
		if got := w.device.Failures(); got != failed+1 {
			t.Errorf("%d tries had failed, and after another it counts %d", failed, got)
		}
		w.run(want - 600*time.Millisecond)
		early := w.device.Failures()
		w.run(200 * time.Millisecond)
		if late := w.device.Failures(); early != failed+1 || late != failed+2 {
			t.Errorf("after %d failures and another the next try does not come after %v", failed, want)
		}
	}
}
