package session

import "github.com/cyan-cloud/cyan/wire/dtls"

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
