package sse_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cyan-cloud/cyan/wire/sse"
)

// decode reads a whole stream that comes in pieces of the given size.
func decode(t interface{ Fatal(...any) }, stream string, size int) []sse.Frame {
	var d sse.Decoder
	var frames []sse.Frame
	for stream != "" {
		n := min(size, len(stream))
		if _, err := d.Write([]byte(stream[:n])); err != nil {
			t.Fatal(err)
		}
		stream = stream[n:]
		for {
			f, ok, err := d.Next()
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				break
			}
			frames = append(frames, f)
		}
	}
	return frames
}

func TestAppend(t *testing.T) {
	for want, got := range map[string][]byte{
		"event: temp\ndata: {}\n\n":      sse.AppendFrame(nil, "temp", []byte("{}")),
		"event: a\ndata: 1\ndata: 2\n\n": sse.AppendFrame(nil, "a", []byte("1\r\n2")),
		"event: a\ndata: 1\ndata: \n\n":  sse.AppendFrame(nil, "a", []byte("1\r")),
		"id: 7-a\nevent: b\ndata: 1\n\n": sse.AppendFrame(sse.AppendID(nil, "7-a"), "b", []byte("1")),
		"id: 7\n":                        sse.AppendID(nil, "7\nevent: x"),
		"event: evil\ndata: \n\n":        sse.AppendFrame(nil, "evil\ndata: x", nil),
		":ok\n\n":                        sse.AppendComment(nil, "ok"),
		":\n\n":                          sse.AppendComment(nil, ""),
		"before:a\n\n":                   sse.AppendComment([]byte("before"), "a\nevent: x"),
	} {
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestDecode(t *testing.T) {
	for name, c := range map[string]struct {
		stream string
		want   []sse.Frame
	}{
		"event":                {"event: temp\ndata: 1\n\n", []sse.Frame{{Event: "temp", Data: "1"}}},
		"greeting first":       {":ok\n\nevent: a\ndata: 1\n\n", []sse.Frame{{Comment: true, Data: "ok"}, {Event: "a", Data: "1"}}},
		"several data lines":   {"data: 1\ndata:2\ndata:  3\n\n", []sse.Frame{{Data: "1\n2\n 3"}}},
		"CR LF":                {"event: a\r\ndata: 1\r\n\r\n", []sse.Frame{{Event: "a", Data: "1"}}},
		"CR":                   {"event: a\rdata: 1\r\r", []sse.Frame{{Event: "a", Data: "1"}}},
		"no data":              {"event: a\n\ndata: 1\n\n", []sse.Frame{{Data: "1"}}},
		"empty data":           {"event: a\ndata\n\n", []sse.Frame{{Event: "a"}}},
		"id, retry, strangers": {"id: 7\nretry: 5\nfoo: bar\ndata: 1\n\n", []sse.Frame{{ID: "7", Data: "1"}}},
		"byte order mark":      {"\xef\xbb\xbfdata: 1\n\n", []sse.Frame{{Data: "1"}}},
		"unfinished":           {"data: 1\n", nil},
		"keep-alives":          {"\n\n:\n", []sse.Frame{{Comment: true}}},
	} {
		t.Run(name, func(t *testing.T) {
			for size := 1; size <= len(c.stream); size++ {
				if diff := cmp.Diff(c.want, decode(t, c.stream, size)); diff != "" {
					t.Fatalf("in pieces of %d: %s", size, diff)
				}
			}
		})
	}
}

func TestFramesComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[^\r\n]{1,30}`).Draw(t, "name")
		data := rapid.StringMatching(`[^\r]{0,60}`).Draw(t, "data")
		// A leading space belongs to the format, not to the name.
		name = "n" + name
		stream := string(sse.AppendFrame(nil, name, []byte(data)))
		got := decode(t, stream, rapid.IntRange(1, 20).Draw(t, "size"))
		if diff := cmp.Diff([]sse.Frame{{Event: name, Data: data}}, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestDecoderIsBounded(t *testing.T) {
	for name, piece := range map[string]string{
		"one endless line":  strings.Repeat("x", 16),
		"endless data":      "data: 123456789\n",
		"endless data line": "data: 1",
	} {
		d := sse.Decoder{MaxFrame: 256}
		var err error
		for i := 0; err == nil; i++ {
			if i > 64 {
				t.Fatalf("%s: %d bytes were kept", name, i*len(piece))
			}
			if _, err = d.Write([]byte(piece)); err == nil {
				_, _, err = d.Next()
			}
		}
		if err != sse.ErrTooLong {
			t.Errorf("%s: error %v", name, err)
		}
		if _, err := d.Write([]byte("data: 1\n\n")); err != sse.ErrTooLong {
			t.Errorf("%s: it reads on after the error: %v", name, err)
		}
	}
}

func FuzzDecoder(f *testing.F) {
	f.Add("event: a\r\ndata: 1\r\rid:\x00\n:c\n\xef\xbb\xbf\n\n", uint8(1))
	f.Add("\xef\xbb", uint8(3))
	f.Fuzz(func(t *testing.T, stream string, size uint8) {
		whole := decode(t, stream, max(len(stream), 1))
		if diff := cmp.Diff(whole, decode(t, stream, int(size)+1)); diff != "" {
			t.Fatalf("it matters how the stream is cut: %s", diff)
		}
	})
}
