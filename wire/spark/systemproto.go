package spark

import (
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// The system describe of Device OS 5.5 and later is a protobuf message:
//
//	SystemDescribe          FirmwareModule            dependency (9)
//	1 repeated module       1 type                    1 type
//	2 imei                  2 index                   2 index
//	3 iccid                 3 version                 3 version
//	4 modem firmware        4 store
//	5 repeated asset        5 max size                asset (10, and 5 of the whole)
//	6 protected state       6 fixed32 checked flags   1 hash
//	7 environment hash      7 fixed32 passed flags    2 name
//	                        8 hash                    3 size
//	                        9 repeated dependency     4 stored size
//	                       10 repeated asset
//	                       11 size                    security (12)
//	                       12 security                1 mode
//	                                                  2 fingerprint
//
// Zero is not written; what is unknown, or of another wire type, is skipped.

// wireField is a field as it stands on the wire; which of the two holds its
// value depends on the wire type.
type wireField struct {
	tag    wireTag
	number uint64
	bytes  []byte
}

type wireTag struct {
	number protowire.Number
	kind   protowire.Type
}

const (
	varint  = protowire.VarintType
	fixed32 = protowire.Fixed32Type
	bytesOf = protowire.BytesType
)

// parseSystemProto reads a SystemDescribe.
func parseSystemProto(payload []byte) (*System, error) {
	if len(payload) > MaxDescribe {
		return nil, ErrTooLarge
	}
	s := new(System)
	if err := walkFields(payload, s.protoField); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *System) protoField(f wireField) (err error) {
	switch f.tag {
	case wireTag{1, bytesOf}:
		s.Modules, err = appendParsed(s.Modules, MaxModules, f.bytes, (*Module).protoField)
	case wireTag{2, bytesOf}:
		s.IMEI, err = protoText(f.bytes)
	case wireTag{3, bytesOf}:
		s.ICCID, err = protoText(f.bytes)
	case wireTag{4, bytesOf}:
		s.ModemFirmware, err = protoText(f.bytes)
	case wireTag{5, bytesOf}:
		s.Assets, err = appendParsed(s.Assets, MaxAssets, f.bytes, (*Asset).protoField)
	case wireTag{6, varint}:
		s.ProtectedState = f.number != 0
	case wireTag{7, bytesOf}:
		s.EnvHash, err = protoHash(f.bytes)
	}
	return err
}

func (m *Module) protoField(f wireField) (err error) {
	switch f.tag {
	case wireTag{1, varint}:
		m.Type = ModuleType(f.number)
	case wireTag{2, varint}:
		m.Index = uint32(f.number)
	case wireTag{3, varint}:
		m.Version = uint32(f.number)
	case wireTag{4, varint}:
		m.Store = ModuleStore(f.number)
	case wireTag{5, varint}:
		m.MaxSize = uint32(f.number)
	case wireTag{6, fixed32}:
		m.Checked = ModuleChecks(f.number)
	case wireTag{7, fixed32}:
		m.Passed = ModuleChecks(f.number)
	case wireTag{8, bytesOf}:
		m.Hash, err = protoHash(f.bytes)
	case wireTag{9, bytesOf}:
		m.Dependencies, err = appendParsed(m.Dependencies, MaxDependencies, f.bytes, (*Dependency).protoField)
	case wireTag{10, bytesOf}:
		m.Assets, err = appendParsed(m.Assets, MaxAssets, f.bytes, (*Asset).protoField)
	case wireTag{11, varint}:
		m.Size = uint32(f.number)
	case wireTag{12, bytesOf}:
		err = walkFields(f.bytes, m.securityField)
	}
	return err
}

func (m *Module) securityField(f wireField) (err error) {
	switch f.tag {
	case wireTag{1, varint}:
		m.Security = uint32(f.number)
	case wireTag{2, bytesOf}:
		m.Fingerprint, err = protoHash(f.bytes)
	}
	return err
}

func (d *Dependency) protoField(f wireField) error {
	switch f.tag {
	case wireTag{1, varint}:
		d.Type = ModuleType(f.number)
	case wireTag{2, varint}:
		d.Index = uint32(f.number)
	case wireTag{3, varint}:
		d.Version = uint32(f.number)
	}
	return nil
}

func (a *Asset) protoField(f wireField) (err error) {
	switch f.tag {
	case wireTag{1, bytesOf}:
		a.Hash, err = protoHash(f.bytes)
	case wireTag{2, bytesOf}:
		a.Name, err = protoText(f.bytes)
	case wireTag{3, varint}:
		a.Size = uint32(f.number)
	case wireTag{4, varint}:
		a.StorageSize = uint32(f.number)
	}
	return err
}

// walkFields calls field with every field of a message, in the order of the
// wire, as a later value of a single field replaces an earlier one.
func walkFields(b []byte, field func(wireField) error) error {
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return ErrDescribe
		}
		b = b[n:]
		f := wireField{tag: wireTag{number, kind}}
		switch kind {
		case varint:
			f.number, n = protowire.ConsumeVarint(b)
		case fixed32:
			var v uint32
			v, n = protowire.ConsumeFixed32(b)
			f.number = uint64(v)
		case bytesOf:
			f.bytes, n = protowire.ConsumeBytes(b)
		default:
			n = protowire.ConsumeFieldValue(number, kind, b)
		}
		if n < 0 {
			return ErrDescribe
		}
		if err := field(f); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// appendParsed appends the message in b to list, unless that has limit
// elements already.
func appendParsed[T any](list []T, limit int, b []byte, field func(*T, wireField) error) ([]T, error) {
	if len(list) == limit {
		return nil, ErrTooLarge
	}
	var v T
	err := walkFields(b, func(f wireField) error { return field(&v, f) })
	return append(list, v), err
}

func protoText(b []byte) (string, error) {
	if len(b) > maxSystemText {
		return "", ErrTooLarge
	}
	return strings.ToValidUTF8(string(b), "?"), nil
}

func protoHash(b []byte) ([]byte, error) {
	if len(b) > hashLen {
		return nil, ErrTooLarge
	}
	return append([]byte(nil), b...), nil
}

// AppendSystem appends the system part of a describe as Device OS 5.5 and later
// writes it; the platform id has no place in it.
func AppendSystem(dst []byte, s *System) []byte {
	for i := range s.Modules {
		dst = appendMessage(dst, 1, s.Modules[i].appendProto(nil))
	}
	dst = appendBytes(dst, 2, []byte(s.IMEI))
	dst = appendBytes(dst, 3, []byte(s.ICCID))
	dst = appendBytes(dst, 4, []byte(s.ModemFirmware))
	for i := range s.Assets {
		dst = appendMessage(dst, 5, s.Assets[i].appendProto(nil))
	}
	if s.ProtectedState {
		dst = appendVarint(dst, 6, 1)
	}
	return appendBytes(dst, 7, s.EnvHash)
}

func (m *Module) appendProto(dst []byte) []byte {
	dst = appendVarint(dst, 1, uint32(m.Type))
	dst = appendVarint(dst, 2, m.Index)
	dst = appendVarint(dst, 3, m.Version)
	dst = appendVarint(dst, 4, uint32(m.Store))
	dst = appendVarint(dst, 5, m.MaxSize)
	dst = appendFixed32(dst, 6, uint32(m.Checked))
	dst = appendFixed32(dst, 7, uint32(m.Passed))
	dst = appendBytes(dst, 8, m.Hash)
	for _, d := range m.Dependencies {
		dst = appendMessage(dst, 9, d.appendProto(nil))
	}
	for i := range m.Assets {
		dst = appendMessage(dst, 10, m.Assets[i].appendProto(nil))
	}
	dst = appendVarint(dst, 11, m.Size)
	if m.Security != 0 || len(m.Fingerprint) > 0 {
		security := appendBytes(appendVarint(nil, 1, m.Security), 2, m.Fingerprint)
		dst = appendMessage(dst, 12, security)
	}
	return dst
}

func (d *Dependency) appendProto(dst []byte) []byte {
	dst = appendVarint(dst, 1, uint32(d.Type))
	dst = appendVarint(dst, 2, d.Index)
	return appendVarint(dst, 3, d.Version)
}

func (a *Asset) appendProto(dst []byte) []byte {
	dst = appendBytes(dst, 1, a.Hash)
	dst = appendBytes(dst, 2, []byte(a.Name))
	dst = appendVarint(dst, 3, a.Size)
	return appendVarint(dst, 4, a.StorageSize)
}

func appendVarint(dst []byte, n protowire.Number, v uint32) []byte {
	if v == 0 {
		return dst
	}
	return protowire.AppendVarint(protowire.AppendTag(dst, n, varint), uint64(v))
}

func appendFixed32(dst []byte, n protowire.Number, v uint32) []byte {
	if v == 0 {
		return dst
	}
	return protowire.AppendFixed32(protowire.AppendTag(dst, n, fixed32), v)
}

func appendBytes(dst []byte, n protowire.Number, b []byte) []byte {
	if len(b) == 0 {
		return dst
	}
	return appendMessage(dst, n, b)
}

func appendMessage(dst []byte, n protowire.Number, b []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(dst, n, bytesOf), b)
}
