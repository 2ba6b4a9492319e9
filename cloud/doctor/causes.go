package doctor

import (
	"fmt"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
)

// remark is what a reason comes to.
type remark struct {
	cause Cause
	sure  Confidence
	says  string
	next  string
}

// failed is what attempts mean that ended for a reason. Reasons of ours are
// not here: ofCloud has them.
var failed = map[device.Reason]remark{ //nolint:exhaustive // of ours there are none here
	device.KeyMismatch: {
		Keys, Certain, "The device shows another key than the one on file for it.",
		"If you have given it new keys, send the public one: cyan device provision ID --key FILE. If not, somebody else's board claims to be yours.",
	},
	device.BadSignature: {
		Keys, Certain, "The device could not prove that it holds the key that it shows.",
		"Give it a new key pair and send the public half: cyan device provision ID --key FILE.",
	},
	device.WrongServerKey: {
		Keys, Likely, "The device does not believe that we are its cloud: most likely it holds another server's key.",
		"Write this server's key and address into it: cyan key blob --help.",
	},
	device.UnknownDevice: {
		NotProvisioned, Certain, "The device reached us with a key that nobody has registered.",
		"Register it with its key: cyan device provision ID --key FILE.",
	},
	device.DoubleIdentity: {
		Keys, Likely, "Two boards seem to share this device's key, and take the connection from each other.",
		"Find the second one and give it keys of its own.",
	},
	device.WrongProtocol: {
		Network, Guess, "Something at the device's address speaks another protocol to us.",
		"Look for a proxy or a portal between the device and us.",
	},
	device.Unsupported: {
		Firmware, Likely, "The device offers nothing that this cloud speaks.",
		"Compare its Device OS version with docs/compatibility.md.",
	},
	device.Malformed: {
		Firmware, Likely, "The device sends what cannot be decoded.",
		"Put an application on it that is known to work, such as Tinker, to tell firmware and network apart.",
	},
	device.NoHello: {
		Firmware, Likely, "The device shakes hands and then does not say who it is.",
		"Put an application on it that is known to work, such as Tinker; if that helps, its firmware was at fault.",
	},
	device.StartupIncomplete: {
		Firmware, Likely, "The device connects and does not come to the end of its start-up.",
		"Look whether its application blocks before it lets the system run; safe mode tells.",
	},
	device.TimeoutWaiting: {
		Network, Likely, "The device begins to shake hands and then nothing of it arrives any more.",
		"Look for weak signal, or a firewall that lets small packets pass and drops larger ones.",
	},
	device.PeerClosed: {
		Network, Likely, "The connection is closed in the middle of the handshake, by the device or by something between us.",
		"Look for a firewall that ends connections, and whether the device restarts: its light tells.",
	},
	device.KeepAliveMissed: {
		Network, Likely, "The device fell silent before it was online.",
		"Look at its signal and its power.",
	},
	device.NoAnswer: {
		Network, Likely, "What we send does not reach the device.",
		"Look for a firewall or NAT that lets packets out and not in.",
	},
}

// ofTwins is whether the device is two, of which one may well be connected and
// answer.
func ofTwins(f *Facts) (Verdict, bool) {
	for _, a := range f.Attempts {
		if a.Reason == device.DoubleIdentity && f.Now.Sub(a.Ended) <= lately {
			r := failed[a.Reason]
			return Verdict{Cause: r.cause, Reason: a.Reason, Confidence: r.sure, Says: r.says, Next: r.next, Evidence: []string{a.Detail}}, true
		}
	}
	return Verdict{}, false
}

// ofAttempts is why the device is not let in.
func ofAttempts(f *Facts) (Verdict, bool) {
	a, ok := last(f)
	if !ok || a.Outcome != device.Failed {
		return Verdict{}, false
	}
	r, ok := failed[a.Reason]
	if !ok {
		return Verdict{}, false
	}
	if f.State.Connected() {
		return Verdict{}, false // it came in since, or somebody else knocked
	}
	return Verdict{
		Cause: r.cause, Reason: a.Reason, Confidence: r.sure, Says: r.says, Next: r.next, Evidence: []string{a.Detail},
	}, true
}

