package dtls

import (
	"encoding/binary"
	"errors"
)

// ContentType is the first byte of a record: what the record carries.
type ContentType uint8

// The content types of RFC 5246 §6.2.1, of RFC 9146 §3, and two that Device OS made up for a session that it resumes on
// a new address: both mean "I have just reconnected", and neither is the type that its cipher authenticates.
const (
	ChangeCipherSpec ContentType = 20
	Alert            ContentType = 21
	Handshake        ContentType = 22
	ApplicationData  ContentType = 23
	ConnectionID     ContentType = 25  // tls12_cid: the real type is inside, encrypted
	MovedCID         ContentType = 253 // Device OS ≥ 4.0: tls12_cid of a resumed session, authenticated as 25
	MovedPlain       ContentType = 254 // Device OS < 3.1: application data of a resumed session, authenticated as 23
)

const (
	headerSize    = 13 // type, version, epoch, sequence, length
	explicitSize  = 8  // the explicit part of the nonce, in front of the ciphertext
	tagSize       = 8
	cidSize       = 8
	deviceIDSize  = 12
	moveTrailSize = deviceIDSize + 1 // the device id and its length, behind a record of type 254

	version12 = 0xfefd // DTLS 1.2
	version10 = 0xfeff // seen in the record header of a first ClientHello, RFC 6347 §4.1
)

// MaxOverhead is the most that Seal adds to a plaintext, in bytes: header, connection id, explicit nonce, inner type and
// padding, tag, and the device id that a client appends to a record of type 254.
const MaxOverhead = headerSize + cidSize + explicitSize + 16 + tagSize + moveTrailSize

// What a record can be refused for before anything is decrypted. Whoever gets one drops the datagram and forgets it.
var (
	ErrShort   = errors.New("dtls: record is cut short")
	ErrType    = errors.New("dtls: unknown content type")
	ErrVersion = errors.New("dtls: not DTLS 1.2")
	ErrTrailer = errors.New("dtls: a moved record without its device id")
)

// Record is one record of a datagram, still encrypted if its epoch says so. Its slices are views into the datagram.
//
//	 0      1         3       5                11         13
//	+------+---------+-------+----------------+----------+----------
//	| type | version | epoch | sequence       | length   | fragment        types 20 … 23
//	+------+---------+-------+----------------+----------+----------
//	| type | version | epoch | sequence       | cid (8)  | length | fragment   types 25, 253
//	+------+---------+-------+----------------+----------+----------
//	| type | version | epoch | sequence       | length   | fragment | device id (12) | 0c   type 254
//
// RFC 6347 §4.1, RFC 9146 §4; the last form is Device OS's own.
type Record struct {
	Type     ContentType
	Epoch    uint16 // 0 in plaintext, 1 under the session's keys
	Seq      uint64 // 48 bits, counted for each epoch and direction by itself
	CID      []byte // 8 bytes for types 25 and 253, else nil
	Fragment []byte // what the length covers
	Moved    bool   // types 253 and 254: the device says that it has just reconnected
	DeviceID []byte // 12 bytes, only with type 254; not authenticated, good for looking keys up
	Raw      []byte // the whole record, header and trailer included
}

// ParseRecord splits the first record off a datagram and returns what follows it. It allocates nothing and decrypts nothing.
// Its errors are ErrShort, ErrType, ErrVersion and ErrTrailer.
func ParseRecord(datagram []byte) (r Record, rest []byte, err error) {
	header := headerSize
	if len(datagram) < header {
		return Record{}, nil, ErrShort
	}
	r.Type = ContentType(datagram[0])
	switch r.Type {
	case ChangeCipherSpec, Alert, Handshake, ApplicationData, MovedPlain:
	case ConnectionID, MovedCID:
		header += cidSize
	default:
		return Record{}, nil, ErrType
	}
	r.Epoch = binary.BigEndian.Uint16(datagram[3:])
	r.Seq = uint48(datagram[5:])
	version := binary.BigEndian.Uint16(datagram[1:])
	if version != version12 && (version != version10 || r.Epoch != 0) {
		return Record{}, nil, ErrVersion
	}
	if len(datagram) < header {
		return Record{}, nil, ErrShort
	}
	if header > headerSize {
		r.CID = datagram[11 : 11+cidSize : 11+cidSize]
	}
	end := header + int(binary.BigEndian.Uint16(datagram[header-2:]))
	if len(datagram) < end {
		return Record{}, nil, ErrShort
	}
	r.Fragment = datagram[header:end:end]
	r.Moved = r.Type == MovedCID || r.Type == MovedPlain
	if r.Type == MovedPlain {
		if len(datagram) != end+moveTrailSize || datagram[end+deviceIDSize] != deviceIDSize {
			return Record{}, nil, ErrTrailer
		}
		r.DeviceID = datagram[end : end+deviceIDSize : end+deviceIDSize]
		end += moveTrailSize
	}
	r.Raw = datagram[:end:end]
	return r, datagram[end:], nil
}

// appendHeader adds the 13 bytes in front of a record without a connection id.
func appendHeader(dst []byte, t ContentType, epoch uint16, seq uint64, length int) []byte {
	dst = append(dst, byte(t), version12>>8, version12&0xff)
	dst = binary.BigEndian.AppendUint64(dst, number(epoch, seq))
	return binary.BigEndian.AppendUint16(dst, uint16(length))
}

// number joins epoch and sequence as they stand in the header, the nonce and the authenticated data.
func number(epoch uint16, seq uint64) uint64 { return uint64(epoch)<<48 | seq }

// uint48 reads a sequence number as it stands in a header.
func uint48(b []byte) uint64 {
	return uint64(binary.BigEndian.Uint16(b))<<32 | uint64(binary.BigEndian.Uint32(b[2:]))
}
