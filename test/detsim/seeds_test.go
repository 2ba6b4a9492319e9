package detsim

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var (
	seeds   = flag.Int("seeds", 3, "how many seeds to run")
	first   = flag.Uint64("seed", 1, "the first of them")
	budget  = flag.Duration("budget", 0, "no seed is begun after this time of the processor; zero: -seeds counts")
	without = flag.String("without", "", "switch this defence off")
	story   = flag.Bool("journal", false, "print every line of the journal, and every message")
)

func TestSeeds(t *testing.T) {
	keys := load(t)
	began := time.Now()
	var hours float64
	ran := 0
	for seed := *first; seed < *first+uint64(*seeds); seed++ {
		plan := NewPlan(seed)
		plan.Without = Defence(*without)
		if *story {
			plan.Trace, plan.Wire = os.Stdout, true
		}
		at := time.Now()
		res := Run(keys, plan)
		hours += res.Stats.DeviceTime.Hours()
		ran++
		t.Logf("seed %d: %d devices, %.1f device-hours in %v, %+v", seed, res.Stats.Devices, res.Stats.DeviceTime.Hours(), time.Since(at).Round(time.Millisecond), res.Stats)
		report(t, res)
		if *budget > 0 && time.Since(began) > *budget {
			break
		}
	}
	t.Logf("%d seeds, %.0f simulated device-hours", ran, hours)
}

// report tells of a broken invariant and how to see it again.
func report(t *testing.T, res *Result) {
	t.Helper()
	if res.Invariant == "" {
		return
	}
	lines := res.Lines[max(0, len(res.Lines)-60):]
	t.Errorf("seed %d breaks %q: %s\n\nThe schedule:\n%s\nThe end of the journal:\n%s\n\nAgain: go test ./test/detsim -run TestSeeds -seed %d -seeds 1 -v -journal",
		res.Plan.Seed, res.Invariant, res.Broken, Schedule(res.Plan.Faults), strings.Join(lines, "\n"), res.Plan.Seed)
}

// TestSameSeedSameRun runs a seed twice and compares all that happened, byte by
// byte.
func TestSameSeedSameRun(t *testing.T) {
	keys := load(t)
	for _, seed := range []uint64{2, 3} {
		var a, b bytes.Buffer
		one, two := NewPlan(seed), NewPlan(seed)
		one.Trace, two.Trace = &a, &b
		x, y := Run(keys, one), Run(keys, two)
		if x.Digest != y.Digest {
			t.Errorf("seed %d gave two different runs\n%s", seed, firstDifference(a.String(), b.String()))
		}
		if z := Run(keys, NewPlan(seed+100)); z.Digest == x.Digest {
			t.Errorf("seeds %d and %d gave the same run", seed, seed+100)
		}
	}
}

func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return fmt.Sprintf("line %d:\n%s\n%s", i, x[i], y[i])
		}
	}
	return fmt.Sprintf("%d and %d lines, the difference is on the wire", len(x), len(y))
}

// load reads the keys of the server that the recordings were made with.
func load(t testing.TB) *keyring {
	t.Helper()
	read := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join("..", "..", "wire", "testdata", "device", "keys", name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	ec, err := x509.ParseECPrivateKey(read("server-ec.priv.der"))
	if err != nil {
		t.Fatal(err)
	}
	var key *rsa.PrivateKey
	if key, err = x509.ParsePKCS1PrivateKey(read("server-rsa.priv.der")); err != nil {
		t.Fatal(err)
	}
	k, err := newKeyring(ec, key, read("server-ec.pub.der"), read("server-rsa.pub.der"))
	if err != nil {
		t.Fatal(err)
	}
	return k
}
