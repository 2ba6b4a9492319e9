package spark

import "github.com/cyan-cloud/cyan/wire/coap"

// AppendPing appends a ping, which either side may send: an empty confirmable
// message, answered by an empty acknowledgement with the same id. (A TCP device
// puts an id of its own into the answer; any message from it proves as much.)
//
//	40 00 <id>
func AppendPing(dst []byte, id uint16) []byte {
	return coap.AppendEmpty(dst, coap.Confirmable, id)
}
