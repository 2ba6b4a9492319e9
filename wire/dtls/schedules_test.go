package dtls_test

import (
	"bytes"
	"testing"

	"github.com/cyan-cloud/cyan/wire/dtls"
	"pgregory.net/rapid"
)

// TestSchedulesChangeNothing: records of many sessions, whose keys push each
// other out, are the same with and without them, and are opened by both.
func TestSchedulesChangeNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var x dtls.Schedules
		type pair struct{ client, server dtls.Session }
		pairs := make([]pair, rapid.IntRange(1, 8).Draw(t, "sessions"))
		for i := range pairs {
			client, server := sessions(dtls.DraftCID)
			// Some have one place, some one key.
			keys := rapid.SliceOfN(rapid.ByteRange(0, 1), 16, 16)
			client.Keys.ClientKey = [16]byte(keys.Draw(t, "client's key"))
			client.Keys.ServerKey = [16]byte(keys.Draw(t, "server's key"))
			server.Keys = client.Keys
			pairs[i] = pair{*client, *server}
		}
		for range rapid.IntRange(1, 40).Draw(t, "records") {
			p := &pairs[rapid.IntRange(0, len(pairs)-1).Draw(t, "session")]
			twin := p.client
			want, _ := twin.Seal(nil, dtls.ApplicationData, []byte("word"))
			got, err := p.client.SealWith(&x, nil, dtls.ApplicationData, []byte("word"))
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("sealed with keys at hand it is %x, want %x: %v", got, want, err)
			}
			r, _, err := dtls.ParseRecord(got)
			if err != nil {
				t.Fatal(err)
			}
			if _, word, err := p.server.OpenWith(&x, nil, r); err != nil || string(word) != "word" {
				t.Fatalf("opened with keys at hand it is %q, %v", word, err)
			}
		}
	})
}

// TestSchedulesAllocateOnce: as long as a session has its places, a record
// allocates nothing in either direction.
func TestSchedulesAllocateOnce(t *testing.T) {
	var x dtls.Schedules
	client, server := sessions(dtls.DraftCID)
	word := bytes.Repeat([]byte("x"), 100)
	sealed, opened := make([]byte, 0, 100+dtls.MaxOverhead), make([]byte, 0, 200)
	n := testing.AllocsPerRun(100, func() { // runs once before it counts
		sealed, _ = client.SealWith(&x, sealed[:0], dtls.ApplicationData, word)
		r, _, err := dtls.ParseRecord(sealed)
		if err == nil {
			_, opened, err = server.OpenWith(&x, opened[:0], r)
		}
		if err != nil || !bytes.Equal(opened, word) {
			t.Error(err)
		}
	})
	if n != 0 {
		t.Errorf("a record allocates %v times", n)
	}
}
