package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

// print writes a line of data.
func (c *cli) print(format string, args ...any) { fmt.Fprintf(c.out, format+"\n", args...) }

// say writes a line of talk.
func (c *cli) say(format string, args ...any) { fmt.Fprintf(c.err, format+"\n", args...) }

// emit writes a JSON object on a line of its own, in one write.
func (c *cli) emit(v any) error {
	e := json.NewEncoder(c.out)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// stamp shows an instant with its zone.
func (c *cli) stamp(t time.Time) string { return c.zoned(t, "2006-01-02 15:04:05Z07:00") }

// clock shows the time of day, with its zone, of something that just happened.
func (c *cli) clock(t time.Time) string { return c.zoned(t, "15:04:05.000Z07:00") }

func (c *cli) zoned(t time.Time, format string) string {
	switch {
	case t.IsZero():
		return "never"
	case c.utc:
		t = t.UTC()
	default:
		t = t.Local()
	}
	return t.Format(format)
}

// terminal tells whether a person looks at what is written there.
func terminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// colourful tells whether standard output may have colours.
func (c *cli) colourful() bool {
	return terminal(c.out) && c.getenv("NO_COLOR") == "" && c.getenv("TERM") != "dumb"
}

// box draws a frame around lines that must not be missed.
func box(lines ...string) string {
	width := 0
	for _, l := range lines {
		width = max(width, utf8.RuneCountInString(l))
	}
	edge := strings.Repeat("━", width+4)
	var b strings.Builder
	b.WriteString("┏" + edge + "┓\n")
	for _, l := range lines {
		b.WriteString("┃  " + padded(l, width) + "  ┃\n")
	}
	b.WriteString("┗" + edge + "┛")
	return b.String()
}

// padded fills a text with spaces up to a width, and with at least one where
// it is longer.
func padded(s string, width int) string {
	n := utf8.RuneCountInString(s)
	if n > width {
		return s + " "
	}
	return s + strings.Repeat(" ", width-n)
}

func itoa(n int) string { return strconv.Itoa(n) }

// writeOver replaces the terminal's line.
func writeOver(w io.Writer, format string, args ...any) {
	fmt.Fprintf(w, "\r\x1b[K"+format, args...)
}
