package spark

import "github.com/cyan-cloud/cyan/wire/coap"

// AppendKeyChange appends the request to throw the session away and to make a
// new one: a full handshake follows within milliseconds. The acknowledgement
// of Device OS 6.2.0 carries the device's own next message id instead of this
// one's, so it matches nothing: do not send the request again because it seems
// to be missing.
//
//	41 03 <id> <token> b1 'k' 41 01
func AppendKeyChange(dst []byte, id uint16, token byte) []byte {
	return append(dst, 0x41, byte(coap.PUT), byte(id>>8), byte(id), token, 0xb1, 'k', 0x41, 0x01)
}
