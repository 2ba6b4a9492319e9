package coap_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"
	"unsafe"

	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// A million idle sessions each hold one of everything.
func TestIdleBooksAreSmall(t *testing.T) {
	var all struct {
		ids    coap.MessageIDs
		tokens coap.Tokens
		x      coap.Exchanges
		d      coap.Duplicates
	}
	if n := unsafe.Sizeof(all); n > 96 {
		t.Errorf("%d bytes", n)
	}
	token, err := all.tokens.Take()
	if err != nil {
		t.Fatal(err)
	}
	all.x.Add(start, 1, token, true, make([]byte, 1000), coap.DeviceParams, 0)
	all.d.Remember(start, 1, make([]byte, 1000))
	all.x.Acknowledge(1)
	all.tokens.Release(token)
	all.d.Trim(start.Add(2 * coap.DuplicateLifetime))
	if diff := cmp.Diff(coap.Exchanges{}, all.x, cmp.AllowUnexported(coap.Exchanges{})); diff != "" {
		t.Error("exchanges did not shrink to nothing:", diff)
	}
	if diff := cmp.Diff(coap.Duplicates{}, all.d, cmp.AllowUnexported(coap.Duplicates{})); diff != "" {
		t.Error("duplicates did not shrink to nothing:", diff)
	}
	var fresh coap.Tokens
	if err := fresh.UnmarshalBinary([]byte{token}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fresh, all.tokens, cmp.AllowUnexported(coap.Tokens{})); diff != "" {
		t.Error("tokens did not shrink to nothing:", diff)
	}
}

func TestMessageIDsCount(t *testing.T) {
	var ids coap.MessageIDs
	for want := uint16(1); want < 4; want++ {
		if id, err := ids.Next(start); err != nil || id != want {
			t.Errorf("%d, %v; want %d", id, err, want)
		}
	}
	// A TCP device takes its first id from the salt 09 7c, read little endian.
	ids.Seed(0x7c09)
	if id, err := ids.Next(start); err != nil || id != 0x7c0a || ids.Current() != id {
		t.Errorf("%x, %v, current %x", id, err, ids.Current())
	}
	ids = coap.MessageIDs{}
	ids.Seed(65535)
	if id, err := ids.Next(start); err != nil || id != 0 {
		t.Errorf("%x, %v", id, err)
	}
}

// Whatever the pace, no id comes back within 45 s, and a pace that a session
// can have is never held up.
func TestMessageIDsAreNotReused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var ids coap.MessageIDs
		ids.Seed(rapid.Uint16().Draw(t, "seed"))
		gap := time.Duration(rapid.IntRange(0, 3000).Draw(t, "microseconds between messages")) * time.Microsecond
		now, refused := start, 0
		last := make([]time.Time, 1<<16)
		for range 100_000 {
			id, err := ids.Next(now)
			if errors.Is(err, coap.ErrNoMessageID) {
				refused++
				now = now.Add(100 * time.Millisecond)
				continue
			}
			if now.Sub(last[id]) < coap.ReuseAfter {
				t.Fatalf("%d was used %v ago", id, now.Sub(last[id]))
			}
			last[id] = now
			now = now.Add(gap)
		}
		if refused > 0 && gap > 1400*time.Microsecond {
			t.Fatalf("%d times no id at one message in %v", refused, gap)
		}
	})
}

func TestTokens(t *testing.T) {
	var tokens coap.Tokens
	seen := map[byte]bool{}
	for range 256 {
		token, err := tokens.Take()
		if err != nil || seen[token] {
			t.Fatalf("%d again, or %v", token, err)
		}
		seen[token] = true
	}
	if token, err := tokens.Take(); !errors.Is(err, coap.ErrNoToken) {
		t.Errorf("a 257th token: %d, %v", token, err)
	}
	tokens.Release(42)
	tokens.Release(42)
	if token, err := tokens.Take(); err != nil || token != 42 {
		t.Errorf("%d, %v; only 42 is free", token, err)
	}
	for token := range seen {
		tokens.Release(token)
	}
	tokens.Release(1)
	if tokens.InUse() != 0 {
		t.Errorf("%d in use", tokens.InUse())
	}
}

