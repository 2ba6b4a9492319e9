package spark

// Limits are what a device takes, in bytes. More than that a device cuts off
// without a word, or ends the connection.
type Limits struct {
	Name          int // of a function or variable; what a describe lists is right in any case
	EventName     int
	EventData     int
	FunctionArg   int
	VariableValue int
	Message       int // a whole CoAP message
}

// platformCore is the Spark Core, whose memory is smaller than everybody's.
const platformCore = 0

// frameOverhead is what the TCP framing takes of a device's buffer: two bytes of
// length and up to 16 of padding.
const frameOverhead = 18

// minMessage is the least that a device can mean when it states the size of its
// messages: a block of 512 bytes has to fit.
const minMessage = 512 + 16

// LimitsFor tells the limits of a device from its Hello. Devices before Device
// OS 3.0 do not say their version: flags that came with 1.2 tell them from older
// ones, for which the smallest is assumed.
func LimitsFor(h *Hello) Limits {
	var l Limits
	switch {
	case h.SystemVersion >= 4000:
		l = Limits{Name: 64, EventName: 64, EventData: 1024, FunctionArg: 1024, VariableValue: 1024, Message: 1152}
	case h.SystemVersion != 0:
		l = Limits{Name: 64, EventName: 64, EventData: 864, FunctionArg: 864, VariableValue: 864, Message: 960}
		if h.MaxMessage >= 1152 {
			l.EventData, l.FunctionArg, l.VariableValue = 1024, 1024, 1024
		}
	case h.PlatformID != platformCore && h.Flags&(HelloDiagnostics|HelloImmediateUpdates|HelloDescribes) != 0:
		l = Limits{Name: 64, EventName: 63, EventData: 622, FunctionArg: 622, VariableValue: 622, Message: 800}
	default:
		l = Limits{Name: 64, EventName: 63, EventData: 255, FunctionArg: 63, VariableValue: 600, Message: 640}
	}
	if h.MaxMessage >= minMessage {
		l.Message = int(h.MaxMessage)
	}
	if !h.HasDeviceID {
		l.Message -= frameOverhead
	}
	return l
}
