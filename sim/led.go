package sim

import (
	"strconv"
	"time"
)

// Colour is a colour of a device's status light.
type Colour uint8

// The colours that a person can see on a device.
const (
	Dark Colour = iota
	Green
	Cyan
	Magenta
	Red
	Orange
	Yellow
	White
	Rainbow // all colours in turn: somebody asked the device to signal
)

// Pattern is how the light moves.
type Pattern uint8

// The patterns that a person can tell apart.
const (
	Steady    Pattern = iota
	Breathing         // fades in and out
	Blinking          // about once in 200 ms
	Fast              // blinks about ten times a second
	Flash             // a number of short flashes, then what it was before
)

// LED is what a person sees on the device. The zero value is dark.
type LED struct {
	Colour  Colour
	Pattern Pattern
	Times   int // flashes of a Flash
}

// What a device shows. A flash stands for a moment and says why a try failed.
var (
	ledOff        = LED{}
	ledNetwork    = LED{Colour: Green, Pattern: Blinking}
	ledNoCloud    = LED{Colour: Green, Pattern: Breathing}
	ledConnecting = LED{Colour: Cyan, Pattern: Blinking}
	ledHandshake  = LED{Colour: Cyan, Pattern: Fast}
	ledConnected  = LED{Colour: Cyan, Pattern: Breathing}
	ledSafeMode   = LED{Colour: Magenta, Pattern: Breathing}
	ledBootloader = LED{Colour: Yellow, Pattern: Blinking}
	ledSignal     = LED{Colour: Rainbow}

	ledFailed     = LED{Colour: Red, Pattern: Flash, Times: 1}
	ledDecryption = LED{Colour: Orange, Pattern: Flash, Times: 1}
	ledSignature  = LED{Colour: Magenta, Pattern: Flash, Times: 1}
	ledNoInternet = LED{Colour: Orange, Pattern: Flash, Times: 2}
	ledNoServer   = LED{Colour: Orange, Pattern: Flash, Times: 3}
)

// meanings is what the manual says about each; pattern and colour come with
// it in words, for people who can't tell cyan from blue.
var meanings = map[LED]string{
	ledOff:        "off",
	ledNetwork:    "looking for its network",
	ledNoCloud:    "on its network, and not asked to connect to the cloud",
	ledConnecting: "looking for the cloud, or waiting before the next try",
	ledHandshake:  "shaking hands with the cloud",
	ledConnected:  "connected, as far as the device knows",
	ledSafeMode:   "in safe mode: connected, without its application",
	ledBootloader: "in the bootloader (DFU)",
	ledSignal:     "signalling: somebody wants to see which one it is",
	ledFailed:     "the handshake failed: look at the server's reason before you doubt the keys",
	ledDecryption: "the cloud's answer was for another key: wrong device key on the server",
	ledSignature:  "the cloud's signature is wrong: wrong server key on the device",
	ledNoInternet: "no internet",
	ledNoServer:   "internet, but no cloud at that address and port",
}

func (c Colour) String() string {
	names := [...]string{"dark", "green", "cyan", "magenta", "red", "orange", "yellow", "white", "rainbow"}
	return nameOf(names[:], uint8(c))
}

func (p Pattern) String() string {
	names := [...]string{"steady", "breathing", "blinking", "fast blinking", "flash"}
	return nameOf(names[:], uint8(p))
}

// String says what is seen: "breathing cyan", "3 orange flashes".
func (l LED) String() string {
	switch {
	case l.Colour == Dark || l.Colour == Rainbow:
		return l.Colour.String()
	case l.Pattern == Flash && l.Times == 1:
		return "1 " + l.Colour.String() + " flash"
	case l.Pattern == Flash:
		return strconv.Itoa(l.Times) + " " + l.Colour.String() + " flashes"
	}
	return l.Pattern.String() + " " + l.Colour.String()
}

// Meaning says what it means.
func (l LED) Meaning() string { return meanings[l] }

// duration is how long a flash hides what the light showed before: 250 ms
// after a failed handshake, 300 ms on and 300 ms off for a count.
func (l LED) duration() time.Duration {
	switch {
	case l.Pattern != Flash:
		return 0
	case l.Times == 1:
		return 250 * time.Millisecond
	}
	return time.Duration(l.Times) * 600 * time.Millisecond
}

func nameOf(names []string, i uint8) string {
	if int(i) < len(names) {
		return names[i]
	}
	return strconv.Itoa(int(i))
}

// light is the state of the status light.
type light struct {
	base       LED       // what it shows when nothing else is to be shown
	shown      LED       // what the world was told last
	flash      LED       // hides base until until
	until      time.Time // zero: no flash
	signalling bool
}

// flash shows for a moment why something failed.
func (d *Device) flash(led LED) {
	d.light.flash, d.light.until = led, d.now.Add(led.duration())
}

// shine tells the world what the light shows, if that has changed.
func (d *Device) shine() {
	l := &d.light
	if d.passed(l.until) || d.phase == Off {
		l.until = time.Time{}
	}
	show := l.base
	switch {
	case d.phase == Off:
		l.signalling = false
	case !l.until.IsZero():
		show = l.flash
	case l.signalling:
		show = ledSignal
	case d.safeMode && d.phase == Connected:
		show = ledSafeMode
	}
	if show != l.shown {
		l.shown = show
		d.emit(Show{show})
	}
}
