package dtls_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/wire/dtls"
	"github.com/cyan-cloud/cyan/wire/dtls/message"
)

// inTouch fails unless both sides have the same session and have exchanged a word over it.
func inTouch(t testing.TB, device *device, door *door) {
	t.Helper()
	switch {
	case device.failure != nil || door.refusal != nil:
		t.Fatalf("device: %v, server: %v", device.failure, door.refusal)
	case device.session == nil || door.session == nil:
		t.Fatalf("sessions: device %v, server %v", device.session != nil, door.session != nil)
	case device.session.Keys != door.session.Keys || device.session.CID != door.session.CID:
		t.Fatal("the two sides have different keys or connection ids")
	case len(door.opened) == 0 || string(door.opened[0]) != "hello":
		t.Fatalf("server heard %q", door.opened)
	case len(device.opened) == 0 || string(device.opened[0]) != "re: hello":
		t.Fatalf("device heard %q", device.opened)
	}
}

func TestHandshake(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*dtls.ClientConfig)
		want   dtls.CIDKind
		first  dtls.ContentType // of the device's application data
	}{
		{"connection id of the draft", func(*dtls.ClientConfig) {}, dtls.DraftCID, dtls.ConnectionID},
		{"connection id of RFC 9146", func(c *dtls.ClientConfig) { c.RFC9146 = true }, dtls.RFC9146CID, dtls.ConnectionID},
		{"no connection id", func(c *dtls.ClientConfig) { c.NoCID = true }, dtls.NoCID, dtls.ApplicationData},
		{"small datagrams", func(c *dtls.ClientConfig) { c.MaxDatagram = 1 }, dtls.DraftCID, dtls.ConnectionID},
	} {
		t.Run(test.name, func(t *testing.T) {
			client, server := configs(t)
			test.change(client)
			sent := map[bool]int{}
			var last dtls.Record
			net := &network{tap: func(_ time.Time, toServer bool, datagram []byte) {
				sent[toServer]++
				if toServer && client.MaxDatagram > 0 && len(datagram) > 256 {
					t.Errorf("a datagram of %d bytes", len(datagram))
				}
				if toServer {
					last = records(t, datagram)[0]
				}
			}}
			device, door := connect(t, client, server, net, time.Minute)
			inTouch(t, device, door)
			if door.session.CID.Kind != test.want || last.Type != test.first {
				t.Errorf("kind %d, application data of type %d", door.session.CID.Kind, last.Type)
			}
			if want := [8]byte{}; test.want != dtls.NoCID && door.session.CID.Bytes == want {
				t.Error("the connection id is empty")
			}
			spki, _ := dtls.AppendPublicKey(nil, &client.Key.PublicKey)
			if len(spki) != 91 {
				t.Errorf("a public key takes %d bytes", len(spki))
			}
			if len(door.dropped)+len(device.dropped) > 0 {
				t.Errorf("dropped: %v, %v", door.dropped, device.dropped)
			}
			t.Logf("%d datagrams up, %d down", sent[true], sent[false])
		})
	}
}

