package sim

import (
	"time"

	"github.com/cyan-cloud/cyan/wire/spark"
)

// ending is why a connection or a try ends.
type ending struct {
	text   string
	forget bool // the session is not to be resumed
	led    LED  // what a failed handshake flashes; dark: red
}

// The ways in which it ends.
var (
	endClosed    = ending{text: "the server closed the connection"}
	endTimeout   = ending{text: "the handshake took too long"}
	endHandshake = ending{text: "the handshake failed"}
	endDecrypt   = ending{text: "the server's answer is for another device key", led: ledDecryption}
	endSignature = ending{text: "the server's answer is not signed with the key on this device", led: ledSignature}
	endNoCID     = ending{text: "the server gave no connection id"}
	endNoHello   = ending{text: "no Hello from the server within 4 s"}
	endPing      = ending{text: "nobody answers: ping timeout"}
	endUnacked   = ending{text: "a message was never acknowledged: session discarded", forget: true}
	endReset     = ending{text: "the server reset the session", forget: true}
	endAlert     = ending{text: "the server ended the session with an alert", forget: true}
	endKeyChange = ending{text: "the server asked for new keys", forget: true}
	endFrame     = ending{text: "bytes that are no frame"}
	endToken     = ending{text: "a request without a one-byte token: connection dropped"}
	endTwoParts  = ending{text: "a request for two parts of the describe at once: connection dropped"}
	endNoName    = ending{text: "an event without a name: connection dropped"}
	endBlocked   = ending{text: "the application was busy for too long: connection dropped"}
	endNetwork   = ending{text: "the network was reset"}
	endCounter   = ending{text: "the session has no numbers left", forget: true}
)

// helloTimeout is how long a TCP device waits for the server's Hello.
const helloTimeout = 4 * time.Second

// boot is what happens at power on.
func (d *Device) boot() {
	d.failures, d.wanted, d.setup, d.running, d.later = d.cfg.Failed, true, false, nil, nil
	d.published, d.booted = rate{}, d.now
	d.values = make(map[string]spark.Value, len(d.cfg.Application.Variables))
	for _, v := range d.cfg.Application.Variables {
		d.values[v.Name] = v.Value
	}
	d.due = make([]time.Time, len(d.cfg.Application.Periodic))
	d.talk = talk{token: byte(d.random.Uint32())}
	d.talk.ping.interval, d.talk.ping.timeout = keepAlive(d.cfg.Transport)
	if d.cfg.KeepAlive > 0 {
		d.talk.ping.interval = d.cfg.KeepAlive
	}
	if d.memory != nil {
		d.talk.ids.Seed(d.memory.LastID)
	}
	d.note(Info, "power on: %s, %s over %s", d.cfg.ID, d.cfg.Profile.Name, d.cfg.Transport)
	d.join()
}

// join looks for the device's own network.
func (d *Device) join() {
	d.enter(Joining, ledNetwork)
	if d.network {
		d.wake = d.now.Add(joining)
	}
}

func (d *Device) joined() {
	d.note(Info, "network connected")
	if d.wanted {
		d.connect()
	} else {
		d.enter(Away, ledNoCloud)
	}
}

func (d *Device) leaveNetwork(text string) {
	if d.phase == Joining {
		d.wake = time.Time{}
		return
	}
	d.note(Warn, "%s", text)
	d.hangUp()
	d.join()
}

// connect begins a try to reach the cloud.
func (d *Device) connect() {
	d.enter(Opening, ledConnecting)
	d.emit(Open{d.cfg.Transport})
}

// openFailed is called when there is no socket. What is shown depends on the
// device's own test of the internet.
func (d *Device) openFailed(internet bool) {
	if d.phase != Opening {
		return
	}
	end := ending{text: "no socket: no internet", led: ledNoInternet}
	if internet {
		end = ending{text: "no socket: nobody listens at " + d.cfg.Server, led: ledNoServer}
	}
	d.note(Warn, "%s", end.text)
	d.backOff(end)
}

// end ends the connection, or the try. What was established is tried again at
// once; what wasn't counts as a failure and waits.
func (d *Device) end(e ending) {
	was := d.phase
	if was < Handshaking {
		return
	}
	if e.forget {
		d.forget()
	}
	d.note(Warn, "%s", e.text)
	d.hangUp()
	switch was {
	case Connected:
		d.connect()
	case Leaving:
		d.enter(Away, ledNoCloud)
	default:
		d.backOff(e)
	}
}

// backOff waits before the next try, counted from the failure.
func (d *Device) backOff(e ending) {
	failedIn := d.phase
	d.failures++
	delay := Backoff(d.failures)
	d.enter(Waiting, ledConnecting)
	d.wake = d.now.Add(delay)
	if e.led == ledOff {
		e.led = ledFailed
	}
	if failedIn <= Greeting {
		d.flash(e.led)
	}
	d.note(Info, "try %d failed, next in %s", d.failures, delay)
}

// hangUp closes the socket and forgets the conversation. The session stays in
// the memory.
func (d *Device) hangUp() {
	if d.phase >= Opening {
		d.emit(Close{})
	}
	d.later = nil
	d.talk.hangUp()
}

// leave disconnects because the application wants it. Without grace nobody is
// told: the stream just closes, and on UDP the server hears nothing.
func (d *Device) leave(graceful bool, sleep time.Duration) {
	d.wanted = false
	switch {
	case d.phase < Waiting:
		return
	case d.phase < Connected || !graceful || d.cfg.Profile.Flags&spark.HelloGoodbye == 0:
		d.note(Info, "disconnected by the application")
		d.hangUp()
		d.enter(Away, ledNoCloud)
		return
	case d.phase == Leaving:
		return
	}
	d.note(Info, "disconnecting: says goodbye")
	d.sayGoodbye(sleep)
	d.enter(Leaving, ledConnected)
	d.wake = d.now.Add(leaveTimeout(d.cfg.Transport))
	d.leftIfQuiet()
}

// leaveTimeout is how long a leaving device waits for acknowledgements.
func leaveTimeout(t Transport) time.Duration {
	if t == TCP {
		return 5 * time.Second
	}
	return 60 * time.Second
}

// leftIfQuiet leaves as soon as nothing is unacknowledged.
func (d *Device) leftIfQuiet() {
	if d.phase == Leaving && len(d.talk.pending) == 0 {
		d.left()
	}
}

func (d *Device) left() {
	d.note(Info, "disconnected")
	d.hangUp()
	d.enter(Away, ledNoCloud)
}

// restart is a reset of the device: what isn't kept in memory is lost.
func (d *Device) restart(safeMode bool) {
	d.note(Warn, "reset")
	d.hangUp()
	d.safeMode = safeMode
	d.enter(Off, ledOff)
	d.light.signalling = false
	d.cfg.Failed = 0
	d.boot()
}

// Backoff returns how long a device waits after its nth failure in a row
// (n ≥ 1) before it tries again: five times 1 s, five times 2 s, and so on up
// to 64 s, then 128 s for ever. Devices do not jitter, so those that failed
// together come back together.
func Backoff(failures int) time.Duration {
	if failures < 1 {
		return 0
	}
	return time.Second << min(7, (failures-1)/5)
}
