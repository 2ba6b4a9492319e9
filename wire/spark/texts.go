package spark

import (
	"strings"

	"github.com/cyan-cloud/cyan/wire/coap"
)

// textPiece is how many bytes of texts are allocated at once.
const textPiece = 4 << 10

// Texts makes texts out of bytes with one allocation for many: they are cut from
// one piece after the other. Whoever keeps one of them for long keeps its piece,
// and should clone it. The zero value is ready, and a nil *Texts makes each by
// itself.
type Texts struct{ piece strings.Builder }

// Text gives b as a text.
func (t *Texts) Text(b []byte) string {
	switch {
	case t == nil || len(b) > textPiece/8:
		return string(b)
	case t.piece.Cap()-t.piece.Len() < len(b):
		t.piece.Reset()
		t.piece.Grow(textPiece)
	}
	at := t.piece.Len()
	t.piece.Write(b)
	return t.piece.String()[at:]
}

// ParseEvent is the function of that name; the event's name is one of the texts.
func (t *Texts) ParseEvent(m *coap.Message) (Event, error) { return parseEvent(m, t) }
