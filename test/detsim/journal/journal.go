// Package journal is what a run did: lines for people, and a digest of every
// byte that crossed the network.
package journal

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/cyan-cloud/cyan/wire/coap"
)

// Remembered is how many lines of the journal a failure can show.
const Remembered = 4000

// Journal is one run's.
type Journal struct {
	digest hash.Hash
	lines  []string // a ring
	next   int
	out    io.Writer // gets every line; nil: nobody does
	Wire   bool      // out also gets every message
}

// New begins one.
func New(out io.Writer) *Journal { return &Journal{digest: sha256.New(), out: out} }

// Line writes a line.
func (j *Journal) Line(at time.Duration, format string, args ...any) {
	text := fmt.Sprintf("%10.3f  %s", at.Seconds(), fmt.Sprintf(format, args...))
	j.digest.Write([]byte(text))
	if j.out != nil {
		fmt.Fprintln(j.out, text)
	}
	if len(j.lines) < Remembered {
		j.lines = append(j.lines, text)
		return
	}
	j.lines[j.next] = text
	j.next = (j.next + 1) % Remembered
}

// Bytes adds what crossed the network to the digest.
func (j *Journal) Bytes(at time.Duration, port uint16, data []byte) {
	var head [10]byte
	binary.BigEndian.PutUint64(head[:], uint64(at))
	binary.BigEndian.PutUint16(head[8:], port)
	j.digest.Write(head[:])
	j.digest.Write(data)
}

// Message shows what was said, to whom wants to see every message.
func (j *Journal) Message(at time.Duration, from, to string, m *coap.Message) {
	if j.Wire && j.out != nil {
		fmt.Fprintf(j.out, "%10.3f    %s → %s: %v %v #%d %x /%s %q\n", at.Seconds(), from, to, m.Type, m.Code, m.ID,
			m.Token, m.Path(nil), m.Payload)
	}
}

// Last gives the latest lines, oldest first, at most n.
func (j *Journal) Last(n int) []string {
	all := append(append([]string(nil), j.lines[j.next:]...), j.lines[:j.next]...)
	return all[max(0, len(all)-n):]
}

// Sum gives the digest so far.
func (j *Journal) Sum() (s [sha256.Size]byte) {
	j.digest.Sum(s[:0])
	return s
}
