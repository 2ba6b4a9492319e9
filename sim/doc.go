// Package sim is a virtual device: the device's side of the protocols, with
// Device OS's own order of messages, timers, back-off and manners, and with
// the light that a person would see. It knows nothing of the cloud but what
// crosses the wire.
//
// A [Device] is a state machine without clock, socket or goroutine:
//
//	outputs := device.Step(now, input)
//
// The inputs are what happens to a device (power, sockets, bytes, wishes of
// its application), the outputs what it does (sockets, bytes, light, log).
// Whoever drives it calls Step again when [Device.Deadline] has come. The
// same seed and the same inputs at the same times give the same outputs, so a
// simulated world can hold hundreds of devices and be run again.
//
// [Process] drives one device with real sockets and real time.
//
// # A device's life
//
//	Off → Joining → Opening → Handshaking → Greeting → Starting → Connected
//	         ▲         ▲ │                                           │
//	         │         │ └── any failure ──▶ Waiting (back-off)      │
//	         │         └──────────┴──────── loss: at once ───────────┘
//	         └── the network went
//
// A device of the UDP kind keeps its session when it loses contact, and
// resumes it without any handshake: silently, from a new port. Only three
// uses without an answer, a reset, an alert, or a message that nobody
// acknowledged for 60 to 90 s make it begin anew.
package sim