// A token that was just given back is not the next one: an answer to the
// request that was given up may still be on its way.
func TestTokensGoRound(t *testing.T) {
	var tokens coap.Tokens
	last := map[byte]int{}
	for i := range 1000 {
		token, err := tokens.Take()
		if err != nil {
			t.Fatal(err)
		}
		if at, ok := last[token]; ok && i-at < 256 {
			t.Fatalf("token %d came back after %d others", token, i-at)
		}
		last[token] = i
		tokens.Release(token)
	}
}

func TestDuplicates(t *testing.T) {
	var d coap.Duplicates
	if _, dup := d.Seen(start, 1); dup {
		t.Error("nothing was received yet")
	}
	d.Remember(start, 1, nil) // its answer waits for something
	if answer, dup := d.Seen(start, 1); !dup || answer != nil {
		t.Errorf("%x, %v; want a duplicate without an answer", answer, dup)
	}
	d.Remember(start, 2, []byte("two"))
	d.Remember(start, 1, []byte("one"))
	if answer, dup := d.Seen(start, 1); !dup || string(answer) != "one" {
		t.Errorf("%q, %v", answer, dup)
	}
	if answer, dup := d.Seen(start, 2); !dup || string(answer) != "two" || d.Len() != 2 {
		t.Errorf("%q, %v; %d in all", answer, dup, d.Len())
	}
	if id, ok := d.Latest(); id != 1 || !ok {
		t.Errorf("the latest is %d, %v; want that whose answer came last", id, ok)
	}
	if id, ok := new(coap.Duplicates).Latest(); ok {
		t.Errorf("the latest of none is %d", id)
	}
	if !d.Overtaken(0) || !d.Overtaken(1) || d.Overtaken(2) || d.Overtaken(3) || d.Overtaken(^uint16(coap.Lately-2)) || new(coap.Duplicates).Overtaken(0) {
		t.Error("2 came, and what was said not long before it is overtaken, nothing else")
	}
	if _, dup := d.Seen(start, 3); dup {
		t.Error("3 never came")
	}
	d.Remember(start, 3, make([]byte, 10_000))
	if answer, dup := d.Seen(start, 3); !dup || answer != nil {
		t.Errorf("%d bytes, %v; want the id without the answer", len(answer), dup)
	}
}

func TestDuplicatesExpire(t *testing.T) {
	var d coap.Duplicates
	d.Remember(start, 1, []byte("a"))
	d.Remember(start.Add(time.Minute), 2, []byte("b"))
	at := start.Add(coap.DuplicateLifetime)
	if _, dup := d.Seen(at, 1); !dup {
		t.Error("forgotten while the device may still repeat it")
	}
	at = at.Add(time.Second)
	if _, dup := d.Seen(at, 1); dup {
		t.Error("remembered for too long")
	}
	if _, dup := d.Seen(at, 2); !dup || d.Len() != 1 {
		t.Error("a younger one went with it")
	}
}

// A device that publishes as fast as its firmware lets it, four messages a
// second, is still recognised when it repeats one 42 s later.
func TestDuplicatesHoldABusyDevice(t *testing.T) {
	var d coap.Duplicates
	now := start
	for id := range uint16(4 * 42) {
		d.Remember(now, id, []byte{0x60, 0x44, byte(id >> 8), byte(id)})
		now = now.Add(250 * time.Millisecond)
	}
	if answer, dup := d.Seen(now, 0); !dup || !bytes.Equal(answer, []byte{0x60, 0x44, 0, 0}) {
		t.Errorf("%x, %v", answer, dup)
	}
}

