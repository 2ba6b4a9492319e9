package link_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cyan-cloud/cyan/sim/link"
)

var (
	start  = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	device = netip.MustParseAddrPort("10.0.0.2:4000")
	server = netip.MustParseAddrPort("192.0.2.1:5684")
	never  = start.Add(24 * time.Hour)
)

// seen puts what has arrived into one line.
func seen(packets []link.Packet) string {
	var words []string
	for _, p := range packets {
		words = append(words, fmt.Sprintf("%s@%v", p.Data, p.At.Sub(start)))
	}
	return strings.Join(words, " ")
}

func send(n *link.Network, texts ...string) {
	for _, text := range texts {
		n.Send(start, device, server, []byte(text))
	}
}

func TestPerfectPath(t *testing.T) {
	n := link.New(1, link.Path{})
	send(n, "a", "b", "c")
	if got := seen(n.Arrived(start)); got != "a@0s b@0s c@0s" {
		t.Errorf("arrived: %s", got)
	}
	if !n.Deadline().IsZero() {
		t.Error("something is still under way")
	}
}

func TestDelay(t *testing.T) {
	n := link.New(1, link.Path{Delay: 40 * time.Millisecond})
	send(n, "a")
	if got := n.Arrived(start.Add(39 * time.Millisecond)); got != nil {
		t.Errorf("arrived too early: %s", seen(got))
	}
	if got := seen(n.Arrived(n.Deadline())); got != "a@40ms" {
		t.Errorf("arrived: %s", got)
	}
}

func TestCopies(t *testing.T) {
	n := link.New(1, link.Path{})
	b := []byte("before")
	n.Send(start, device, server, b)
	copy(b, "after!")
	if got := seen(n.Arrived(start)); got != "before@0s" {
		t.Errorf("arrived: %s", got)
	}
}

// Each misfortune happens about as often as it was asked for, and is counted.
func TestMisfortunes(t *testing.T) {
	const count = 10_000
	for _, c := range []struct {
		name    string
		path    link.Path
		counter func(link.Stats) int
		arrive  float64 // packets that arrive, of each that was sent
	}{
		{"loss", link.Path{Loss: 0.2}, func(s link.Stats) int { return s.Lost }, 0.8},
		{"duplicate", link.Path{Duplicate: 0.2}, func(s link.Stats) int { return s.Duplicated }, 1.2},
		{"reorder", link.Path{Reorder: 0.2}, func(s link.Stats) int { return s.Reordered }, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := link.New(7, c.path)
			for range count {
				send(n, "x")
			}
			arrived := len(n.Arrived(never))
			if happened := c.counter(n.Stats); happened < count/6 || happened > count/4 {
				t.Errorf("happened %d times in %d", happened, count)
			}
			if got := float64(arrived) / count; got < c.arrive-0.03 || got > c.arrive+0.03 {
				t.Errorf("%d of %d arrived", arrived, count)
			}
		})
	}
}

func TestReorderHoldsBack(t *testing.T) {
	n := link.New(1, link.Path{Reorder: 1})
	send(n, "late")
	n.SetUsual(link.Path{})
	send(n, "early")
	if got := seen(n.Arrived(never)); got != "early@0s late@50ms" {
		t.Errorf("arrived: %s", got)
	}
}

func TestTooLong(t *testing.T) {
	n := link.New(1, link.Path{MTU: 3})
	send(n, "fits", "fit")
	if got := seen(n.Arrived(never)); got != "fit@0s" || n.Stats.TooLong != 1 {
		t.Errorf("arrived: %s, %d were too long", got, n.Stats.TooLong)
	}
}

// A path is cut in one direction only.
func TestOneWay(t *testing.T) {
	n := link.New(1, link.Path{})
	n.SetPath(server.Addr(), device.Addr(), link.Path{Cut: true})
	send(n, "there")
	n.Send(start, server, device, []byte("back"))
	if got := seen(n.Arrived(never)); got != "there@0s" || n.Stats.Cut != 1 {
		t.Errorf("arrived: %s, %d were cut off", got, n.Stats.Cut)
	}
}

// One seed, one course of events.
func TestSeed(t *testing.T) {
	path := link.Path{Delay: time.Millisecond, Jitter: time.Second, Loss: 0.3, Duplicate: 0.3, Reorder: 0.3}
	course := func(seed uint64) string {
		n := link.New(seed, path)
		for i := range 200 {
			send(n, fmt.Sprint(i))
		}
		return seen(n.Arrived(never))
	}
	if diff := cmp.Diff(course(1), course(1)); diff != "" {
		t.Errorf("the same seed gave another course:\n%s", diff)
	}
	if course(1) == course(2) {
		t.Error("another seed gave the same course")
	}
}

// Nothing comes before its time, nothing is invented, and time never goes back.
func TestOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := link.New(rapid.Uint64().Draw(t, "seed"), link.Path{
			Delay:  time.Duration(rapid.IntRange(0, 1000).Draw(t, "delay")),
			Jitter: time.Duration(rapid.IntRange(0, 1000).Draw(t, "jitter")),
			Loss:   0.1, Duplicate: 0.1, Reorder: 0.1,
		})
		now, last, sent := start, start, map[string]bool{}
		for i := range rapid.IntRange(1, 50).Draw(t, "packets") {
			now = now.Add(time.Duration(rapid.IntRange(0, 500).Draw(t, "pause")))
			text := fmt.Sprint(i)
			n.Send(now, device, server, []byte(text))
			sent[text] = true
			for _, p := range n.Arrived(now) {
				if p.At.Before(last) || p.At.After(now) || !sent[string(p.Data)] {
					t.Fatalf("%s arrived at %v, after %v", p.Data, p.At, last)
				}
				last = p.At
			}
		}
	})
}
