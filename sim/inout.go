package sim

import (
	"time"

	"github.com/cyan-cloud/cyan/wire/spark"
)

// Input is something that happens to a device. Tick is for when nothing does
// but its Deadline has come.
type Input interface{ input() }

// The inputs of Device.Step.
type (
	// PowerOn starts a device that is off.
	PowerOn struct{}
	// PowerOff stops it at once, without a word to anybody. What it keeps in
	// its Memory survives.
	PowerOff struct{}
	// Tick says that the Deadline has come.
	Tick struct{}
	// Opened says that the socket that was asked for is there.
	Opened struct{}
	// OpenFailed says that it is not: nobody listens, or no name server knows
	// the name. Internet tells what the device's own test of the internet says.
	OpenFailed struct{ Internet bool }
	// Received is what a socket gave: one datagram, or some bytes of a stream.
	// The device keeps no reference to it.
	Received struct{ Data []byte }
	// Closed says that the other side closed the stream or that it broke.
	Closed struct{}
	// NetworkDown says that the device's own network, such as Wi-Fi, is gone.
	NetworkDown struct{}
	// NetworkUp says that it is back.
	NetworkUp struct{}
	// Publish is an event that the application publishes now.
	Publish struct{ Event Event }
	// Set changes a variable.
	Set struct {
		Name  string
		Value spark.Value
	}
	// Disconnect is the application's wish to leave the cloud. A graceful one
	// says Goodbye, and for how long the device is going to sleep if it is, and
	// waits for what is unacknowledged.
	Disconnect struct {
		Graceful bool
		Sleep    time.Duration
	}
	// Connect is its wish to come back.
	Connect struct{}
)

func (PowerOn) input()     {}
func (PowerOff) input()    {}
func (Tick) input()        {}
func (Opened) input()      {}
func (OpenFailed) input()  {}
func (Received) input()    {}
func (Closed) input()      {}
func (NetworkDown) input() {}
func (NetworkUp) input()   {}
func (Publish) input()     {}
func (Set) input()         {}
func (Disconnect) input()  {}
func (Connect) input()     {}

// Output is something that a device does, in the order of the slice.
type Output interface{ output() }

// The outputs of Device.Step.
type (
	// Open asks for a new socket to the server: a UDP socket with a new local
	// port, or a TCP connection. Opened or OpenFailed answers it.
	Open struct{ Transport Transport }
	// Send sends a datagram, or writes to the stream. Data is the receiver's.
	Send struct{ Data []byte }
	// Close closes the socket.
	Close struct{}
	// Show is a change of the status light. After a flash the light shows what
	// it did before; another Show says so when the time comes.
	Show struct{ LED LED }
	// Note is a line of the device's log.
	Note struct {
		Level Level
		Text  string
	}
	// Keep says that Memory has changed, and comes before what was sent with
	// it. A restart with an older one would use numbers again that the server
	// has seen, and be ignored.
	Keep struct{}
)

func (Open) output()  {}
func (Send) output()  {}
func (Close) output() {}
func (Show) output()  {}
func (Note) output()  {}
func (Keep) output()  {}

// Level is how much a line of the log matters.
type Level uint8

// The levels: every message, what a person would tell, what went wrong.
const (
	Trace Level = iota
	Info
	Warn
)

func (l Level) String() string { return nameOf([]string{"trace", "info", "warn"}, uint8(l)) }
