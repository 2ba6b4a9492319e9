package doctor

import (
	"fmt"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
)

// Cause is what a verdict comes to, as a stable code.
type Cause string

// The causes. Each has an exit code of its own for scripts.
const (
	Fine           Cause = "ok"
	CloudFault     Cause = "cloud"           // ours
	Network        Cause = "network"         // between the device and us, or its power
	Keys           Cause = "keys"            // the device's key, or the server's key in it
	Firmware       Cause = "firmware"        // its application, or what it speaks
	Asleep         Cause = "asleep"          // it said so
	NotProvisioned Cause = "not_provisioned" // nobody registered it, or nobody owns it
	Unclear        Cause = "unknown"
)

// Exit is the exit code of the command that prints a verdict.
func (c Cause) Exit() int {
	switch c {
	case Fine:
		return 0
	case CloudFault:
		return 10
	case Network:
		return 11
	case Keys:
		return 12
	case Firmware:
		return 13
	case Asleep:
		return 14
	case NotProvisioned:
		return 15
	default:
		return 20
	}
}

// Confidence says how much stands behind a verdict.
type Confidence string

// The confidences.
const (
	Certain Confidence = "certain" // something that cannot be otherwise was seen
	Likely  Confidence = "likely"  // what was seen has another explanation, which is rare
	Guess   Confidence = "guess"   // nothing speaks against it
)

// Facts are what the cloud knows of a device and of itself.
type Facts struct {
	Now        time.Time
	Registered bool // it is on file
	HasKey     bool // with a key
	Device     device.Device
	State      device.State
	Attempts   []device.Attempt // newest first, of the last day
	// Nearby are attempts of strangers who did not come to say who they are,
	// from the address that the device had last, newest first.
	Nearby []device.Attempt
	Cloud  Cloud
	// Answered tells what became of a ping that was sent for this examination.
	Answered Ping
	PingedAt time.Time // when that was sent; State is what there was after it
	// Unheard are the calls in a row that the device's system acknowledged and its
	// application did not answer, up to that ping; UnheardSince is when the first
	// of them was given up.
	Unheard      int
	UnheardSince time.Time
}

// Ping is what became of a ping.
type Ping uint8

// What becomes of a ping.
const (
	NotPinged Ping = iota // the device has no session
	PingAnswered
	PingLost
)

// Cloud is how the cloud itself does.
type Cloud struct {
	Started   time.Time // when the process did that examines; zero: long ago
	StoreDown bool      // its store does not answer
	BusDown   bool      // doors and gateways cannot talk
	DoorShut  bool      // the devices' port is closed, because we could let nobody in
	// OursFailed of Tried attempts of all devices in the last ten minutes
	// failed through a fault of ours.
	OursFailed, Tried int
	// Outage is what the watchtower says that devices fail by which connect; it
	// sees what never gets to us. Empty: nothing.
	Outage      string
	OutageSince time.Time
	// CallsFail is what it says that calls fail by. Empty: nothing.
	CallsFail string
}

// Verdict is what the doctor says.
type Verdict struct {
	Cause      Cause
	Reason     device.Reason // that decided; may be empty
	Confidence Confidence
	Says       string   // one sentence
	Evidence   []string // what was seen, a sentence each
	Next       string   // what to do
}

// leaveAlone is what to do when it is us.
const leaveAlone = "Leave the device alone: do not reset it and do not give it new keys. It tries again by itself, at the latest every 128 s."

// lately is how far back an attempt says something of now.
const lately = 15 * time.Minute

// Diagnose gives the verdict on a device.
func Diagnose(f *Facts) Verdict {
	for _, look := range []func(*Facts) (Verdict, bool){
		ofCloud, ofRegistration, ofTwins, ofApplication, ofProof, ofSleep, ofOutage, ofAttempts, ofNearby, ofSession, ofRestart, ofSilence,
	} {
		if v, found := look(f); found {
			v.Evidence = append(v.Evidence, evidence(f)...)
			return v
		}
	}
	return Verdict{
		Cause: Unclear, Confidence: Guess,
		Says:     "Nothing that is known explains what the device does.",
		Next:     "Watch its light (cyan led WORDS) and its next attempt (cyan attempts DEVICE), and send the report to who runs the cloud.",
		Evidence: evidence(f),
	}
}