// ofNearby is why somebody is not let in who is most likely the device: it
// comes from where that was last, and since.
func ofNearby(f *Facts) (Verdict, bool) {
	if f.State.Connected() && f.Answered != PingLost {
		return Verdict{}, false
	}
	heard := f.heard()
	for _, a := range f.Nearby {
		if a.Outcome != device.Failed || a.Started.Before(heard) || f.Now.Sub(a.Ended) > lately {
			continue
		}
		v := Verdict{Reason: a.Reason, Confidence: Likely, Evidence: []string{
			a.Detail, "that was somebody at " + a.Source + ", which is where the device was last, who did not come to say who it is",
		}}
		if a.Reason.Fault() == device.Cloud {
			v.Cause, v.Next = CloudFault, leaveAlone
			v.Says = "Somebody who is most likely the device reached the cloud and the cloud could not let it in."
			if a.Reason == device.SessionLost {
				v.Says = "The cloud has most likely lost the device's session; the device finds out by itself and connects anew."
			}
			return v, true
		}
		if r, ok := failed[a.Reason]; ok {
			v.Cause, v.Says, v.Next = r.cause, r.says, r.next
			return v, true
		}
	}
	return Verdict{}, false
}

// ofApplication is whether calls are lost in the device: its system
// acknowledges them and answers a ping now, its application answered none since.
// While calls fail with others, too, nobody can say that of one device.
func ofApplication(f *Facts) (Verdict, bool) {
	if f.Unheard == 0 || f.Answered != PingAnswered || f.State.Word != device.Online {
		return Verdict{}, false
	}
	if f.Cloud.CallsFail != "" {
		return Verdict{
			Cause: CloudFault, Confidence: Likely, Next: leaveAlone, Evidence: []string{f.Cloud.CallsFail},
			Says: "The device answers a ping, and calls fail just now through a fault of the cloud, as its status page says.",
		}, true
	}
	return Verdict{
		Cause: Firmware, Reason: device.ApplicationSilent, Confidence: Likely,
		Says: "The device's system answers, and its application did not answer the last " + calls(f.Unheard) + ".",
		Next: "Most likely its loop waits for something: docs/runbook/does-not-answer.md tells how to be sure, and what helps.",
	}, true
}

// calls counts them in words.
func calls(n int) string {
	if n == 1 {
		return "call"
	}
	return fmt.Sprintf("%d calls", n)
}

// ofSession is what is wrong with a device that has a session.
func ofSession(f *Facts) (Verdict, bool) {
	s := f.State
	v := Verdict{Reason: s.Reason, Confidence: Likely}
	talks := !s.LastSeen.IsZero() && f.Now.Sub(s.LastSeen) < 2*max(s.KeepAlive, 30*time.Second)
	if f.Answered == PingLost && !f.PingedAt.IsZero() {
		talks = s.LastSeen.After(f.PingedAt)
	}
	switch {
	case s.Reason == device.ApplicationSilent:
		v.Cause, v.Confidence = Firmware, Certain
		v.Says = "The device's system answers, and its application does not."
		v.Next = "Its application hangs or runs something long. To have the cloud restart it when that happens: cyan device heal DEVICE reboot."
	case (s.Word == device.Limbo || f.Answered == PingLost) && talks:
		v.Cause = Network
		v.Says = "We hear the device, and it does not hear us."
		v.Next = "It is being helped from here; if that lasts, look for a firewall or NAT that lets packets out and not in."
	case s.Word == device.Limbo || f.Answered == PingLost:
		v.Cause = Network
		v.Says = "The device has a session and does not answer; it may have lost power or network a moment ago."
		v.Next = "Wait two minutes: by then it has answered, or counts as offline."
	case s.Word == device.Connecting:
		v.Cause, v.Confidence = Unclear, Guess
		v.Says = "The device is connecting just now."
		v.Next = "Ask again in a minute."
	default:
		return Verdict{}, false
	}
	if s.Reason == device.NeedsHands {
		v.Next = "All that can be done from here was tried: it needs a power cycle."
	}
	return v, true
}

const (
	// wasHere is how long before our start a device may have been heard last
	// and still have been here until then.
	wasHere = 5 * time.Minute
	// backBy is how long a device may take to find out that we have lost its
	// session: those on cellular speak every 23 minutes.
	backBy = 25 * time.Minute
)

// ofRestart is whether the device was here until the cloud was restarted, and
// not since: then it is our session that is missing, not its power.
func ofRestart(f *Facts) (Verdict, bool) {
	began, heard := f.Cloud.Started, f.heard()
	if f.State.Connected() || f.State.Since.After(began) || began.IsZero() || heard.IsZero() || heard.After(began) ||
		began.Sub(heard) > wasHere || f.Now.Sub(began) > backBy {
		return Verdict{}, false
	}
	return Verdict{
		Cause: CloudFault, Reason: device.SessionLost, Confidence: Likely, Next: leaveAlone,
		Says: "The device was here until the cloud was restarted, and has not come back since: most likely the cloud has lost its session.",
		Evidence: []string{
			"the cloud was started at " + clock(began),
			"a device whose session is lost finds out by itself: within 4 minutes, where it is set to speak seldom within 25",
		},
	}, true
}

