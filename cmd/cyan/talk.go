package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
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

// columns is how wide the terminal is; 80 where there is none.
func (c *cli) columns() int {
	for _, w := range []any{c.out, c.err} {
		if f, ok := w.(*os.File); ok {
			if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
				return width
			}
		}
	}
	return 80
}

// show prints a JSON object, or its line for people.
func (c *cli) show(v any, format string, args ...any) error {
	if c.json {
		return c.emit(v)
	}
	c.print(format, args...)
	return nil
}

// waitShown is after which time a person sees that something is going on.
const waitShown = time.Second

// waiting shows on a terminal that something takes its time, until the
// returned function is called.
func (c *cli) waiting(what string) (done func()) {
	if !terminal(c.err) {
		return func() {}
	}
	end := make(chan struct{})
	var turning sync.WaitGroup
	turning.Go(func() { // ends with end
		began := time.Now()
		tick := time.NewTicker(waitShown)
		defer tick.Stop()
		for {
			select {
			case <-end:
				if time.Since(began) >= waitShown {
					writeOver(c.err, "")
				}
				return
			case <-tick.C:
				writeOver(c.err, "%s … %.0f s", what, time.Since(began).Seconds())
			}
		}
	})
	return func() {
		close(end)
		turning.Wait()
	}
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

// ask writes a question, and stays on its line.
func (c *cli) ask(question string) { fmt.Fprint(c.err, question) }

// wrapped breaks a line for people between words where their terminal is too
// narrow for it; what goes on begins with the indent. Where nobody looks, a
// line stays one.
func (c *cli) wrapped(line, indent string) string {
	if !terminal(c.out) {
		return line
	}
	return wrap(line, indent, c.columns())
}

func wrap(line, indent string, width int) string {
	lead := line[:len(line)-len(strings.TrimLeft(line, " "))]
	var b strings.Builder
	used := 0
	for i, word := range strings.Split(line[len(lead):], " ") {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
			b.WriteString(lead)
			used = len(lead)
		case used+1+n > width && len(indent)+n <= width:
			b.WriteString("\n" + indent)
			used = len(indent)
		default:
			b.WriteByte(' ')
			used++
		}
		b.WriteString(word)
		used += n
	}
	return b.String()
}
