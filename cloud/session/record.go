package session

import (
	"encoding/binary"
	"errors"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/wire/dtls"
)

// recordVersion is the first byte of a Record's blob. A newer one is refused.
const recordVersion = 1

// maxRecord bounds a blob, in bytes: a describe with everything that one may
// hold, and the rest.
const maxRecord = 64 << 10

// ErrRecord is what Restore says of a record that it cannot read.
var ErrRecord = errors.New("session: record cannot be read")

// Record is what lasts of a session on UDP.
type Record struct {
	Device     device.ID
	Origin     [8]byte // names the session
	CID        [8]byte // zero for devices without connection ids
	Generation uint32  // the highest that was taken; see wire/dtls
	Blob       []byte  // keys and all the rest; as secret as the keys
}

// Record gives what is to be stored: everything that cannot be asked for
// again. A session on TCP has none.
//
//	version (1) ‖ device (12) ‖ keys ‖ peer ‖ local ‖ origin (8) ‖ message id (2) ‖ phase (1) ‖ word (1) ‖ reason ‖
//	since ‖ last seen ‖ proven ‖ until ‖ keep-alive in seconds ‖ hello ‖ application (1: known) ‖ functions ‖
//	variables ‖ subscriptions
//
// What has no length here is a varint, or has one in front.
func (s *Session) Record() Record {
	r := s.Heading()
	if !s.udp() {
		return r
	}
	b := append(make([]byte, 0, 512), recordVersion)
	b = append(b, s.id[:]...)
	keys, _ := s.secure.MarshalBinary()
	peer, _ := s.peer.MarshalBinary()
	local, _ := s.local.get().MarshalBinary()
	for _, part := range [][]byte{keys, peer, local} {
		b = appendBytes(b, part)
	}
	b = append(b, s.origin[:]...)
	b = binary.BigEndian.AppendUint16(b, s.lastID)
	b = append(b, byte(s.phase), byte(s.word))
	b = appendBytes(b, s.reason.get())
	for _, number := range [...]int64{s.since, s.lastSeen, s.provenAt, s.until, int64(s.keepAlive)} {
		b = binary.AppendUvarint(b, uint64(number))
	}
	var hello []byte
	if h := s.Hello(); h.Size > 0 {
		hello = h.Append(nil)
	}
	b = appendBytes(b, hello)
	if s.knowsApplication() {
		functions, variables := s.application().Parts()
		b = appendBytes(appendBytes(append(b, 1), functions), variables)
	} else {
		b = append(b, 0)
	}
	r.Blob = appendBytes(b, s.subscriptions.get())
	return r
}

// Heading gives the record without its blob, which is enough to find it by.
func (s *Session) Heading() Record {
	if !s.udp() {
		return Record{Device: s.id}
	}
	r := Record{Device: s.id, Origin: s.origin, Generation: max(s.secure.Generation(), s.nextGeneration)}
	if s.secure.CID.Kind != dtls.NoCID {
		r.CID = s.secure.CID.Bytes
	}
	return r
}

func appendBytes[T ~string | ~[]byte](b []byte, v T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(v))), v...)
}

// lastFlag marks the version of a record that was written at a planned stop.
const lastFlag = 0x80

// LastRecord is the Record of a session that will not be stepped any more: its
// replay window is exact, so the next life of the session need not be cautious.
// That of one that is cautious itself is still the window from before a crash.
func (s *Session) LastRecord() Record {
	r := s.Record()
	if len(r.Blob) > 0 && !s.cautious {
		r.Blob[0] |= lastFlag
	}
	return r
}

// IsLast tells whether the record is a LastRecord and no other life of the
// session came after it: each takes a generation, so the one that was stored
// until now is still the record's own.
func (r Record) IsLast(stored uint32) bool {
	d := reader{b: r.Blob}
	if d.byte() != recordVersion|lastFlag {
		return false
	}
	d.take(len(r.Device))
	keys, err := dtls.UnmarshalSession(d.bytes())
	return err == nil && keys.Generation() == stored
}
