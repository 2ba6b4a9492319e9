package spark

import "github.com/cyan-cloud/cyan/wire/coap"

// Kind is what a message is for, as far as its header and path tell.
type Kind uint8

// Kinds of messages. The comment says who sends it: D the device, C the cloud.
const (
	KindUnknown      Kind = iota
	KindPing              // D C  CON 0.00
	KindAck               // D C  ACK 0.00: the response, if any, comes later
	KindReset             // D C  RST: on UDP a device that gets one starts over with a handshake
	KindResponse          // D C  2.xx, 4.xx or 5.xx, in an ACK or by itself; its token tells to what
	KindHello             // D C  POST /h
	KindDescribe          // D    POST /d: the device describes itself; C  GET /d: it is asked to
	KindTime              // D    GET /t
	KindEvent             // D C  POST /E/<name>, POST /e/<name>
	KindSubscribe         // D    GET /e/<prefix>
	KindGoodbye           // D    POST /x
	KindLedger            // D C  POST /L; answer it with 4.04, never with a reset
	KindFunction          // C    POST /f/<name>
	KindVariable          // C    GET /v/<name>
	KindSignal            // C    PUT /s
	KindKeyChange         // C    PUT /k
	KindServerMoved       // C    POST /M, signed with a key that only Particle has
	KindUpdateBegin       // C    POST /u, POST /s (the oldest form)
	KindChunk             // C    POST /c
	KindChunksMissed      // D    GET /c
	KindUpdateDone        // D C  PUT /u
	KindUpdateStart       // C    POST /S (Device OS 3.0 and later, as the next three)
	KindUpdateChunk       // C    POST /C
	KindChunkAck          // D    POST /A
	KindUpdateFinish      // C    POST /F
)

var kindNames = [...]string{
	KindUnknown: "unknown", KindPing: "ping", KindAck: "ack", KindReset: "reset", KindResponse: "response",
	KindHello: "hello", KindDescribe: "describe", KindTime: "time", KindEvent: "event", KindSubscribe: "subscribe",
	KindGoodbye: "goodbye", KindLedger: "ledger", KindFunction: "function", KindVariable: "variable",
	KindSignal: "signal", KindKeyChange: "key change", KindServerMoved: "server moved",
	KindUpdateBegin: "update begin", KindChunk: "chunk", KindChunksMissed: "chunks missed",
	KindUpdateDone: "update done", KindUpdateStart: "update start", KindUpdateChunk: "update chunk",
	KindChunkAck: "chunk ack", KindUpdateFinish: "update finish",
}

// String returns the kind in words, such as "key change".
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return kindNames[KindUnknown]
}

// Classify tells what a message from a device is.
func Classify(m *coap.Message) Kind {
	if !m.Code.Request() {
		return classifyAnswer(m)
	}
	path, _ := m.Option(coap.URIPath)
	if len(path) != 1 {
		return KindUnknown
	}
	switch m.Code {
	case coap.GET:
		switch path[0] {
		case 't':
			return KindTime
		case 'e', 'E':
			return KindSubscribe
		case 'c':
			return KindChunksMissed
		}
	case coap.POST:
		switch path[0] {
		case 'E', 'e':
			return KindEvent
		case 'd':
			return KindDescribe
		case 'h':
			return KindHello
		case 'x':
			return KindGoodbye
		case 'L':
			return KindLedger
		case 'A':
			return KindChunkAck
		}
	case coap.PUT:
		if path[0] == 'u' {
			return KindUpdateDone
		}
	}
	return KindUnknown
}

// ClassifyRequest tells what a message from the cloud is, as a device sees it:
// by the one letter of the first option, whatever follows.
func ClassifyRequest(m *coap.Message) Kind {
	if !m.Code.Request() {
		return classifyAnswer(m)
	}
	o := m.Options()
	if !o.Next() || o.Number != coap.URIPath || len(o.Value) != 1 {
		return KindUnknown
	}
	switch m.Code {
	case coap.GET:
		switch o.Value[0] {
		case 'v':
			return KindVariable
		case 'd':
			return KindDescribe
		}
	case coap.POST:
		return classifyPost(o.Value[0])
	case coap.PUT:
		switch o.Value[0] {
		case 's':
			return KindSignal
		case 'k':
			return KindKeyChange
		case 'u':
			return KindUpdateDone
		}
	}
	return KindUnknown
}

func classifyPost(letter byte) Kind {
	switch letter {
	case 'f':
		return KindFunction
	case 'e', 'E':
		return KindEvent
	case 'h':
		return KindHello
	case 'L':
		return KindLedger
	case 'M':
		return KindServerMoved
	case 'u', 's':
		return KindUpdateBegin
	case 'c':
		return KindChunk
	case 'S':
		return KindUpdateStart
	case 'C':
		return KindUpdateChunk
	case 'F':
		return KindUpdateFinish
	}
	return KindUnknown
}

// classifyAnswer sorts what is no request.
func classifyAnswer(m *coap.Message) Kind {
	switch {
	case m.Type == coap.Reset:
		return KindReset
	case m.Code.Response():
		return KindResponse
	case m.Code == coap.Empty && m.Type == coap.Confirmable:
		return KindPing
	case m.Code == coap.Empty && m.Type == coap.Acknowledgement:
		return KindAck
	}
	return KindUnknown
}
