package detsim

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/cyan-cloud/cyan/wire/coap"
)

// remembered is how many lines of the journal a failure can show.
const remembered = 4000

// journal is what a run did: lines for people, and a digest of every byte that
// crossed the network.
type journal struct {
	digest hash.Hash
	lines  []string // a ring
	next   int
	out    io.Writer // gets every line; nil: nobody does
	wire   bool      // out also gets every message
}

func newJournal(out io.Writer) *journal { return &journal{digest: sha256.New(), out: out} }

func (j *journal) line(at time.Duration, format string, args ...any) {
	text := fmt.Sprintf("%10.3f  %s", at.Seconds(), fmt.Sprintf(format, args...))
	j.digest.Write([]byte(text))
	if j.out != nil {
		fmt.Fprintln(j.out, text)
	}
	if len(j.lines) < remembered {
		j.lines = append(j.lines, text)
		return
	}
	j.lines[j.next] = text
	j.next = (j.next + 1) % remembered
}

// bytes adds what crossed the network to the digest.
func (j *journal) bytes(at time.Duration, port uint16, data []byte) {
	var head [10]byte
	binary.BigEndian.PutUint64(head[:], uint64(at))
	binary.BigEndian.PutUint16(head[8:], port)
	j.digest.Write(head[:])
	j.digest.Write(data)
}

// message shows what was said, to whom wants to see every message.
func (j *journal) message(w *World, from, to string, m *coap.Message) {
	if j.wire && j.out != nil {
		fmt.Fprintf(j.out, "%10.3f    %s → %s: %v %v #%d %x /%s %q\n", w.now.Sub(start).Seconds(), from, to, m.Type, m.Code, m.ID,
			m.Token, m.Path(nil), m.Payload)
	}
}

// last gives the latest lines, oldest first, at most n.
func (j *journal) last(n int) []string {
	all := append(append([]string(nil), j.lines[j.next:]...), j.lines[:j.next]...)
	return all[max(0, len(all)-n):]
}

func (j *journal) sum() (s [sha256.Size]byte) {
	j.digest.Sum(s[:0])
	return s
}
