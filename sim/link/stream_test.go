package link_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/cyan-cloud/cyan/sim/link"
)

// kinds puts what has arrived on streams into one line.
func kinds(packets []link.Packet) string {
	names := map[link.Kind]string{link.Open: "open", link.Close: "close"}
	var words []string
	for _, p := range packets {
		if p.Kind == link.Bytes {
			words = append(words, string(p.Data))
		} else {
			words = append(words, names[p.Kind])
		}
	}
	return strings.Join(words, " ")
}

func TestStream(t *testing.T) {
	n := link.New(1, link.Path{Delay: time.Second})
	s := n.Dial(start, device, server)
	n.Write(start, s, device, []byte("there"))
	n.Write(start, s, server, []byte("back"))
	n.Close(start, s, device)
	n.Write(start, s, device, []byte("too late"))
	if got := kinds(n.Arrived(never)); got != "open there back close" {
		t.Errorf("arrived: %s", got)
	}
	n.Close(start, s, server)
	n.Write(start, s, server, []byte("to nobody"))
	if got := kinds(n.Arrived(never)); got != "close" {
		t.Errorf("arrived after the end: %s", got)
	}
}

// A cut path delays a stream's bytes until it is mended; none is lost.
func TestStreamSurvivesCut(t *testing.T) {
	n := link.New(1, link.Path{})
	s := n.Dial(start, device, server)
	n.SetUsual(link.Path{Cut: true})
	n.Write(start, s, device, []byte("a"))
	n.Write(start, s, device, []byte("b"))
	if got := kinds(n.Arrived(never)); got != "open" {
		t.Fatalf("arrived through a cut path: %s", got)
	}
	n.Mend(start) // still cut
	n.SetUsual(link.Path{})
	n.Mend(start)
	if got := kinds(n.Arrived(never)); got != "a b" {
		t.Errorf("arrived: %s", got)
	}
}

// Who vanishes tells nobody: the other side can write for ever.
func TestVanish(t *testing.T) {
	n := link.New(1, link.Path{})
	s := n.Dial(start, device, server)
	n.Vanish(s, device)
	n.Write(start, s, device, []byte("from a dead one"))
	n.Write(start, s, server, []byte("anybody there?"))
	if got := kinds(n.Arrived(never)); got != "open anybody there?" {
		t.Errorf("arrived: %s", got)
	}
}

// However bad the path, a stream is complete and in order.
func TestStreamOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := link.New(rapid.Uint64().Draw(t, "seed"), link.Path{
			Delay: time.Millisecond, Jitter: time.Second, Duplicate: 0.5, Reorder: 0.5,
			Loss: rapid.Float64Range(0, 1).Draw(t, "loss"),
		})
		s, want := n.Dial(start, device, server), []string{"open"}
		for i := range rapid.IntRange(0, 20).Draw(t, "writes") {
			n.Write(start, s, device, fmt.Append(nil, i))
			want = append(want, fmt.Sprint(i))
		}
		if got := kinds(n.Arrived(never)); got != strings.Join(want, " ") {
			t.Fatalf("arrived: %s", got)
		}
	})
}
