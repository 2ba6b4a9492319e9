// Package sse is the event-stream format of server-sent events (WHATWG HTML
// §9.2), both ways, as bytes: it knows no sockets and no time.
package sse

import "bytes"

// ContentType is the media type of an event stream.
const ContentType = "text/event-stream"

// AppendFrame appends a frame: the event's name, its data and the empty line
// that dispatches it. Line ends in data start a new data line; a name ends
// at its first. Frames without data are never dispatched by readers, so that
// an empty data line stands for no data.
//
// A frame must reach a socket in one write: some readers decode each chunk
// by itself and break characters that stand across two.
func AppendFrame(dst []byte, name string, data []byte) []byte {
	dst = append(dst, "event: "...)
	dst = append(appendLine(dst, name), '\n')
	for {
		line, rest, more := cutLine(data)
		dst = append(dst, "data: "...)
		dst = append(dst, line...)
		dst = append(dst, '\n')
		if !more {
			break
		}
		data = rest
	}
	return append(dst, '\n')
}

// AppendID appends an id: the one that a reader who comes back names in
// Last-Event-ID. Before a frame it is that frame's; with an empty line after it,
// it stands for itself and dispatches nothing.
func AppendID(dst []byte, id string) []byte {
	dst = append(dst, "id: "...)
	return append(appendLine(dst, id), '\n')
}

// AppendComment appends a comment, which readers ignore, and an empty line.
// An empty comment keeps the connection alive; ":ok" greets.
func AppendComment(dst []byte, text string) []byte {
	dst = append(dst, ':')
	return append(appendLine(dst, text), '\n', '\n')
}

// appendLine appends s up to its first line end.
func appendLine(dst []byte, s string) []byte {
	for i := range len(s) {
		if s[i] == '\n' || s[i] == '\r' {
			return append(dst, s[:i]...)
		}
	}
	return append(dst, s...)
}

// cutLine splits b at its first line end: LF, CR LF or CR.
func cutLine(b []byte) (line, rest []byte, found bool) {
	i := bytes.IndexByte(b, '\n')
	if j := bytes.IndexByte(b, '\r'); j >= 0 && (i < 0 || j < i) {
		i = j
	}
	if i < 0 {
		return b, nil, false
	}
	if b[i] == '\r' && i+1 < len(b) && b[i+1] == '\n' {
		return b[:i], b[i+2:], true
	}
	return b[:i], b[i+1:], true
}
