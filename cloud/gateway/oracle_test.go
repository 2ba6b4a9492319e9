package gateway_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math"
	"math/big"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/gateway"
	"github.com/cyan-cloud/cyan/wire/sealed"
)

// plain lengths of what a device encrypts: with its key, and without.
const (
	wholePlain = 214
	shortPlain = 52
)

// probes are blocks as those build them who ask an RSA server about its padding:
// the first has good padding around what is wrong, the others what their names
// say. Nothing in them answers any nonce.
var probes = []struct {
	name  string
	block func() []byte
}{
	{"good padding, wrong content", func() []byte { return padded(wholePlain) }},
	{"first byte not 0", func() []byte { return with(padded(wholePlain), 0, 1) }},
	{"second byte not 2", func() []byte { return with(padded(wholePlain), 1, 1) }},
	{"a zero in the first eight bytes", func() []byte { return with(padded(wholePlain), 5, 0) }},
	{"no zero at all", func() []byte { return with(padded(wholePlain), sealed.BlobSize-wholePlain-1, 0xaa) }},
	{"a byte too short", func() []byte { return padded(wholePlain - 1) }},
	{"a byte too long", func() []byte { return padded(wholePlain + 1) }},
	{"good padding, as long as without a key", func() []byte { return padded(shortPlain) }},
	{"good padding, nothing in it", func() []byte { return padded(0) }},
	{"a signature's padding", func() []byte { return append([]byte{0, 1}, bytes.Repeat([]byte{0xff}, sealed.BlobSize-2)...) }},
	{"random from the first byte", func() []byte { return bytes.Repeat([]byte{0x55}, sealed.BlobSize) }},
}

// padded is a block with so many bytes behind good padding.
func padded(message int) []byte {
	b := bytes.Repeat([]byte{0xaa}, sealed.BlobSize)
	b[0], b[1], b[sealed.BlobSize-message-1] = 0, 2, 0
	return b
}

func with(b []byte, at int, v byte) []byte { b[at] = v; return b }

// TestNoPaddingOracle asks the door about the padding of RSA blocks in all the
// ways that attacks on PKCS #1 v1.5 tell apart. All that can be seen of it from
// outside and from inside is the same: what is answered, how the connection
// ends, the line in the log, the series that are counted, and the attempt that is
// kept. How long it took is printed.
func TestNoPaddingOracle(t *testing.T) {
	log := &lines{}
	kept := &attempts{}
	c := start(t, func(cfg *gateway.Config) {
		cfg.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	c.close()
	c.keeps = func(r gateway.Records) gateway.Records { kept.Records = r; return kept }
	c.open()
	key := &serverRSA(t).PublicKey
	var want string
	took := make([][]time.Duration, len(probes))
	for round := range 4 {
		for i, p := range probes {
			before := c.series()
			log.take()
			m := new(big.Int).SetBytes(p.block())
			blob := m.Exp(m, big.NewInt(int64(key.E)), key.N).FillBytes(make([]byte, sealed.BlobSize))
			outside, d := ask(t, c.cfg.TCP[0], blob)
			took[i] = append(took[i], d)
			eventually(t, "the attempt is kept", func() bool { return kept.count() == 1+round*len(probes)+i })
			eventually(t, "the attempt is logged", func() bool { return log.has("device was not let in") })
			seen := fmt.Sprintf("outside: %s\nlog: %s\ncounted: %v\nkept: %s", outside, log.take(), rose(before, c.series()), kept.last())
			if want == "" {
				want = seen
			} else if seen != want {
				t.Errorf("%s shows\n%s\nand %s\n%s", p.name, seen, probes[0].name, want)
			}
		}
	}
	if !strings.Contains(want, "outside: 0 bytes") || !strings.Contains(want, string(device.WrongServerKey)) {
		t.Errorf("all of them show\n%s", want)
	}
	for i, p := range probes[1:] {
		t.Logf("time from blob to end: %-40s median %v, of good padding %v; z = %+.2f (Mann-Whitney; noise is within ±3)",
			p.name, median(took[i+1]), median(took[0]), mannWhitney(took[0], took[i+1]))
	}
}

// ask sends a blob behind the nonce, and tells what comes back, how it ends, and
// after how long.
func ask(t *testing.T, at string, blob []byte) (string, time.Duration) {
	t.Helper()
	c, err := net.Dial("tcp", at)
	must(t, err)
	defer c.Close()
	must(t, c.SetDeadline(time.Now().Add(patience)))
	var nonce [sealed.NonceSize]byte
	_, err = io.ReadFull(c, nonce[:])
	must(t, err)
	began := time.Now()
	_, err = c.Write(blob)
	must(t, err)
	b, err := io.ReadAll(c)
	return fmt.Sprintf("%d bytes, then %v", len(b), err), time.Since(began)
}

// lines is a log in memory.
type lines struct {
	mu   sync.Mutex
	text strings.Builder // guarded by mu
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.text.String(), text)
}

// fleeting is what differs between two lines of the same kind.
var fleeting = regexp.MustCompile(`time=\S+|source=\S+`)

// take gives what was logged since, without times and ports.
func (l *lines) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.text.Reset()
	return fleeting.ReplaceAllString(l.text.String(), "")
}

