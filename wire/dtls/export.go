package dtls

import (
	"encoding/binary"
	"errors"
)

// exportVersion is the first byte of an export. A reader refuses versions that it does not know.
//
//	 0         1      2      3           11         51           53            55              61       67     75
//	+---------+------+------+-----------+----------+------------+-------------+---------------+--------+------+
//	| version | side | kind | cid (8)   | keys     | read epoch | write epoch | write seq (6) | top(6) | mask |
//	+---------+------+------+-----------+----------+------------+-------------+---------------+--------+------+
//
// keys: client key (16) ‖ server key (16) ‖ client IV (4) ‖ server IV (4). side: 0 client, 1 server.
const (
	exportVersion = 1
	exportSize    = 75
)

// ErrExport is returned for bytes that no MarshalBinary of this or an older version wrote.
var ErrExport = errors.New("dtls: not an exported session")

// AppendBinary adds the session's export, 75 bytes, to dst. It holds the keys, so it is as secret as they are. Whether a
// resumed client still marks its records is not part of it. The error is always nil.
func (s Session) AppendBinary(dst []byte) ([]byte, error) {
	side := byte(0)
	if s.Server {
		side = 1
	}
	dst = append(dst, exportVersion, side, byte(s.CID.Kind))
	dst = append(dst, s.CID.Bytes[:]...)
	dst = append(dst, s.Keys.ClientKey[:]...)
	dst = append(dst, s.Keys.ServerKey[:]...)
	dst = append(dst, s.Keys.ClientIV[:]...)
	dst = append(dst, s.Keys.ServerIV[:]...)
	dst = binary.BigEndian.AppendUint16(dst, s.ReadEpoch)
	// An epoch and a 48-bit number are eight bytes, as in a record's header.
	dst = binary.BigEndian.AppendUint64(dst, number(s.WriteEpoch, s.WriteSeq))
	dst = append(dst, uint48Bytes(s.Window.Top)...)
	return binary.BigEndian.AppendUint64(dst, s.Window.Mask), nil
}

// MarshalBinary returns the session's export; see AppendBinary.
func (s Session) MarshalBinary() ([]byte, error) {
	return s.AppendBinary(make([]byte, 0, exportSize))
}

// UnmarshalSession reads an export, or returns ErrExport. Before the first Seal the caller takes a new generation, unless
// the export was handed over by a process that has stopped using the session.
func UnmarshalSession(b []byte) (Session, error) {
	if len(b) != exportSize || b[0] != exportVersion || b[1] > 1 {
		return Session{}, ErrExport
	}
	s := Session{Server: b[1] == 1, CID: CID{Kind: CIDKind(b[2])}}
	copy(s.CID.Bytes[:], b[3:])
	copy(s.Keys.ClientKey[:], b[11:])
	copy(s.Keys.ServerKey[:], b[27:])
	copy(s.Keys.ClientIV[:], b[43:])
	copy(s.Keys.ServerIV[:], b[47:])
	s.ReadEpoch = binary.BigEndian.Uint16(b[51:])
	s.WriteEpoch = binary.BigEndian.Uint16(b[53:])
	s.WriteSeq = uint48(b[55:])
	s.Window = Window{Top: uint48(b[61:]), Mask: binary.BigEndian.Uint64(b[67:])}
	switch {
	case s.CID.Kind != NoCID && s.CID.Kind != RFC9146CID && s.CID.Kind != DraftCID,
		s.CID.Kind == NoCID && s.CID.Bytes != [cidSize]byte{},
		s.ReadEpoch == 0 || s.WriteEpoch == 0,
		s.Window.Mask == 0 && s.Window.Top != 0:
		return Session{}, ErrExport
	}
	return s, nil
}

// uint48Bytes writes one.
func uint48Bytes(n uint64) []byte {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], n)
	return b[2:]
}
