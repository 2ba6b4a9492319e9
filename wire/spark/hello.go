package spark

import (
	"encoding/binary"

	"github.com/cyan-cloud/cyan/wire/coap"
)

// HelloFlags say what a device can do. They are 0 before Device OS 1.2.
type HelloFlags uint16

// The flags of a Hello; 0x08 is reserved.
const (
	HelloUpdated          HelloFlags = 0x01 // comes back from a firmware update that went well
	HelloDiagnostics      HelloFlags = 0x02 // answers to describe with metrics (≥ 1.2)
	HelloImmediateUpdates HelloFlags = 0x04 // takes updates at any time (≥ 1.2)
	HelloGoodbye          HelloFlags = 0x10 // says goodbye (≥ 2.0)
	HelloDescribes        HelloFlags = 0x20 // describes itself without being asked (≥ 2.0)
	HelloCompressed       HelloFlags = 0x40 // takes compressed updates (≥ 2.0)
	HelloUpdateV3         HelloFlags = 0x80 // takes updates by windows of chunks (≥ 3.0)
)

// Hello is how a device introduces itself at the start of a session.
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+---------------+---------------+---------------+---------------+
//	|          product id           |        product version        |
//	+---------------+---------------+---------------+---------------+
//	|             flags             |          platform id          |
//	+---------------+---------------+---------------+---------------+  8: TCP ≤ 2.x ends here
//	|   reserved    |   id length   |  device id, 12 bytes or none  …
//	+---------------+---------------+---------------+---------------+  22: UDP ≤ 2.x ends here
//	|    system module version      |     largest CoAP message      |
//	+---------------+---------------+---------------+---------------+
//	|           largest firmware image, 0 when unlimited            |
//	+---------------+---------------+---------------+---------------+
//	|      update chunk size        |                                  32: UDP ≥ 3.0, 20: TCP ≥ 3.0
//	+---------------+---------------+
//
// The device id repeats what the transport's handshake has proven on TCP; on
// UDP nothing says who the device is until here, and the key decides whether
// it may say so.
type Hello struct {
	ProductID      uint16
	ProductVersion uint16
	Flags          HelloFlags
	PlatformID     uint16
	DeviceID       [12]byte // meaningless without HasDeviceID
	HasDeviceID    bool
	SystemVersion  uint16 // of the system module, 6200 for Device OS 6.2.0; 0 before 3.0
	MaxMessage     uint16 // largest CoAP message taken, in bytes; 0 before 3.0
	MaxBinary      uint32 // largest firmware image taken, in bytes; 0 when unlimited or unsaid
	ChunkSize      uint16 // of firmware updates, in bytes; 0 before 3.0
	Size           int    // bytes of the payload; Append keeps to it, 0 means all fields
}

const (
	helloShort = 8  // bytes that every Hello has
	deviceIDAt = 10 // offset of the device id
)

// ParseHello reads the payload of a Hello of any version. Fields that it ends
// before are zero; bytes behind the last known field are left unread. A payload
// that ends within a field, or a device id that is not 12 bytes, is ErrHello.
func ParseHello(payload []byte) (Hello, error) {
	if len(payload) < helloShort {
		return Hello{}, ErrHello
	}
	h := Hello{
		ProductID:      binary.BigEndian.Uint16(payload),
		ProductVersion: binary.BigEndian.Uint16(payload[2:]),
		Flags:          HelloFlags(binary.BigEndian.Uint16(payload[4:])),
		PlatformID:     binary.BigEndian.Uint16(payload[6:]),
		Size:           len(payload),
	}
	if len(payload) == helloShort {
		return h, nil
	}
	if len(payload) < deviceIDAt {
		return Hello{}, ErrHello
	}
	rest := payload[deviceIDAt:]
	switch n := int(payload[deviceIDAt-1]); {
	case n == 0:
	case n == len(h.DeviceID) && len(rest) >= n:
		h.HasDeviceID = true
		rest = rest[copy(h.DeviceID[:], rest):]
	default:
		return Hello{}, ErrHello
	}
	if err := h.parseSystem(rest); err != nil {
		return Hello{}, err
	}
	return h, nil
}

// parseSystem reads what Device OS 3.0 added.
func (h *Hello) parseSystem(b []byte) error {
	fields := []struct {
		size int
		set  func([]byte)
	}{
		{2, func(b []byte) { h.SystemVersion = binary.BigEndian.Uint16(b) }},
		{2, func(b []byte) { h.MaxMessage = binary.BigEndian.Uint16(b) }},
		{4, func(b []byte) { h.MaxBinary = binary.BigEndian.Uint32(b) }},
		{2, func(b []byte) { h.ChunkSize = binary.BigEndian.Uint16(b) }},
	}
	for _, f := range fields {
		switch {
		case len(b) == 0:
			return nil
		case len(b) < f.size:
			return ErrHello
		}
		f.set(b)
		b = b[f.size:]
	}
	return nil
}

// Append appends the payload of the Hello, cut to Size bytes when that is less
// than all fields make.
func (h *Hello) Append(dst []byte) []byte {
	start := len(dst)
	dst = binary.BigEndian.AppendUint16(dst, h.ProductID)
	dst = binary.BigEndian.AppendUint16(dst, h.ProductVersion)
	dst = binary.BigEndian.AppendUint16(dst, uint16(h.Flags))
	dst = binary.BigEndian.AppendUint16(dst, h.PlatformID)
	if h.HasDeviceID {
		dst = append(dst, 0, byte(len(h.DeviceID)))
		dst = append(dst, h.DeviceID[:]...)
	} else {
		dst = append(dst, 0, 0)
	}
	dst = binary.BigEndian.AppendUint16(dst, h.SystemVersion)
	dst = binary.BigEndian.AppendUint16(dst, h.MaxMessage)
	dst = binary.BigEndian.AppendUint32(dst, h.MaxBinary)
	dst = binary.BigEndian.AppendUint16(dst, h.ChunkSize)
	if h.Size > 0 && start+h.Size < len(dst) {
		dst = dst[:start+h.Size]
	}
	return dst
}

// Describes reports whether the device sends its describe by itself. If not
// (Device OS before 2.0) it has to be asked, once the Hello is acknowledged.
func (h *Hello) Describes() bool { return h.Flags&HelloDescribes != 0 }

// AppendHello appends a device's Hello: CON on UDP, where the device waits for
// the acknowledgement, NON on TCP, where it waits for the cloud's Hello.
//
//	[40|50] 02 <id> b1 'h' ff <payload>
func AppendHello(dst []byte, t coap.Type, id uint16, h *Hello) ([]byte, error) {
	b := begin(dst, t, coap.POST, id, nil, 'h')
	b.Payload(h.Append(nil))
	return b.Bytes()
}

// AppendServerHello appends the cloud's Hello. A TCP device drops the
// connection unless it comes within 4 s of its own; a UDP device needs none.
//
//	50 02 <id> b1 'h'
func AppendServerHello(dst []byte, id uint16) []byte {
	return append(dst, 0x50, byte(coap.POST), byte(id>>8), byte(id), 0xb1, 'h')
}
