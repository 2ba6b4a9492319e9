package bus_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/cyan-cloud/cyan/cloud/bus"
	"github.com/cyan-cloud/cyan/cloud/bus/bustest"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// player plays a node by hand: what it sends is bytes.
type player struct {
	t       *testing.T
	conn    *nats.Conn
	address string
}

func play(t *testing.T, url string) *player {
	t.Helper()
	conn, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return &player{t, conn, "other-0badcafe"}
}

// says publishes on a subject of the bus.
func (p *player) says(subject string, b []byte) {
	p.t.Helper()
	if err := p.conn.Publish("cyan.v1."+subject, b); err != nil {
		p.t.Fatal(err)
	}
}

// announces says what every version begins with, and then whatever follows.
func (p *player) announces(version, kind byte, rest ...byte) {
	p.t.Helper()
	b := append([]byte{version, kind, byte(len(p.address))}, p.address...)
	p.says("presence", append(b, rest...))
}

// The kinds of announcement, for all versions, or as this one has them.
const (
	alive, changes, gone, ask = 1, 2, 4, 5
	theirs                    = bus.Version + 1
)

// logbook is a log that can be read while it is written.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (l *logbook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logbook) count(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), what)
}

// genuine is a real node that others can be played to.
type genuine struct {
	*bus.Bus
	t       *testing.T
	url     string
	log     *logbook
	metrics *prometheus.Registry
}

func openGenuine(t *testing.T) *genuine {
	t.Helper()
	url, _ := cluster(t)
	r := &genuine{t: t, url: url, log: new(logbook), metrics: prometheus.NewRegistry()}
	r.Bus = open(t, bus.Config{
		URL: url, Node: "gw", Heartbeat: time.Hour, Logger: slog.New(slog.NewTextHandler(r.log, nil)), Registerer: r.metrics,
	})
	return r
}

// eventually waits until ok.
func (r *genuine) eventually(what string, ok func() bool) {
	r.t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for limit := time.Now().Add(time.Minute); !ok(); <-tick.C {
		if time.Now().After(limit) {
			r.t.Fatalf("it never happened: %s", what)
		}
	}
}

// next takes the next value.
func next[T any](t *testing.T, from <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-from:
	case <-time.After(time.Minute):
		t.Fatal("nothing came")
	}
	return v
}

// others is how many nodes of another version it knows.
func (r *genuine) others() float64 {
	return gauge(r.t, r.metrics, "cyan_bus_presence_other_version_nodes")
}

// leftOut is how many messages of another version it left out.
func (r *genuine) leftOut() float64 {
	return counter(r.t, r.metrics, "cyan_bus_dropped_total", "version")
}

// isVersionError tells what is wrong with an error that should speak of a node
// of another version.
func isVersionError(t *testing.T, what string, err error) {
	t.Helper()
	v, ok := errors.AsType[*bus.VersionError](err)
	if !ok || *v != (bus.VersionError{Node: "other", Theirs: theirs, Ours: bus.Version}) || fault.KindOf(err) != fault.Unavailable {
		t.Errorf("%s: %v", what, err)
		return
	}
	if f, ok := errors.AsType[*fault.Error](err); !ok || !strings.Contains(f.Msg, "node other speaks version 2 ") ||
		!strings.Contains(f.Msg, "this one version 1: upgrade this one") || f.Code != rest.CodeGatewayUnavailable {
		t.Errorf("%s: it says %q", what, err)
	}
}

