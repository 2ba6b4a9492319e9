package event

import (
	"strconv"
	"strings"

	"github.com/cyan-cloud/cyan/cloud/fault"
)

// Position is a place in the history of events: that of the event which
// stands there. The zero value is its beginning.
type Position struct {
	Seq uint64 // counts up, over everybody's events
	ID  string // of the event: an older backup may have another one at the number
}

// String gives the position as streams show it, "1841-9f3c…".
func (p Position) String() string { return strconv.FormatUint(p.Seq, 10) + "-" + p.ID }

// ParsePosition reads what String wrote.
func ParsePosition(s string) (Position, error) {
	number, id, ok := strings.Cut(s, "-")
	seq, err := strconv.ParseUint(number, 10, 63)
	if !ok || err != nil || len(id) > 64 {
		return Position{}, fault.Errorf(fault.Invalid, "%.80q is not the id of an event in a stream", s)
	}
	return Position{Seq: seq, ID: id}, nil
}

// Lasts tells whether the event is part of the history, where one is kept:
// neither what a device said of a claim is, nor what nobody may hear later.
func (e *Event) Lasts() bool {
	return e.Name != ClaimCode && (e.Owner != "" || e.Public)
}

// Kept is an event in the history, with its place there.
type Kept struct {
	At Position
	Event
}

// Page is what a reader of the history gets at once.
type Page struct {
	Events []Kept
	To     Position // how far was read, if anything was; events that were not for the reader lie between
	More   bool     // there may be more behind it
	Gap    bool     // the history has dropped events of the reader's before these
}
