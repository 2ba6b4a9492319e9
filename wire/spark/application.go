package spark

import (
	"encoding/binary"
	"hash/crc32"
	"strconv"
)

// ParseApplication reads the application part of a describe:
//
//	{"f":["echo","set"],"v":{"temperature":9,"state":4}}
//
// A name that nobody could use is left out: an empty one, one of more than
// MaxName bytes, and one that was there before (a device finds the first).
// Malformed JSON is ErrDescribe, more than MaxFunctions of either ErrTooLarge.
// A system part beside it, as older devices send, is read too.
func ParseApplication(payload []byte) (Describe, error) {
	d, err := parseDescribeJSON(payload)
	if err == nil && !d.HasApplication {
		return Describe{}, ErrDescribe
	}
	return d, err
}

// application reads one of the fields "f" and "v".
func (r jsonReader) application(d *Describe, field string) error {
	d.HasApplication = true
	if field == "f" {
		d.Functions = nil
		return r.array(MaxFunctions, func() error {
			name, err := r.text(MaxDescribe)
			if err == nil && checkName(name) == nil && !d.HasFunction(name) {
				d.Functions = append(d.Functions, name)
			}
			return err
		})
	}
	d.Variables = nil
	n := 0
	return r.object(func(name string) error {
		if n++; n > MaxFunctions {
			return ErrTooLarge
		}
		t, err := r.number(8)
		if err != nil {
			return err
		}
		if _, known := d.VariableType(name); !known && checkName(name) == nil {
			d.Variables = append(d.Variables, Variable{Name: name, Type: VariableType(t)})
		}
		return nil
	})
}

// AppendApplication appends the application part of a describe as a device
// writes it.
func AppendApplication(dst []byte, d *Describe) []byte {
	dst = append(dst, '{')
	dst = appendApplicationFields(dst, d)
	return append(dst, '}')
}

func appendApplicationFields(dst []byte, d *Describe) []byte {
	dst = append(dst, `"f":[`...)
	for i, name := range d.Functions {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendJSONString(dst, name)
	}
	dst = append(dst, `],"v":{`...)
	for i, v := range d.Variables {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendJSONString(dst, v.Name)
		dst = append(dst, ':')
		dst = strconv.AppendUint(dst, uint64(v.Type), 10)
	}
	return append(dst, '}')
}

// ApplicationChecksum is what a device compares on resuming a session: when it
// is that of the last acknowledged describe, the describe is not sent again. It
// is the CRC-32 of two little endian sums, which do not depend on any order:
// CRC-32(name) + CRC-32(type, 4 bytes) over the variables, and CRC-32(name) over
// the functions.
func ApplicationChecksum(d *Describe) uint32 {
	var variables, functions uint32
	for _, v := range d.Variables {
		variables += crc32.ChecksumIEEE([]byte(v.Name))
		variables += crc32.ChecksumIEEE([]byte{byte(v.Type), 0, 0, 0})
	}
	for _, f := range d.Functions {
		functions += crc32.ChecksumIEEE([]byte(f))
	}
	var sums [8]byte
	binary.LittleEndian.PutUint32(sums[:], variables)
	binary.LittleEndian.PutUint32(sums[4:], functions)
	return crc32.ChecksumIEEE(sums[:])
}
