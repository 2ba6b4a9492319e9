package bench

import (
	"bytes"
	"fmt"
	"net"
	"slices"
	"time"
)

// greeting reads the head of an answer, byte by byte so that nothing of the
// stream is lost, and checks that it is a stream.
func greeting(conn net.Conn) error {
	if err := conn.SetDeadline(time.Now().Add(callTime)); err != nil {
		return err
	}
	var head []byte
	var b [1]byte
	for !bytes.HasSuffix(head, []byte("\r\n\r\n")) && len(head) < 4096 {
		if _, err := conn.Read(b[:]); err != nil {
			return err
		}
		head = append(head, b[0])
	}
	if !bytes.HasPrefix(head, []byte("HTTP/1.1 200 ")) {
		line, _, _ := bytes.Cut(head, []byte("\r\n"))
		return fmt.Errorf("bench: no event stream: %s", line)
	}
	return conn.SetDeadline(time.Time{})
}

// read reads a stream with a buffer of that size until it ends; take gets all
// of it, piece by piece.
func (rs *readers) read(conn net.Conn, size int, take func(piece []byte)) {
	rs.conns = append(rs.conns, conn)
	rs.all.Go(func() { // ends with the stream
		buf := make([]byte, size)
		for {
			n, err := conn.Read(buf)
			take(buf[:n])
			if err != nil {
				if !rs.ending.Load() {
					rs.broken.Add(1)
				}
				return
			}
		}
	})
}

// close ends the streams.
func (rs *readers) close() {
	rs.ending.Store(true)
	for _, c := range rs.conns {
		_ = c.Close()
	}
	rs.all.Wait()
}

// sample is how many events there are for one whose delay is noted: to note it
// for all would be the readers' main work.
const sample = 16

// stamped counts events, by the lines with their data, and notes the delay of
// some.
func (rs *readers) stamped() func(piece []byte) {
	mark := []byte("data: {\"data\":\"")
	var rest []byte
	n := 0
	return func(piece []byte) {
		text := piece
		if len(rest) > 0 {
			rest = append(rest, piece...)
			text = rest
		}
		count := int64(0)
		for {
			at := bytes.Index(text, mark)
			if at < 0 || len(text) < at+len(mark)+stampSize {
				if at < 0 {
					at = max(0, len(text)-len(mark))
				}
				rest = append(rest[:0], text[at:]...)
				break
			}
			text = text[at+len(mark):]
			count++
			if n++; n%sample == 0 {
				if d, ok := readStamp(text, rs.began); ok {
					rs.times.Add(d)
				}
			}
		}
		rs.received.Add(count)
	}
}

// counted counts events only, by the lines with their names.
func (rs *readers) counted() func(piece []byte) {
	c := counter{mark: []byte("\nevent: ")}
	return func(piece []byte) { rs.received.Add(int64(c.count(piece))) }
}

// counter counts how often a mark stands in a stream that comes in pieces.
type counter struct {
	mark []byte
	tail []byte // the end of the last piece, shorter than the mark
}

func (c *counter) count(piece []byte) int {
	seam := slices.Concat(c.tail, piece[:min(len(piece), len(c.mark)-1)])
	n := bytes.Count(seam, c.mark)
	if len(piece) >= len(c.mark) {
		n += bytes.Count(piece, c.mark)
	}
	if keep := len(c.mark) - 1; len(piece) >= keep {
		c.tail = append(c.tail[:0], piece[len(piece)-keep:]...)
	} else {
		c.tail = append(c.tail[:0], seam[max(0, len(seam)-keep):]...)
	}
	return n
}
