package session_test

import (
	"errors"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/session"
)

// FuzzStep lets a device say anything under its keys. The input is a row of
// messages, each with its length in front and the tenths of a second before it.
func FuzzStep(f *testing.F) {
	for _, name := range []string{"os-6.2.0-udp", "os-2.3.1-tcp"} {
		var row []byte
		for _, m := range recording(f, name)[:12] {
			if len(m) < 256 {
				row = append(append(row, byte(len(m)), 1), m...)
			}
		}
		f.Add(row, name == "os-6.2.0-udp")
	}
	f.Fuzz(func(t *testing.T, row []byte, udp bool) {
		w := newWorld(t)
		w.connect(udp, true, true, deviceID)
		if err := w.run("device", []string{"hello", "6.2.0"}); err != nil {
			t.Fatal(err)
		}
		w.d.lazy = true
		for messages := 0; len(row) > 2 && !w.s.Closed() && messages < 50; messages++ {
			n := min(int(row[0]), len(row)-2)
			w.pass(time.Duration(row[1]) * 100 * time.Millisecond)
			message := row[2 : 2+n]
			row = row[2+n:]
			if !w.s.Closed() {
				w.send(message)
			}
		}
		w.pass(time.Minute)
	})
}

// FuzzRestore takes up records that were damaged.
func FuzzRestore(f *testing.F) {
	w := newWorld(f)
	w.connect(true, true, true, deviceID)
	f.Add(w.s.Record().Blob)
	for _, command := range [][]string{{"hello", "6.2.0"}, {"describes", "app"}, {"subscribes", "vdev"}, {"leaves", "sleep", "60"}} {
		if err := w.run("device", command); err != nil {
			f.Fatal(err)
		}
		f.Add(w.s.Record().Blob)
	}
	f.Fuzz(func(t *testing.T, blob []byte) {
		how := session.Restoration{Generation: 1 << 29, Now: begin}
		s, err := session.Restore(session.Record{Blob: blob}, how)
		if err != nil {
			if !errors.Is(err, session.ErrRecord) || s != nil {
				t.Fatalf("%v, %v", s, err)
			}
			return
		}
		var outs session.Outs
		now := begin
		for range 20 {
			at := s.Deadline()
			if at.IsZero() {
				break
			}
			if at.After(now) {
				now = at
			}
			s.Step(now, &session.In{Kind: session.Tick}, &outs)
			outs.Reset()
			if again := s.Deadline(); !again.IsZero() && !again.After(now) {
				t.Fatal("the deadline does not move")
			}
		}
		how.Generation++
		if _, err := session.Restore(s.Record(), how); err != nil {
			t.Fatalf("its own record: %v", err)
		}
	})
}