// ofOutage is whether devices cannot connect just now, by what the watchtower
// sees, and this one went away or was to come for the first time since then: of
// a device that does not get as far as here nothing else is known. What its last
// try had against it that is not the network's is still so afterwards.
func ofOutage(f *Facts) (Verdict, bool) {
	c, heard := &f.Cloud, f.heard()
	if c.Outage == "" || f.State.Connected() || !heard.IsZero() && heard.Before(c.OutageSince.Add(-wasHere)) {
		return Verdict{}, false
	}
	if a, ok := last(f); ok && a.Outcome == device.Failed && failed[a.Reason].cause != Network {
		return Verdict{}, false
	}
	return Verdict{
		Cause: CloudFault, Confidence: Likely, Next: leaveAlone,
		Says:     "Devices cannot connect to the cloud just now, as its status page says; most likely this one is out by that.",
		Evidence: []string{c.Outage + ", since " + clock(c.OutageSince)},
	}, true
}

// heard is when the device was heard last.
func (f *Facts) heard() time.Time {
	if f.State.LastSeen.After(f.Device.LastHeard) {
		return f.State.LastSeen
	}
	return f.Device.LastHeard
}

// ofSilence is what is left when nothing of the device arrives.
func ofSilence(f *Facts) (Verdict, bool) {
	if f.State.Connected() {
		return Verdict{}, false
	}
	v := Verdict{Cause: Network, Confidence: Likely, Reason: f.State.Reason}
	heard := f.State.LastSeen
	if heard.IsZero() {
		heard = f.Device.LastHeard
	}
	switch {
	case len(f.Attempts) == 0 && heard.IsZero():
		v.Confidence = Guess
		v.Says = "The device is registered and nothing of it has ever arrived here."
		v.Next = "Look whether it is powered, in its network, and set to this cloud's address: cyan key blob --help."
	case f.State.Word == device.Unknown:
		v.Cause, v.Confidence = Unclear, Guess
		v.Says = "The device's session outlived a restart of the cloud, and it has not been heard of since."
		v.Next = "Wait for its next sign of life; it is asked for one."
	default:
		v.Says = "Nothing of the device arrives any more: it is without power or without network."
		v.Next = "Look at its light (cyan led WORDS): breathing cyan means that it believes to be connected; then tell who runs the cloud."
	}
	return v, true
}

// last gives the newest attempt, if it is recent enough to say something.
func last(f *Facts) (device.Attempt, bool) {
	if len(f.Attempts) == 0 || f.Now.Sub(f.Attempts[0].Ended) > lately {
		return device.Attempt{}, false
	}
	return f.Attempts[0], true
}

// evidence is what was seen of the device.
func evidence(f *Facts) []string {
	var list []string
	if s := f.State; f.Registered {
		line := "state: " + s.Word.String()
		if s.Reason != device.ReasonNone {
			line += " (" + string(s.Reason) + ")"
		}
		if !s.Since.IsZero() {
			line += " since " + clock(s.Since)
		}
		list = append(list, line)
		if !s.LastSeen.IsZero() {
			list = append(list, "last heard: "+clock(s.LastSeen))
		}
		if !s.ProvenAt.IsZero() {
			list = append(list, "last shown to hear us: "+clock(s.ProvenAt))
		}
	}
	switch f.Answered {
	case PingAnswered:
		list = append(list, "a ping for this examination was answered")
	case PingLost:
		list = append(list, "a ping for this examination was not answered")
	}
	if f.Unheard > 0 {
		list = append(list, fmt.Sprintf("the device acknowledged the last %s and its application answered none, since %s", calls(f.Unheard), clock(f.UnheardSince)))
	}
	for _, g := range device.GroupAttempts(f.Attempts) {
		list = append(list, g.String())
		if len(list) >= 8 {
			break
		}
	}
	if len(f.Attempts) == 0 && f.Registered {
		list = append(list, "no attempt to connect in the last day")
	}
	if f.Cloud.OursFailed > 0 {
		list = append(list, fmt.Sprintf("of %d attempts of all devices in the last ten minutes %d failed through us", f.Cloud.Tried, f.Cloud.OursFailed))
	}
	return list
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