// attempts keeps the attempts that the gateway wants kept.
type attempts struct {
	gateway.Records
	mu   sync.Mutex
	list []device.Attempt // guarded by mu
}

func (a *attempts) AddAttempt(try device.Attempt) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.list = append(a.list, try)
	return true
}

func (a *attempts) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.list)
}

// last is the latest attempt, without its name, times and port.
func (a *attempts) last() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	try := a.list[len(a.list)-1]
	try.ID, try.Source, try.Started, try.Ended = "", "", time.Time{}, time.Time{}
	try.Stages = slices.Clone(try.Stages)
	for i := range try.Stages {
		try.Stages[i].At = time.Time{}
	}
	return fmt.Sprintf("%+v", try)
}

// series gives every series that is counted; of histograms, how many things
// they have seen.
func (c *cloud) series() map[string]float64 {
	c.t.Helper()
	families, err := c.registry.Gather()
	must(c.t, err)
	out := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			out[f.GetName()+fmt.Sprint(m.GetLabel())] = m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return out
}

// rose lists the series that are higher after than before, and by how much.
func rose(before, after map[string]float64) (list []string) {
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if d := after[name] - before[name]; d != 0 {
			list = append(list, fmt.Sprintf("%s %+g", name, d))
		}
	}
	return list
}

func median(list []time.Duration) time.Duration {
	list = slices.Sorted(slices.Values(list))
	return list[len(list)/2].Round(time.Microsecond)
}

// mannWhitney tells how far two samples are apart by their ranks, in standard
// deviations: what single slow ones do not disturb.
func mannWhitney(a, b []time.Duration) float64 {
	u := 0.0
	for _, x := range a {
		for _, y := range b {
			switch {
			case x > y:
				u++
			case x == y:
				u += 0.5
			}
		}
	}
	n, m := float64(len(a)), float64(len(b))
	return (u - n*m/2) / math.Sqrt(n*m*(n+m+1)/12)
}

// TestOracleHelpers sees that the test above can see something.
func TestOracleHelpers(t *testing.T) {
	if z := mannWhitney([]time.Duration{10, 11, 12, 13, 14, 15}, []time.Duration{1, 2, 3, 4, 5, 6}); z < 2.8 {
		t.Errorf("samples that do not overlap are %v apart", z)
	}
	if got := rose(map[string]float64{"a": 1}, map[string]float64{"a": 1, "b": 2}); len(got) != 1 {
		t.Errorf("%v rose", got)
	}
	l := &lines{}
	slog.New(slog.NewTextHandler(l, nil)).Info("x", "source", "127.0.0.1:4711", "reason", errors.New("y"))
	if got := l.take(); strings.Contains(got, "4711") || !strings.Contains(got, "reason=y") || l.take() != "" {
		t.Errorf("the log has %q", got)
	}
}
