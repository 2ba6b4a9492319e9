package event_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/event"
)

// anyEvent draws events as publishers make them.
func anyEvent(t *rapid.T) event.Event {
	e := event.Event{
		ID:            rapid.StringN(0, 40, 64).Draw(t, "id"),
		Name:          rapid.StringN(0, 64, 64).Draw(t, "name"),
		HasData:       rapid.Bool().Draw(t, "has data"),
		ContentFormat: rapid.Uint16().Draw(t, "format"),
		TTL:           time.Duration(rapid.Int64().Draw(t, "ttl")),
		Public:        rapid.Bool().Draw(t, "public"),
		Source:        event.Source(rapid.IntRange(0, 2).Draw(t, "source")),
		Owner:         account.ID(rapid.StringN(0, 24, 24).Draw(t, "owner")),
	}
	copy(e.Device[:], rapid.SliceOfN(rapid.Byte(), 12, 12).Draw(t, "device"))
	if e.HasData {
		e.Data = rapid.SliceOfN(rapid.Byte(), 0, event.MaxData).Draw(t, "data")
	}
	if rapid.Bool().Draw(t, "dated") {
		e.Published = time.Unix(0, rapid.Int64Range(0, 1<<62).Draw(t, "published")).UTC()
	}
	return e
}

func TestParseGivesBackWhatAppendWrote(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := anyEvent(t)
		got, err := event.Parse(event.Append(nil, &want))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestAppendIsStable(t *testing.T) {
	e := event.Event{
		ID: "a", Name: "temp", Data: []byte("21.5"), HasData: true, TTL: time.Minute, Owner: "o",
		Published: time.Unix(1, 0), Source: event.FromAPI, Public: true,
	}
	want := "\x01\x03\x01\x00\x00" + "\x00\x00\x00\x00\x3b\x9a\xca\x00" + "\x00\x00\x00\x0d\xf8\x47\x58\x00" +
		"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" + "\x01a" + "\x01o" + "\x04temp" + "\x0421.5"
	if diff := cmp.Diff(want, string(event.Append(nil, &e))); diff != "" {
		t.Error(diff)
	}
}

func TestParseRefuses(t *testing.T) {
	e := event.Event{Name: "n", Data: []byte("d"), HasData: true}
	good := event.Append(nil, &e)
	change := func(i int, v byte) []byte {
		b := append([]byte(nil), good...)
		b[i] = v
		return b
	}
	for name, b := range map[string][]byte{
		"empty":            nil,
		"head only":        good[:33],
		"cut short":        good[:len(good)-1],
		"too long":         append(change(0, 1), 0),
		"unknown source":   change(2, 9),
		"data without bit": change(1, 0),
		"huge length":      append(append([]byte(nil), good[:33]...), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01),
	} {
		if _, err := event.Parse(b); err != event.ErrMalformed {
			t.Errorf("%s: error %v, want ErrMalformed", name, err)
		}
	}
	for _, b := range [][]byte{change(0, 2), change(0, 0), {2}} {
		if _, err := event.Parse(b); err != event.ErrVersion {
			t.Errorf("version %d: error %v, want ErrVersion", b[0], err)
		}
	}
}

func FuzzParse(f *testing.F) {
	e := event.Event{ID: "id", Name: "n", Data: []byte("d"), HasData: true, Published: time.Unix(1, 2)}
	f.Add(event.Append(nil, &e))
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := event.Parse(b)
		if err != nil {
			return
		}
		again, err := event.Parse(event.Append(nil, &e))
		if err != nil {
			t.Fatalf("its own encoding: %v", err)
		}
		if diff := cmp.Diff(e, again); diff != "" {
			t.Fatal(diff)
		}
	})
}
