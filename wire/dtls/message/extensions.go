package message

import "encoding/binary"

// ExtensionType is the number of a hello extension.
type ExtensionType uint16

// The extensions that this profile reads.
const (
	ExtSupportedGroups       ExtensionType = 10  // RFC 8422 §5.1.1
	ExtPointFormats          ExtensionType = 11  // RFC 8422 §5.1.2
	ExtSignatureAlgorithms   ExtensionType = 13  // RFC 5246 §7.4.1.4.1
	ExtClientCertificateType ExtensionType = 19  // RFC 7250 §3
	ExtServerCertificateType ExtensionType = 20  // RFC 7250 §3
	ExtConnectionID          ExtensionType = 54  // RFC 9146 §3
	ExtConnectionIDDraft     ExtensionType = 254 // the number that Device OS uses for draft-ietf-tls-dtls-connection-id-05
)

// maxExtensions bounds the work of looking for duplicates. Device OS sends five or six, GnuTLS about ten.
const maxExtensions = 32

// Extensions is the encoded list of a hello's extensions, without its length. It is nil if the hello ends before the list,
// and empty if the list is there and empty.
//
//	+----------+----------+---------
//	| type (2) | len (2)  | data        repeated; RFC 5246 §7.4.1.4
//	+----------+----------+---------
type Extensions []byte

// parseExtensions reads the rest of a hello. It refuses a type that comes twice.
func parseExtensions(r *reader) Extensions {
	if len(r.b) == 0 {
		return nil
	}
	list := Extensions(r.vector16())
	var seen [maxExtensions]ExtensionType
	n := 0
	for rest := (reader{b: list}); len(rest.b) > 0; n++ {
		t := ExtensionType(rest.uint16())
		rest.vector16()
		if rest.bad || n == maxExtensions {
			r.bad = true
			return nil
		}
		for _, s := range seen[:n] {
			r.bad = r.bad || s == t
		}
		seen[n] = t
	}
	if list == nil {
		return Extensions{}
	}
	return list
}

// Find returns the data of the extension of type t.
func (e Extensions) Find(t ExtensionType) (data []byte, ok bool) {
	for r := (reader{b: e}); len(r.b) > 0; {
		found := ExtensionType(r.uint16()) == t
		if data = r.vector16(); r.bad {
			return nil, false
		}
		if found {
			return data, true
		}
	}
	return nil, false
}

// Add returns the list with one more extension.
func (e Extensions) Add(t ExtensionType, data ...byte) Extensions {
	return appendVector16(binary.BigEndian.AppendUint16(e, uint16(t)), data)
}

// append adds the list with its length to dst, or nothing if there is no list.
func (e Extensions) append(dst []byte) []byte {
	if e == nil {
		return dst
	}
	return appendVector16(dst, e)
}

// List8 returns the vector inside an extension or hello that is a one-byte length and as many bytes.
func List8(data []byte) ([]byte, error) {
	r := reader{b: data}
	v := r.vector8()
	return v, r.end()
}

// List16 returns the vector inside an extension that is a two-byte length and as many bytes.
func List16(data []byte) ([]byte, error) {
	r := reader{b: data}
	v := r.vector16()
	return v, r.end()
}

// Contains16 reports whether a list of 16-bit numbers holds v.
func Contains16(list []byte, v uint16) bool {
	for ; len(list) >= 2; list = list[2:] {
		if binary.BigEndian.Uint16(list) == v {
			return true
		}
	}
	return false
}
