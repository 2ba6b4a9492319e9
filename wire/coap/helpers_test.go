package coap_test

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/wire/coap"
)

// start is where the clocks of these tests begin.
var start = time.Unix(1_800_000_000, 0)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func mustParse(t testing.TB, b []byte) coap.Message {
	t.Helper()
	m, err := coap.Parse(b)
	if err != nil {
		t.Fatalf("parse %x: %v", b, err)
	}
	return m
}

// recorded returns every CoAP message of the recorded exchanges, by file.
func recorded(t testing.TB) map[string][][]byte {
	t.Helper()
	files, err := filepath.Glob("../testdata/device/*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	all := map[string][][]byte{}
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var line struct{ Ch, Bytes string }
			if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if line.Ch == "coap" {
				base := filepath.Base(name)
				all[base] = append(all[base], unhex(t, line.Bytes))
			}
		}
		if err := lines.Err(); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// rebuild writes m again, option by option.
func rebuild(dst []byte, m *coap.Message) ([]byte, error) {
	if m.Code == coap.Empty {
		return coap.AppendEmpty(dst, m.Type, m.ID), nil
	}
	b := coap.Begin(dst, m.Type, m.Code, m.ID, m.Token)
	for o := m.Options(); o.Next(); {
		b.Option(o.Number, o.Value)
	}
	b.Payload(m.Payload)
	return b.Bytes()
}