// TestOtherVersion has a node in the cluster that speaks another version: of a
// device that it may hold nothing is said, and calls of it fail at once; those
// that are connected here are as ever; and when it is gone, so are all.
func TestOtherVersion(t *testing.T) {
	t.Parallel()
	r := openGenuine(t)
	held, left, unheard := device.ID{1}, device.ID{2}, device.ID{3}
	g := served(t, r.Bus, held, 7)
	g.SetState(left, device.State{Word: device.Offline, Since: time.Unix(5, 0)})
	door := bustest.NewWatcher()
	t.Cleanup(r.Watch(door))
	ids := []device.ID{held, left, unheard}
	words := func() map[device.ID]device.Word {
		t.Helper()
		states, err := r.States(t.Context(), ids)
		if err != nil {
			t.Fatal(err)
		}
		all := map[device.ID]device.Word{}
		for id, s := range states {
			all[id] = s.Word
		}
		return all
	}
	before := map[device.ID]device.Word{held: device.Online, left: device.Offline}
	if diff := cmp.Diff(before, words()); diff != "" {
		t.Fatal(diff)
	}

	p := play(t, r.url)
	p.announces(theirs, ask)
	for range 3 {
		p.announces(theirs, alive, 0xff, 0xff)
	}
	p.announces(theirs, 99, 1, 2, 3)
	r.eventually("its announcements", func() bool { return r.leftOut() == 5 })
	if r.others() != 1 || r.log.count("another version of the bus") != 1 {
		t.Fatalf("%v such nodes are known of; the log:\n%s", r.others(), &r.log.text)
	}
	if heard := next(t, door); heard != "missed" || len(door) > 0 {
		t.Errorf("the door heard %q, and %d more", heard, len(door))
	}
	if res, err := r.Call(t.Context(), bus.Call{Device: held, Kind: bus.Ping}); err != nil || res.Return != 7 {
		t.Errorf("a device that is connected here: %+v, %v", res, err)
	}
	for _, id := range ids[1:] {
		_, err := r.Call(t.Context(), bus.Call{Device: id, Kind: bus.Ping})
		isVersionError(t, "a device that is not", err)
	}
	want := map[device.ID]device.Word{held: device.Online, left: device.Unknown, unheard: device.Unknown}
	if diff := cmp.Diff(want, words()); diff != "" {
		t.Error(diff)
	}

	p.announces(theirs, gone)
	r.eventually("its end", func() bool { return r.others() == 0 })
	if _, err := r.Call(t.Context(), bus.Call{Device: left, Kind: bus.Ping}); fault.KindOf(err) != fault.Offline {
		t.Errorf("when it has gone: %v", err)
	}
	if diff := cmp.Diff(before, words()); diff != "" {
		t.Error(diff)
	}
}

// TestOnlyOtherVersions: where every gateway speaks another version, that is
// what is said.
func TestOnlyOtherVersions(t *testing.T) {
	t.Parallel()
	r := openGenuine(t)
	play(t, r.url).announces(theirs, alive)
	r.eventually("its announcement", func() bool { return r.others() == 1 })
	_, err := r.Call(t.Context(), bus.Call{Device: device.ID{1}, Kind: bus.Ping})
	isVersionError(t, "a call", err)
	_, err = r.States(t.Context(), []device.ID{{1}})
	isVersionError(t, "states", err)
}

// TestAnswerOfOtherVersion: who holds a device, as it says in this version, and
// answers in another is not waited for, nor believed.
func TestAnswerOfOtherVersion(t *testing.T) {
	t.Parallel()
	r := openGenuine(t)
	id := device.ID{1}
	p := play(t, r.url)
	_, err := p.conn.Subscribe("cyan.v1.node."+p.address+".*", func(m *nats.Msg) { _ = m.Respond([]byte{theirs}) })
	if err != nil {
		t.Fatal(err)
	}
	p.announces(bus.Version, changes, append(append([]byte{1}, id[:]...), 1)...)
	p.announces(bus.Version, alive, append([]byte{1, 1}, make([]byte, 8)...)...)
	r.eventually("its device", func() bool { return r.Routed() == 1 })
	_, err = r.Call(t.Context(), bus.Call{Device: id, Kind: bus.Ping})
	isVersionError(t, "a call", err)
	states, err := r.States(t.Context(), []device.ID{id})
	if err != nil || states[id].Word != device.Unknown {
		t.Errorf("states: %v, %v", states, err)
	}
	if r.leftOut() < 2 {
		t.Errorf("%v are counted", r.leftOut())
	}
}