// The peer's key is known before the session exists, and nothing tells the client that it is connected until Finish.
func TestVerifiedIsNotFinished(t *testing.T) {
	client, server := configs(t)
	ends := newPause(t, client, server)
	if ends.out.Send != nil || !ends.out.Verified || ends.out.Stage != dtls.StageVerified {
		t.Fatalf("after the client's flight: %+v", ends.out)
	}
	spki, _ := dtls.AppendPublicKey(nil, &client.Key.PublicKey)
	if !bytes.Equal(ends.server.PeerKey(), spki) {
		t.Errorf("peer key %x, want %x", ends.server.PeerKey(), spki)
	}
	// The client repeats its flight while the disk is slow: still nothing.
	again, err := ends.client.Tick(begin.Add(3 * time.Second))
	if err != nil || len(again) != 1 {
		t.Fatalf("the client repeats %d datagrams, %v", len(again), err)
	}
	out, err := ends.server.Receive(begin.Add(3*time.Second), again[0])
	if err != nil || out.Send != nil || out.Verified {
		t.Fatalf("a repeated flight before Finish: %+v, %v", out, err)
	}
	preview := ends.server.SessionPreview()
	if stored, err := preview.MarshalBinary(); err != nil || len(stored) != dtls.ExportSize {
		t.Fatalf("the preview exports to %d bytes, %v", len(stored), err)
	}
	flight, session, err := ends.server.Finish(begin.Add(4 * time.Second))
	if err != nil || preview.Keys != session.Keys || preview.WriteSeq != session.WriteSeq {
		t.Fatalf("Finish: %+v, previewed %+v, %v", session, preview, err)
	}
	if _, _, err := ends.server.Finish(begin); !errors.Is(err, dtls.ErrNotVerified) {
		t.Errorf("a second Finish: %v", err)
	}
	for _, d := range flight {
		if _, err := ends.client.Receive(begin.Add(4*time.Second), d); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := ends.client.Session(); !ok {
		t.Error("the client is not connected")
	}
}

// pause is a handshake that stands before Finish.
type pause struct {
	client *dtls.ClientHandshake
	server *dtls.ServerHandshake
	flight [][]byte // the client's last
	out    dtls.Output
}

func newPause(t testing.TB, client *dtls.ClientConfig, server *dtls.ServerConfig) *pause {
	t.Helper()
	p := halfway(t, client, server)
	for _, d := range p.flight {
		var err error
		if p.out, err = p.server.Receive(begin, d); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// halfway is a handshake whose client has spoken its last flight, which the server has not heard.
func halfway(t testing.TB, client *dtls.ClientConfig, server *dtls.ServerConfig) *pause {
	t.Helper()
	h, first, err := dtls.NewClientHandshake(client, begin, dtls.ClientRandom{Random: random32("client random"), Ephemeral: random32("client ephemeral")})
	if err != nil {
		t.Fatal(err)
	}
	d := newDoor(server)
	out, err := h.Receive(begin, d.receive(begin, first[0])[0])
	if err != nil {
		t.Fatal(err)
	}
	p := &pause{client: h}
	for _, datagram := range d.receive(begin, out.Send[0]) {
		if out, err = h.Receive(begin, datagram); err != nil {
			t.Fatal(err)
		}
		p.flight = append(p.flight, out.Send...)
	}
	p.server = d.h
	return p
}

// A client that missed the last flight repeats its own; each answer is sealed with a number of its own, and there are only
// so many.
func TestLastFlightIsRepeated(t *testing.T) {
	client, server := configs(t)
	client.RetransmitMax = time.Hour
	p := newPause(t, client, server)
	flight, session, err := p.server.Finish(begin)
	if err != nil {
		t.Fatal(err)
	}
	sequences := map[uint64]bool{}
	note := func(flight [][]byte) {
		for _, d := range flight {
			for _, r := range records(t, d) {
				if r.Epoch == 1 && sequences[r.Seq] {
					t.Errorf("number %d is used twice", r.Seq)
				}
				if r.Epoch == 1 {
					sequences[r.Seq] = true
				}
			}
		}
	}
	note(flight)
	var answer [][]byte
	for i := range dtls.FinishedNumbers + 2 {
		again, err := p.client.Tick(p.client.Deadline())
		if err != nil || len(again) == 0 {
			t.Fatalf("repetition %d: %d datagrams, %v", i, len(again), err)
		}
		out, err := p.server.Receive(begin, again[0])
		if err != nil {
			t.Fatal(err)
		}
		if got, want := len(out.Send) > 0, i < dtls.FinishedNumbers-1; got != want {
			t.Errorf("repetition %d is answered: %v", i, got)
		}
		note(out.Send)
		if out.Send != nil {
			answer = out.Send
		}
		// The very same datagram a second time is a replay, not a repetition.
		if out, err = p.server.Receive(begin, again[0]); err != nil || out.Send != nil || !errors.Is(out.Dropped, dtls.ErrReplay) {
			t.Errorf("a duplicate: %+v, %v", out, err)
		}
	}
	if len(sequences) != dtls.FinishedNumbers || sequences[session.WriteSeq] {
		t.Errorf("%d numbers used, the session goes on at %d", len(sequences), session.WriteSeq)
	}
	// Any one of them does.
	out, err := p.client.Receive(begin, answer[0])
	if err != nil || !out.Verified {
		t.Errorf("the last repetition: %+v, %v", out, err)
	}
}

func TestServerTimers(t *testing.T) {
	client, server := configs(t)
	p := halfway(t, client, server)
	var at []float64
	for {
		now := p.server.Deadline()
		resend, err := p.server.Tick(now)
		at = append(at, now.Sub(begin).Seconds())
		if errors.Is(err, dtls.ErrHandshakeTimeout) {
			break
		}
		if err != nil || len(resend) != 1 {
			t.Fatalf("at %v: %d datagrams, %v", now.Sub(begin), len(resend), err)
		}
	}
	if want := []float64{2, 6, 14, 30, 45}; !equal(at, want) {
		t.Errorf("flights at %v, want %v", at, want)
	}
	if !p.server.Deadline().IsZero() {
		t.Error("a forgotten handshake has a deadline")
	}
	if _, err := p.server.Receive(begin, p.flight[0]); !errors.Is(err, dtls.ErrHandshakeOver) {
		t.Errorf("a late flight: %v", err)
	}
	// A caller whose clock stood still need not have called Tick.
	p = halfway(t, client, server)
	if _, err := p.server.Receive(begin.Add(45*time.Second), p.flight[0]); !errors.Is(err, dtls.ErrHandshakeOver) {
		t.Errorf("a late flight without Tick: %v", err)
	}
	p = newPause(t, client, server)
	if _, _, err := p.server.Finish(begin.Add(45 * time.Second)); !errors.Is(err, dtls.ErrHandshakeOver) {
		t.Errorf("a late Finish: %v", err)
	}
}

// A Finished that overtakes the messages that make its keys is kept; something too long to be one does not take its place.
func TestFinishedOvertakes(t *testing.T) {
	client, server := configs(t)
	p := halfway(t, client, server)
	list := records(t, p.flight[0])
	long := append([]byte{22, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 9, 0, 200}, make([]byte, 200)...)
	for _, datagram := range [][]byte{long, list[4].Raw, list[2].Raw, list[1].Raw} {
		if out, err := p.server.Receive(begin, datagram); err != nil || out.Verified || out.Dropped != nil {
			t.Fatalf("%+v, %v", out, err)
		}
	}
	if out, err := p.server.Receive(begin, list[0].Raw); err != nil || !out.Verified {
		t.Errorf("after the last piece: %+v, %v", out, err)
	}
}

func TestClientTimersAreDeviceOSs(t *testing.T) {
	client, _ := configs(t)
	h, _, err := dtls.NewClientHandshake(client, begin, dtls.ClientRandom{})
	if err != nil {
		t.Fatal(err)
	}
	var at []float64
	for err == nil {
		now := h.Deadline()
		at = append(at, now.Sub(begin).Seconds())
		_, err = h.Tick(now)
	}
	if want := []float64{3, 9, 21, 45}; !errors.Is(err, dtls.ErrHandshakeTimeout) || !equal(at, want) {
		t.Errorf("ticks at %v, want %v; %v", at, want, err)
	}
}

func equal(a, b []float64) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestServerLingersAndGoes(t *testing.T) {
	client, server := configs(t)
	p := newPause(t, client, server)
	if _, _, err := p.server.Finish(begin.Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	end := p.server.Deadline()
	if want := begin.Add(55 * time.Second); !end.Equal(want) {
		t.Errorf("lingers until %v, want %v", end, want)
	}
	if _, err := p.server.Tick(end); !errors.Is(err, dtls.ErrHandshakeOver) {
		t.Errorf("Tick at the end: %v", err)
	}
}

// A repeated ClientHello gets the flight again, with new record numbers; another hello is not this handshake's business.
func TestRepeatedHello(t *testing.T) {
	client, server := configs(t)
	h, first, _ := dtls.NewClientHandshake(client, begin, dtls.ClientRandom{Random: random32("client random"), Ephemeral: random32("client ephemeral")})
	d := newDoor(server)
	out, err := h.Receive(begin, d.receive(begin, first[0])[0])
	if err != nil {
		t.Fatal(err)
	}
	hello := out.Send[0]
	flight := d.receive(begin, hello)
	again := d.receive(begin.Add(time.Second), hello)
	if len(again) != 1 || len(again[0]) != len(flight[0]) {
		t.Fatalf("%d datagrams again", len(again))
	}
	a, b := records(t, flight[0]), records(t, again[0])
	for i := range a {
		if !bytes.Equal(a[i].Fragment, b[i].Fragment) || b[i].Seq != a[i].Seq+uint64(len(a)) {
			t.Errorf("record %d: number %d, then %d", i, a[i].Seq, b[i].Seq)
		}
	}
	for range 3 * dtls.MaxRepeats {
		again = d.receive(begin.Add(time.Second), hello)
	}
	if again != nil {
		t.Error("a flight is repeated without end")
	}
	f, _, _ := message.ParseFragment(records(t, otherHello(t, client))[0].Fragment)
	f.Seq = 1
	for name, datagram := range map[string][]byte{
		"before the cookie":               first[0],
		"of another":                      otherHello(t, client),
		"of another with the same number": plainRecord(1, f),
	} {
		out, err := d.h.Receive(begin, datagram)
		if err != nil || !errors.Is(out.Dropped, dtls.ErrNewHello) || out.Send != nil {
			t.Errorf("a hello %s: %+v, %v", name, out, err)
		}
	}
	if d.begun != 1 {
		t.Errorf("%d handshakes were begun", d.begun)
	}
}

func otherHello(t testing.TB, client *dtls.ClientConfig) []byte {
	t.Helper()
	_, first, err := dtls.NewClientHandshake(client, begin, dtls.ClientRandom{Random: random32("other")})
	if err != nil {
		t.Fatal(err)
	}
	return first[0]
}

func TestRefuse(t *testing.T) {
	client, server := configs(t)
	p := newPause(t, client, server)
	alert := p.server.Refuse(dtls.AccessDenied)
	_, err := p.client.Receive(begin, alert)
	var got *dtls.AlertError
	if !errors.As(err, &got) || !got.Peer || got.Description != dtls.AccessDenied {
		t.Errorf("the client hears %v", err)
	}
	if _, _, err := p.server.Finish(begin); !errors.Is(err, dtls.ErrHandshakeOver) {
		t.Errorf("Finish after Refuse: %v", err)
	}
	if p.server.Refuse(dtls.AccessDenied) != nil {
		t.Error("refused twice")
	}
}
