package alert_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/watch/alert"
	"github.com/cyan-cloud/cyan/watch/signal"
)

// fleet is attempts of a minute: each slice with so many, of which a part
// fails.
func fleet(fails func(gateway, transport, product string) float64) []signal.Slice {
	var list []signal.Slice
	for _, gateway := range []string{"gw-1", "gw-2"} {
		for _, transport := range []string{"tcp", "udp"} {
			for _, product := range []string{"ovens", "lamps", "locks"} {
				for _, account := range []string{"ada", "bob"} {
					n := 20
					failed := int(float64(n) * fails(gateway, transport, product))
					list = append(list, signal.Slice{
						Gateway: gateway, Transport: transport, Product: product, Account: account,
						Tally: signal.Tally{OK: n - failed, Failed: failed},
					})
				}
			}
		}
	}
	return list
}

// TestCulprits names what failures have in common, and the shallowest slice
// that explains them.
func TestCulprits(t *testing.T) {
	for name, c := range map[string]struct {
		fails func(g, tr, p string) float64
		want  []string
	}{
		"nothing fails":        {func(g, tr, p string) float64 { return 0 }, nil},
		"one gateway":          {func(g, tr, p string) float64 { return is(g == "gw-2") }, []string{"gateway gw-2"}},
		"one transport":        {func(g, tr, p string) float64 { return is(tr == "tcp") }, []string{"transport tcp"}},
		"tcp on one gateway":   {func(g, tr, p string) float64 { return is(tr == "tcp" && g == "gw-2") }, []string{"gateway gw-2, transport tcp"}},
		"one product":          {func(g, tr, p string) float64 { return is(p == "locks") }, []string{"product locks"}},
		"everything":           {func(g, tr, p string) float64 { return 1 }, nil},
		"noise":                {func(g, tr, p string) float64 { return 0.05 }, nil},
		"a product and a door": {func(g, tr, p string) float64 { return is(p == "locks" || tr == "tcp" && g == "gw-1") }, []string{"product locks", "gateway gw-1, transport tcp"}},
	} {
		var got []string
		for _, x := range alert.Culprits(fleet(c.fails)) {
			got = append(got, x.What)
			if x.Explains <= 0 || x.Explains > 1.0001 || x.Inside < x.Rest {
				t.Errorf("%s: %+v", name, x)
			}
		}
		if strings.Join(got, "; ") != strings.Join(c.want, "; ") {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func is(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// TestTrafficAccuses finds a third of real attempts failing that canaries do
// not see, and says of what kind they are; it acquits nobody.
func TestTrafficAccuses(t *testing.T) {
	j := alert.New(alert.Config{Vantages: 1})
	var said []signal.Judgement
	at := noon
	for minute := range 6 {
		share := 0.0
		if minute >= 3 {
			share = 1
		}
		at = at.Add(time.Minute)
		j.NoteTraffic(&signal.Traffic{Until: at, Attempts: fleet(func(g, tr, p string) float64 { return share * is(p == "locks") })})
		said = append(said, j.Judge(at)...)
	}
	var worst signal.Judgement
	for _, v := range said {
		if v.Severity > worst.Severity {
			worst = v
		}
	}
	if worst.Severity != signal.Degraded || worst.By != signal.ByTraffic || len(worst.Culprits) == 0 || worst.Culprits[0].What != "product locks" {
		t.Errorf("%+v", worst)
	}
}

// TestAbsence raises an alarm when nobody comes, although nothing fails.
func TestAbsence(t *testing.T) {
	j := alert.New(alert.Config{Vantages: 1})
	chance := rand.New(rand.NewPCG(3, 4))
	at := noon
	var said []signal.Judgement
	step := func(n int) {
		at = at.Add(time.Minute)
		j.NoteTraffic(&signal.Traffic{Until: at, Attempts: []signal.Slice{{Transport: "udp", Tally: signal.Tally{OK: n}}}})
		said = append(said, j.Judge(at)...)
	}
	for range 24 * 60 {
		step(60 + chance.IntN(20) - 10)
	}
	if len(said) > 0 {
		t.Fatalf("a usual day: %+v", said)
	}
	step(5)
	if len(said) == 0 || said[0].Capability != signal.ConnectUDP || said[0].Severity != signal.Degraded || !strings.Contains(said[0].Evidence, "usually") {
		t.Errorf("a minute in which hardly anybody comes: %+v", said)
	}
}

// TestTrafficIsWellSinceItsLastBadWindow: that what only the traffic shows to
// fail works again is known a window later than it was so.
func TestTrafficIsWellSinceItsLastBadWindow(t *testing.T) {
	j := alert.New(alert.Config{Vantages: 1})
	at := noon
	var said []signal.Judgement
	step := func(failed int) {
		at = at.Add(time.Minute)
		j.NoteTraffic(&signal.Traffic{Until: at, Calls: signal.Tally{OK: 100 - failed, Failed: failed}})
		said = j.Judge(at.Add(20 * time.Second))
	}
	step(0)
	step(60)
	step(60)
	if len(said) != 1 || said[0].Capability != signal.Calls || said[0].Severity == signal.Operational {
		t.Fatalf("while most calls fail: %+v", said)
	}
	bad := at
	step(0)
	if len(said) != 1 || said[0].Severity != signal.Operational || !said[0].Well.Equal(bad) || !said[0].Mended.Equal(bad) {
		t.Errorf("when they work again: %+v, want well since %v", said, bad)
	}
}

// TestCountDrops raises an alarm when devices are lost at once, not when the
// day goes by, and not when the cloud says that it has restarted.
func TestCountDrops(t *testing.T) {
	for name, c := range map[string]struct {
		drop, restarts int
		alarm          bool
	}{
		"a usual day":        {0, 0, false},
		"three of a hundred": {300, 0, true},
		"one of a hundred":   {100, 0, false},
		"a restart":          {3000, 1, false},
	} {
		j := alert.New(alert.Config{Vantages: 1})
		chance := rand.New(rand.NewPCG(5, 6))
		at, n := noon, 10_000
		alarms := 0
		for i := range 2000 {
			at = at.Add(10 * time.Second)
			n += chance.IntN(11) - 5
			tr := signal.Traffic{Until: at, Connected: n, Stored: n}
			if i == 1500 {
				n -= c.drop
				tr.Connected, tr.Stored, tr.Restarts = n, n, c.restarts
			}
			if i > 1500 && i < 1510 {
				tr.Restarts = c.restarts
			}
			j.NoteTraffic(&tr)
			for _, v := range j.Judge(at) {
				if v.Severity > signal.Operational {
					alarms++
				}
			}
		}
		if (alarms > 0) != c.alarm {
			t.Errorf("%s: %d alarms", name, alarms)
		}
	}
}

// TestStorm has a fleet of a thousand, of which hardly anybody ever connects
// anew, come at once: that it does not go on coming is no alarm.
func TestStorm(t *testing.T) {
	j := alert.New(alert.Config{Vantages: 1})
	at := noon
	for minute := range 240 {
		at = at.Add(time.Minute)
		n := minute % 2
		if minute >= 120 && minute < 125 {
			n = 200
		}
		j.NoteTraffic(&signal.Traffic{Until: at, Attempts: []signal.Slice{{Transport: "tcp", Tally: signal.Tally{OK: n}}}})
		for _, v := range j.Judge(at) {
			if v.Severity > signal.Operational {
				t.Fatalf("minute %d: %s: %s", minute, v.Capability, v.Evidence)
			}
		}
	}
}

// TestSourcesDisagree: devices that count as connected and are not found by
// calls are an alarm, when that lasts; those that are found and do not count,
// because they sleep, are none.
func TestSourcesDisagree(t *testing.T) {
	for name, c := range map[string]struct {
		found   int // of a thousand that are connected
		minutes int
		alarm   bool
	}{
		"all are found":         {1000, 10, false},
		"one of a hundred":      {990, 10, false},
		"three of a hundred":    {970, 10, true},
		"for a moment":          {970, 1, false},
		"some hundreds, asleep": {1300, 10, false},
	} {
		j := alert.New(alert.Config{Vantages: 1})
		at, alarm := noon, false
		for minute := range 20 {
			at = at.Add(time.Minute)
			tr := signal.Traffic{Until: at, Connected: 1000, Stored: 1000}
			if minute >= 5 && minute < 5+c.minutes {
				tr.Stored = c.found
			}
			j.NoteTraffic(&tr)
			for _, v := range j.Judge(at) {
				alarm = alarm || v.Severity > signal.Operational
			}
		}
		if alarm != c.alarm {
			t.Errorf("%s: alarm %v", name, alarm)
		}
	}
}
