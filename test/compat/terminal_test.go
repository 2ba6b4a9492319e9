//go:build compat

package compat

import (
	"io"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// answer is what a person types once a question is on the screen.
type answer struct {
	question *regexp.Regexp
	text     func() string
}

// reader is a person who reads what a program writes, and does what the
// scenario says as soon as it is to be seen.
type reader struct {
	answers []answer
	typed   io.Writer
	until   *regexp.Regexp // nil: until it ends
	enough  func()         // is called once, when until is there

	mu    sync.Mutex
	all   []byte
	fresh int // where what was written after the last answer begins
	quiet *time.Timer
}

// think is how long a program has to be quiet before a person types: what is
// typed while it still draws its question can get lost.
const think = 300 * time.Millisecond

func (r *reader) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, b...)
	if len(r.answers) > 0 {
		if r.quiet == nil {
			r.quiet = time.AfterFunc(think, r.answer)
		}
		r.quiet.Reset(think)
	}
	if r.until != nil && r.until.MatchString(screen(r.all)) {
		r.until = nil
		r.enough()
	}
	return len(b), nil
}

// answer answers the next question, if it is on the screen.
func (r *reader) answer() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.answers) > 0 && r.answers[0].question.MatchString(screen(r.all[r.fresh:])) {
		r.fresh = len(r.all)
		_, _ = io.WriteString(r.typed, r.answers[0].text()+"\r") // who has ended asks no more
		r.answers = r.answers[1:]
	}
}

func (r *reader) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return string(r.all)
}

var control = regexp.MustCompile(`\A\x1b\[([0-9;?]*)([A-Za-z])`)

// screen gives what a terminal shows in the end: programs draw a question anew
// with each letter that is typed.
func screen(written []byte) string {
	s := display{lines: [][]rune{nil}}
	for text := string(written); text != ""; {
		if m := control.FindStringSubmatch(text); m != nil {
			s.obey(m[1], m[2])
			text = text[len(m[0]):]
			continue
		}
		c := []rune(text)[0]
		s.put(c)
		text = text[len(string(c)):]
	}
	var b strings.Builder
	for _, line := range s.lines {
		b.WriteString(strings.TrimRight(string(line), " ") + "\n")
	}
	return b.String()
}

// display is a terminal without edges.
type display struct {
	lines       [][]rune
	row, column int
}

func (s *display) put(c rune) {
	switch c {
	case '\r':
		s.column = 0
	case '\n':
		if s.row++; s.row == len(s.lines) {
			s.lines = append(s.lines, nil)
		}
		s.column = 0
	case '\b':
		s.column = max(0, s.column-1)
	default:
		if c < ' ' {
			return
		}
		for len(s.lines[s.row]) <= s.column {
			s.lines[s.row] = append(s.lines[s.row], ' ')
		}
		s.lines[s.row][s.column] = c
		s.column++
	}
}

// obey does what a control sequence says, if it moves or wipes.
func (s *display) obey(parameter, verb string) {
	n, err := strconv.Atoi(parameter)
	some := max(1, n)
	switch verb {
	case "A":
		s.row = max(0, s.row-some)
	case "B":
		s.row = min(len(s.lines)-1, s.row+some)
	case "C":
		s.column += some
	case "D":
		s.column = max(0, s.column-some)
	case "G":
		s.column = some - 1
	case "K":
		if line := s.lines[s.row]; err == nil && n == 2 {
			s.lines[s.row] = nil
		} else {
			s.lines[s.row] = line[:min(len(line), s.column)]
		}
	case "J":
		line := s.lines[s.row]
		s.lines = s.lines[:s.row+1]
		s.lines[s.row] = line[:min(len(line), s.column)]
	}
}
