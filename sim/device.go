package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/cyan-cloud/cyan/wire/spark"
)

// Phase is where a device is on its way to the cloud.
type Phase uint8

// The phases, in order.
const (
	Off         Phase = iota
	Joining           // looking for its network
	Away              // on its network, and not asked to connect
	Waiting           // backing off after a failure
	Opening           // waiting for a socket
	Handshaking       // DTLS, or the RSA handshake
	Greeting          // Hello is sent, nobody has answered
	Starting          // start-up messages are not all acknowledged
	Connected         // as far as the device knows
	Leaving           // Goodbye is sent; waits for acknowledgements
)

var phaseNames = []string{
	"off", "joining", "away", "waiting", "opening", "handshaking", "greeting", "starting", "connected", "leaving",
}

func (p Phase) String() string { return nameOf(phaseNames, uint8(p)) }

// joining is how long a device looks for its network. A real one takes a few
// seconds; long enough for a person to see the green is enough here.
const joining = 500 * time.Millisecond

// Device is one virtual device. It is not safe for use by several goroutines.
type Device struct {
	// Set at New.
	cfg    Config
	keys   keys
	random *rand.Rand
	chance *rand.ChaCha8
	limits spark.Limits

	// From PowerOn to PowerOff.
	phase     Phase
	wake      time.Time // what the phase waits for; zero: for an input
	booted    time.Time
	failures  int  // in a row
	network   bool // the device's own network is there
	wanted    bool // the application wants the cloud
	setup     bool // the application has registered its functions and subscriptions
	safeMode  bool // runs without its application
	light     light
	values    map[string]spark.Value
	due       []time.Time // of Application.Periodic
	published rate
	running   *running // the function that keeps the application busy
	later     []later  // answers that a slow device has not sent yet

	talk   talk    // the present connection
	memory *memory // what survives PowerOff; nil: nothing

	// Of the present Step.
	now  time.Time
	out  []Output
	kept bool // memory changed
}

// New returns a device that is off. Its errors are about keys that can't be
// read.
func New(cfg Config) (*Device, error) {
	cfg = cfg.withDefaults()
	source := rand.NewChaCha8(cfg.Seed)
	d := &Device{cfg: cfg, random: rand.New(source), chance: source, network: true}
	var err error
	if d.keys, err = parseKeys(cfg, source); err != nil {
		return nil, err
	}
	hello := cfg.Profile.hello(&cfg)
	d.limits = spark.LimitsFor(&hello)
	d.memory = d.recall(cfg.Memory)
	return d, nil
}

// Phase returns where the device is.
func (d *Device) Phase() Phase { return d.phase }

// LED returns what the device shows.
func (d *Device) LED() LED { return d.light.shown }

// Failures returns how many tries in a row have failed.
func (d *Device) Failures() int { return d.failures }

// Memory returns what survives a power cut, for Config.Memory of the same
// device; nil when there is nothing.
func (d *Device) Memory() []byte { return d.memory.encode(d.cfg.ID) }

// Step tells the device what happened at now and returns what it does. now
// never goes back.
func (d *Device) Step(now time.Time, in Input) []Output {
	d.now, d.out, d.kept = now, nil, false
	d.finishRunning()
	if d.running != nil && d.running.hold(in) {
		return d.out
	}
	d.take(in)
	if d.running == nil {
		d.timers()
	}
	d.shine()
	if d.kept {
		d.out = slices.Insert(d.out, 0, Output(Keep{}))
	}
	return d.out
}

// Deadline returns when Step has something to do, though nothing may have
// happened; zero: never.
func (d *Device) Deadline() time.Time {
	if d.phase == Off {
		return time.Time{}
	}
	if d.running != nil {
		return d.running.until
	}
	at := earliest(d.wake, d.light.until)
	at = earliest(at, d.talk.deadline())
	for _, l := range d.later {
		at = earliest(at, l.at)
	}
	if d.phase == Connected {
		for _, t := range d.due {
			at = earliest(at, t)
		}
	}
	return at
}

// earliest returns the earlier of two times, of which zero is never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func (d *Device) passed(at time.Time) bool { return !at.IsZero() && !d.now.Before(at) }

// take performs one input.
func (d *Device) take(in Input) {
	if _, ok := in.(PowerOn); d.phase == Off && !ok {
		d.whileOff(in)
		return
	}
	switch in := in.(type) {
	case PowerOn:
		if d.phase == Off {
			d.boot()
		}
	case PowerOff:
		d.hangUp()
		d.enter(Off, ledOff)
	case NetworkDown:
		d.network = false
		d.leaveNetwork("network lost")
	case NetworkUp:
		d.network = true
		if d.phase == Joining {
			d.wake = d.now.Add(joining)
		}
	case Opened:
		d.opened()
	case OpenFailed:
		d.openFailed(in.Internet)
	case Received:
		d.received(in.Data)
	case Closed:
		if d.cfg.Transport == TCP && d.phase >= Handshaking {
			d.end(endClosed)
		}
	case Publish:
		d.publish(in.Event)
	case Set:
		d.values[in.Name] = in.Value
	case Disconnect:
		d.leave(in.Graceful, in.Sleep)
	case Connect:
		d.wanted = true
		if d.phase == Away {
			d.connect()
		}
	}
}

// whileOff notes what happens around a device that is off.
func (d *Device) whileOff(in Input) {
	switch in.(type) {
	case NetworkDown:
		d.network = false
	case NetworkUp:
		d.network = true
	}
}

// timers performs what has become due.
func (d *Device) timers() {
	if d.passed(d.wake) {
		d.wake = time.Time{}
		d.wakeUp()
	}
	d.talkTimers()
	d.sendLater()
	d.publishDue()
}

// wakeUp is called when the time of a phase is over.
func (d *Device) wakeUp() {
	switch d.phase {
	case Joining:
		d.joined()
	case Waiting:
		d.connect()
	case Greeting:
		d.end(endNoHello)
	case Leaving:
		d.left()
	}
}

func (d *Device) enter(p Phase, led LED) {
	d.phase, d.wake = p, time.Time{}
	d.light.base = led
}

func (d *Device) emit(o Output) { d.out = append(d.out, o) }

func (d *Device) note(level Level, format string, args ...any) {
	d.emit(Note{level, fmt.Sprintf(format, args...)})
}