// ofCloud is whether it is us.
func ofCloud(f *Facts) (Verdict, bool) {
	ours := func(c Confidence, says string, why device.Reason, saw ...string) (Verdict, bool) {
		return Verdict{
			Cause: CloudFault, Reason: why, Confidence: c, Says: says, Evidence: saw,
			Next: leaveAlone,
		}, true
	}
	switch {
	case f.Cloud.StoreDown:
		return ours(Certain, "The cloud cannot read its records just now; it is not your device.", device.KeyStoreUnavailable)
	case f.Cloud.DoorShut && !f.State.Connected():
		return ours(Certain, "The cloud has closed its port for devices, because it can let nobody in just now.", device.ServerInternal)
	case f.Cloud.BusDown && !f.State.Connected():
		return ours(Certain, "The cloud cannot see its gateways just now; it is not your device.", device.ReasonNone)
	}
	if a, ok := last(f); ok && a.Outcome == device.Failed && a.Reason.Fault() == device.Cloud {
		if a.Reason == device.SessionLost {
			return ours(Certain, "The cloud has lost the device's session; the device finds out by itself and connects anew.", a.Reason, a.Detail)
		}
		return ours(Certain, "The device reached the cloud and the cloud could not let it in.", a.Reason, a.Detail)
	}
	if f.Cloud.Tried >= 5 && 2*f.Cloud.OursFailed >= f.Cloud.Tried && !f.State.Connected() {
		return ours(Likely, "Most devices that try to connect just now fail through a fault of the cloud.", device.ReasonNone,
			fmt.Sprintf("%d of %d attempts of all devices in the last ten minutes failed through us", f.Cloud.OursFailed, f.Cloud.Tried))
	}
	return Verdict{}, false
}

// ofRegistration is whether the device is known here.
func ofRegistration(f *Facts) (Verdict, bool) {
	v := Verdict{Cause: NotProvisioned, Confidence: Certain, Reason: device.UnknownDevice}
	switch {
	case !f.Registered:
		v.Says = "The device is not registered here."
		v.Next = "Register it with its key: cyan device provision ID --key FILE, or many at once: cyan device import FILE.csv."
	case !f.HasKey:
		v.Says = "The device is registered and there is no key on file for it, so it cannot prove who it is."
		v.Next = "Send its public key: cyan device provision ID --key FILE."
	default:
		return Verdict{}, false
	}
	return v, true
}

// ofProof is whether the device answers.
func ofProof(f *Facts) (Verdict, bool) {
	if f.State.Word == device.Online && (f.Answered == PingAnswered || f.Answered == NotPinged && f.State.Proven(f.Now)) {
		return Verdict{
			Cause: Fine, Confidence: Certain, Says: "The device is connected and answers.",
			Next: "If a call fails all the same, its error says how far it came.",
		}, true
	}
	return Verdict{}, false
}

// ofSleep is whether the device said that it would be away.
func ofSleep(f *Facts) (Verdict, bool) {
	v := Verdict{Cause: Asleep, Reason: f.State.Reason, Confidence: Certain}
	switch {
	case f.State.Word == device.Asleep && f.State.Until.IsZero():
		v.Says = "The device said that it goes to sleep, and not for how long."
	case f.State.Word == device.Asleep:
		v.Says = "The device said that it sleeps until about " + clock(f.State.Until) + "."
	case f.State.Word == device.Offline && f.State.Reason == device.DeviceGoodbye:
		v.Says = "The device said goodbye: its application switched the connection off."
		v.Next = "It is back when its application connects again."
		return v, true
	default:
		return Verdict{}, false
	}
	v.Next = "Wait until it wakes; what you publish meanwhile does not reach it."
	return v, true
}