// Against a model that forgets nothing: an answer is right or gone, the newest
// are there, and memory stays bounded.
func TestDuplicatesModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var d coap.Duplicates
		type entry struct {
			at     time.Time
			answer []byte
		}
		all, now := map[uint16]entry{}, start
		for range rapid.IntRange(1, 200).Draw(t, "messages") {
			now = now.Add(time.Duration(rapid.IntRange(0, 30).Draw(t, "seconds")) * time.Second)
			id := rapid.Uint16Range(0, 300).Draw(t, "id")
			answer, dup := d.Seen(now, id)
			known, ok := all[id]
			young := ok && now.Sub(known.at) <= coap.DuplicateLifetime
			if dup && (!young || !bytes.Equal(answer, known.answer)) {
				t.Fatalf("%d: %x, known %+v at %v", id, answer, known, now)
			}
			n := rapid.IntRange(0, 400).Draw(t, "answer")
			e := entry{now, rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, "bytes")}
			d.Remember(now, id, e.answer)
			all[id] = e
			if got, dup := d.Seen(now, id); !dup || !bytes.Equal(got, e.answer) {
				t.Fatalf("%d is gone at once", id)
			}
			state, _ := d.AppendBinary(nil)
			if len(state) > 4096 {
				t.Fatalf("%d bytes", len(state))
			}
		}
	})
}

// The books come out of an export as they went in, and go on from there.
func TestBooksExport(t *testing.T) {
	var ids coap.MessageIDs
	var tokens coap.Tokens
	var x coap.Exchanges
	var d coap.Duplicates
	for range 3 {
		id, _ := ids.Next(start)
		token, _ := tokens.Take()
		x.Add(start, id, token, true, []byte("message"), coap.DeviceParams, 1<<31)
		d.Remember(start, id, []byte("answer"))
	}
	x.Add(start, 9, 0, false, nil, coap.DeviceParams, 0)
	x.Expire(start.Add(4500*time.Millisecond), coap.DeviceSpan, func([]byte) {}, func(coap.Exchange) {})
	tokens.Release(2)

	var ids2 coap.MessageIDs
	var tokens2 coap.Tokens
	var x2 coap.Exchanges
	var d2 coap.Duplicates
	for _, book := range []struct {
		from interface{ AppendBinary([]byte) ([]byte, error) }
		to   interface{ UnmarshalBinary([]byte) error }
	}{{&ids, &ids2}, {&tokens, &tokens2}, {&x, &x2}, {&d, &d2}} {
		state, err := book.from.AppendBinary([]byte("before"))
		if err != nil || !bytes.HasPrefix(state, []byte("before")) {
			t.Fatalf("%T: %x, %v", book.from, state, err)
		}
		state = state[len("before"):]
		if err := book.to.UnmarshalBinary(slices.Clone(state)); err != nil {
			t.Fatalf("%T: %v", book.to, err)
		}
		if err := book.to.UnmarshalBinary(append(slices.Clone(state), make([]byte, 258)...)); !errors.Is(err, coap.ErrExport) {
			t.Errorf("%T: bytes behind it: %v", book.to, err)
		}
	}
	if ids != ids2 {
		t.Errorf("ids: %+v, want %+v", ids2, ids)
	}
	if token, err := tokens2.Take(); err != nil || token != 4 || tokens2.InUse() != 3 {
		t.Errorf("token %d, %v, %d in use", token, err, tokens2.InUse())
	}
	if answer, dup := d2.Seen(start, 3); !dup || string(answer) != "answer" || d2.Len() != 3 {
		t.Errorf("%q, %v, %d", answer, dup, d2.Len())
	}
	if diff := cmp.Diff(run(t, &x, coap.DeviceSpan), run(t, &x2, coap.DeviceSpan)); diff != "" {
		t.Error(diff)
	}
}

// TestReceived tells when a message came, for as long as it is remembered.
func TestReceived(t *testing.T) {
	var d coap.Duplicates
	came := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	d.Remember(came, 7, []byte("answer"))
	d.Remember(came.Add(3*time.Second), 8, nil)
	if got := d.Received(7); !got.Equal(came) {
		t.Errorf("7 came %v, not %v", got, came)
	}
	if got := d.Received(8); !got.Equal(came.Add(3 * time.Second)) {
		t.Errorf("8 came %v", got)
	}
	d.Trim(came.Add(coap.DuplicateLifetime + 2*time.Second))
	if got := d.Received(7); !got.IsZero() {
		t.Errorf("7 is forgotten, and came %v", got)
	}
}