// TestQuestionOfOtherVersion: who asks in another version, or makes no sense, is
// answered at once that it is not understood, in this one.
func TestQuestionOfOtherVersion(t *testing.T) {
	t.Parallel()
	r := openGenuine(t)
	g := served(t, r.Bus, device.ID{1}, 7)
	p := play(t, r.url)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, word := range []string{"call", "states"} {
		for _, question := range [][]byte{{theirs, 1, 2, 3}, {bus.Version, 1}, {0}, nil} {
			answer, err := p.conn.RequestWithContext(ctx, "cyan.v1.node."+r.Address()+"."+word, question)
			if err != nil {
				t.Fatalf("%s %x: %v", word, question, err)
			}
			if !bytes.Equal(answer.Data, []byte{bus.Version}) {
				t.Errorf("%s %x is answered with %x", word, question, answer.Data)
			}
		}
	}
	if len(g.Calls()) > 0 || r.leftOut() != 2 || counter(t, r.metrics, "cyan_bus_dropped_total", "malformed") != 6 {
		t.Errorf("%d calls came; %v of another version", len(g.Calls()), r.leftOut())
	}
}

// framed is an event as it stands in a message.
func framed(name string, version byte) []byte {
	e := event.Append(nil, &event.Event{ID: name, Name: name})
	if version != 0 {
		e[0] = version
	}
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(e))), e...)
}

// TestEventsOfOtherVersion are left out and counted; those beside them come, and
// streams hear once that they may be missing some.
func TestEventsOfOtherVersion(t *testing.T) {
	t.Parallel()
	r := openGenuine(t)
	heard := make(chan string, 16)
	subscribe(t, r.Bus, func(e *event.Event) { heard <- e.Name })
	door := bustest.NewWatcher()
	t.Cleanup(r.Watch(door))
	p := play(t, r.url)
	p.says("events", slices.Concat(framed("a", 0), framed("b", 9), framed("c", 9), framed("d", 0)))
	p.says("events", slices.Concat([]byte{9}, framed("e", 0))) // framed in another way
	p.says("events", framed("f", 0))
	for _, want := range []string{"a", "d", "f"} {
		if got := next(t, heard); got != want {
			t.Errorf("%q came, want %q", got, want)
		}
	}
	if r.leftOut() != 3 || r.log.count("events of another version") != 1 {
		t.Errorf("%v left out; the log:\n%s", r.leftOut(), &r.log.text)
	}
	if word := next(t, door); word != "missed" || len(door) > 0 {
		t.Errorf("the door heard %q, and %d more", word, len(door))
	}
}

// TestRightsEndInEveryVersion: what a later version says of the end of a right is
// understood, with more behind it; what cannot be understood ends all streams.
func TestRightsEndInEveryVersion(t *testing.T) {
	t.Parallel()
	r := openGenuine(t)
	g := served(t, r.Bus, device.ID{9}, 7)
	door := bustest.NewWatcher()
	t.Cleanup(r.Watch(door))
	p := play(t, r.url)
	id := device.ID{1}
	change := slices.Concat(id[:], []byte{1, 'w', 1})
	revocation := slices.Concat([]byte{32, 0xab, 0xcd}, make([]byte, 30), []byte{0, 0})
	for subject, said := range map[string][]byte{"changed": change, "revoked": revocation} {
		want := map[string]string{"changed": id.String() + " is w's", "revoked": "revoked abcd  false"}[subject]
		p.says(subject, slices.Concat([]byte{theirs}, said, []byte("and more")))
		if heard := next(t, door); heard != want {
			t.Errorf("%s: the door heard %q, want %q", subject, heard, want)
		}
		for _, bad := range [][]byte{{theirs, 1}, {0}, nil, slices.Concat([]byte{bus.Version}, said, []byte{0})} {
			p.says(subject, bad)
			if heard := next(t, door); heard != "deaf" {
				t.Errorf("%s %x: the door heard %q", subject, bad, heard)
			}
		}
	}
	if diff := cmp.Diff([]bustest.Change{{Device: id, Owner: "w", Key: true}}, g.Changes()); diff != "" {
		t.Error(diff)
	}
}

// TestHeirOfOtherVersion: a process that hands over to one of another version
// leaves the cluster as ever, though it does not understand what that holds.
func TestHeirOfOtherVersion(t *testing.T) {
	t.Parallel()
	r := openGenuine(t)
	served(t, r.Bus, device.ID{1}, 7)
	p := play(t, r.url)
	p.announces(theirs, alive)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := r.Retire(ctx, p.address); err != nil {
		t.Error(err)
	}
	_, err := r.Call(t.Context(), bus.Call{Device: device.ID{1}, Kind: bus.Ping})
	isVersionError(t, "a call of what it has left", err)
}
