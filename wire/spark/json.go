package spark

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// jsonReader walks a describe in JSON token by token, so that counts are
// checked before anything is collected and the order of the device is kept.
type jsonReader struct {
	*json.Decoder
}

// parseDescribeJSON reads whichever of the two parts the object states:
//
//	{"f":["function",…],"v":{"variable":type,…},"p":platform,"m":[module,…],…}
//
// Unknown fields are skipped.
func parseDescribeJSON(payload []byte) (Describe, error) {
	if len(payload) > MaxDescribe {
		return Describe{}, ErrTooLarge
	}
	r := jsonReader{json.NewDecoder(bytes.NewReader(payload))}
	var d Describe
	err := r.object(func(field string) error {
		switch field {
		case "f", "v":
			return r.application(&d, field)
		case "p", "m", "imei", "iccid", "cellfw":
			if d.System == nil {
				d.System = new(System)
			}
			return r.system(d.System, field)
		}
		return r.skip()
	})
	if err == nil {
		err = r.end()
	}
	switch {
	case errors.Is(err, ErrTooLarge):
		return Describe{}, ErrTooLarge
	case err != nil:
		return Describe{}, ErrDescribe
	}
	return d, nil
}

// object reads an object; field reads the value behind each name.
func (r jsonReader) object(field func(name string) error) error {
	if err := r.delim('{'); err != nil {
		return err
	}
	for r.More() {
		t, err := r.Token()
		if err != nil {
			return err
		}
		name, ok := t.(string)
		if !ok {
			return ErrDescribe
		}
		if err := field(name); err != nil {
			return err
		}
	}
	return r.delim('}')
}

// array reads an array of at most limit elements; element reads each.
func (r jsonReader) array(limit int, element func() error) error {
	if err := r.delim('['); err != nil {
		return err
	}
	for n := 0; r.More(); n++ {
		if n == limit {
			return ErrTooLarge
		}
		if err := element(); err != nil {
			return err
		}
	}
	return r.delim(']')
}

func (r jsonReader) delim(want json.Delim) error {
	t, err := r.Token()
	if err != nil {
		return err
	}
	if t != want {
		return ErrDescribe
	}
	return nil
}

// end makes sure that nothing follows.
func (r jsonReader) end() error {
	if _, err := r.Token(); !errors.Is(err, io.EOF) {
		return ErrDescribe
	}
	return nil
}

func (r jsonReader) skip() error {
	var v json.RawMessage
	return r.Decode(&v)
}

// text reads a string of at most limit bytes.
func (r jsonReader) text(limit int) (string, error) {
	t, err := r.Token()
	if err != nil {
		return "", err
	}
	s, ok := t.(string)
	switch {
	case !ok:
		return "", ErrDescribe
	case len(s) > limit:
		return "", ErrTooLarge
	}
	return s, nil
}

// number reads an unsigned number of at most the given bits. Devices write some
// numbers as strings.
func (r jsonReader) number(bits int) (uint32, error) {
	var n json.Number
	if err := r.Decode(&n); err != nil {
		return 0, err
	}
	v, err := strconv.ParseUint(n.String(), 10, bits)
	return uint32(v), err
}

// hash reads a SHA-256 in hex.
func (r jsonReader) hash() ([]byte, error) {
	s, err := r.text(2 * hashLen)
	if err != nil {
		return nil, err
	}
	return hex.DecodeString(s)
}

// appendJSONString appends s as a JSON string. Devices escape nothing; what
// needs no escape comes out as they write it.
func appendJSONString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"', c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ':
			dst = fmt.Appendf(dst, `\u%04x`, c)
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
