package signal

// Capability is something that customers do with the cloud, and that can work
// or not by itself. The status page has a line for each, in this order; a
// capability keeps its id for ever.
type Capability string

// The capabilities.
const (
	ConnectTCP Capability = "new-connections-tcp"
	ConnectUDP Capability = "new-connections-udp"
	Connected  Capability = "connected-devices"
	Calls      Capability = "function-calls"
	Variables  Capability = "variables"
	Events     Capability = "events"
	API        Capability = "api-and-login"
	Console    Capability = "console"
)

// Capabilities lists all of them in the order of the page.
func Capabilities() []Capability {
	return []Capability{ConnectTCP, ConnectUDP, Connected, Calls, Variables, Events, API, Console}
}

// String gives the name that people read.
func (c Capability) String() string {
	switch c {
	case ConnectTCP:
		return "New connections (TCP)"
	case ConnectUDP:
		return "New connections (UDP)"
	case Connected:
		return "Connected devices"
	case Calls:
		return "Function calls"
	case Variables:
		return "Variables"
	case Events:
		return "Events"
	case API:
		return "API and login"
	case Console:
		return "Console"
	default:
		return string(c)
	}
}

// Core tells whether the page as a whole is in an outage when this capability
// is.
func (c Capability) Core() bool { return c != Console }

// Valid tells whether c is one of the capabilities.
func (c Capability) Valid() bool { return c.String() != string(c) }
