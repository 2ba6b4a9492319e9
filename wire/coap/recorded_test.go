package coap_test

import (
	"bytes"
	"testing"
)

// Everything that real devices and their server said comes out as it went in.
func TestRecordedMessagesRoundTrip(t *testing.T) {
	total := 0
	for name, messages := range recorded(t) {
		for i, want := range messages {
			m := mustParse(t, want)
			if got := m.Append(nil); !bytes.Equal(got, want) {
				t.Errorf("%s, message %d: Append\n got %x\nwant %x", name, i, got, want)
			}
			got, err := rebuild(nil, &m)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s, message %d: Builder\n got %x, %v\nwant %x", name, i, got, err, want)
			}
			total++
		}
	}
	if total < 600 {
		t.Fatalf("only %d messages were found", total)
	}
}
