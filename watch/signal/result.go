package signal

import "time"

// Story is a journey that a canary makes.
type Story string

// The stories.
const (
	ColdStart Story = "cold-start" // a device from nothing: address, connection, handshake, hello … goodbye
	Held      Story = "held"       // a device that stays connected is called
	Resume    Story = "resume"     // a device comes back within its stored session
	Login     Story = "login"      // a person logs in, and the token is revoked
	Publish   Story = "publish"    // an event from the API to a stream
	Address   Story = "address"    // the public name, its port and its certificate
	Physical  Story = "physical"   // a real board is called, and restarted
)

// StepName is a point in a story.
type StepName string

// The steps. A story has those that it needs, in this order.
const (
	StepResolve   StepName = "resolve"   // the name has an address
	StepConnect   StepName = "connect"   // the port answers
	StepTLS       StepName = "tls"       // the certificate is good, and for how long
	StepLogin     StepName = "login"     // a token is given
	StepHandshake StepName = "handshake" // keys are agreed
	StepHello     StepName = "hello"     // the cloud answers the device's Hello
	StepSubscribe StepName = "subscribe" // it acknowledges what the device offers and wants to hear
	StepResume    StepName = "resume"    // a device that lost contact is answered within its session
	StepAsk       StepName = "api"       // the API answers at all
	StepOnline    StepName = "online"    // it says that the device is connected
	StepDescribe  StepName = "describe"  // and what it offers
	StepCall      StepName = "call"      // a function
	StepVariable  StepName = "variable"  // a variable
	StepStream    StepName = "stream"    // an event stream opens
	StepPublish   StepName = "publish"   // the API takes an event
	StepEventOut  StepName = "event-out" // from the device, or the API, to a stream
	StepEventIn   StepName = "event-in"  // from the API to the device
	StepGoodbye   StepName = "goodbye"   // the API says that it is not connected any more
	StepRevoke    StepName = "revoke"    // the token is good for nothing any more
	StepRestart   StepName = "restart"   // a board is told to restart
	StepBack      StepName = "back"      // and connects again
)

// Step is a point that a canary reached, or where it stopped.
type Step struct {
	Name StepName      `json:"step"`
	Took time.Duration `json:"took_ns"` // since the step before
	OK   bool          `json:"ok"`
}

// Result is what became of one run of a canary.
type Result struct {
	ID        string    `json:"id"`      // sortable by time
	Vantage   string    `json:"vantage"` // from where
	Ingress   string    `json:"ingress"` // which way in: a name of the configuration
	Transport string    `json:"transport,omitempty"`
	Story     Story     `json:"story"`
	Started   time.Time `json:"started"`
	Ended     time.Time `json:"ended"`
	OK        bool      `json:"ok"`
	Failed    StepName  `json:"failed,omitempty"`   // the step that did not come to its end
	Reason    string    `json:"reason,omitempty"`   // why, as a code: refused, timeout, wrong_answer …
	Evidence  string    `json:"evidence,omitempty"` // one sentence: what was seen
	Steps     []Step    `json:"steps"`
	// Device is the canary's own id, and Port the port that it came from: whoever
	// shares traffic out among machines or lanes goes by one of them.
	Device string `json:"device,omitempty"`
	Port   int    `json:"port,omitempty"`
	// Own tells that it failed through the canary itself, whose token is refused
	// while another is taken: the step that failed says nothing of the cloud.
	Own bool `json:"own,omitempty"`
	// Blind tells that the vantage's control probes failed too: the result says
	// nothing of the cloud, and is not counted.
	Blind bool `json:"blind,omitempty"`
	// Drill tells that the run is part of an exercise; it never counts for the
	// page.
	Drill bool `json:"drill,omitempty"`
}

// Took is how long the run lasted.
func (r *Result) Took() time.Duration { return r.Ended.Sub(r.Started) }

// ReasonTimeout is the reason of a run that had not come to its end when its time
// was over.
const ReasonTimeout = "timeout"

// culprit gives the place of the step that the run failed by; none: the number of
// steps. One that ran out of time failed by the step that took it, though that
// came to its end.
func (r *Result) culprit() int {
	at := len(r.Steps)
	for i := range r.Steps {
		if !r.Steps[i].OK {
			at = i
			break
		}
	}
	if at == len(r.Steps) || r.Reason != ReasonTimeout || r.Steps[at].Took >= drags {
		return at
	}
	for i := range r.Steps[:at] {
		if r.Steps[i].Took >= drags {
			return i
		}
	}
	return at
}

// Broke is when the step began that it failed by: the run that ended then, or
// later, has seen nothing earlier. Of one that went well it is its end.
func (r *Result) Broke() time.Time {
	at, culprit := r.Started, r.culprit()
	for i, s := range r.Steps {
		if i == culprit {
			break
		}
		at = at.Add(s.Took)
	}
	if at.After(r.Ended) {
		return r.Ended
	}
	return at
}

// drags is how long a step takes that comes to its end and is not well all the
// same: half of what a whole run may take.
const drags = 4 * time.Second

// Dragged is when the first step of a capability began that was held up, though
// it may have come to its end; zero: none was.
func (r *Result) Dragged(c Capability) time.Time {
	at := r.Started
	for _, s := range r.Steps {
		if of, ok := r.of(s.Name); ok && of == c && s.Took >= drags {
			return at
		}
		at = at.Add(s.Took)
	}
	return time.Time{}
}

// Reading is what one step says of one capability.
type Reading struct {
	Capability Capability
	OK         bool
}

// Readings tells what the result says of capabilities. A step that was not
// reached says nothing: a device that cannot connect does not show that calls
// fail. Nor does one that failed through the canary itself, or for which the steps
// before had left no time.
func (r *Result) Readings() []Reading {
	if r.Blind || r.Drill {
		return nil
	}
	var list []Reading
	seen, culprit := make(map[Capability]int), r.culprit()
	for i, s := range r.Steps {
		c, ok := r.of(s.Name)
		if !ok || !s.OK && (r.Own || i != culprit) {
			continue
		}
		well := s.OK && i != culprit
		if at, again := seen[c]; again {
			list[at].OK = list[at].OK && well
			continue
		}
		seen[c] = len(list)
		list = append(list, Reading{c, well})
	}
	return list
}

// of tells which capability a step is part of.
func (r *Result) of(s StepName) (Capability, bool) {
	switch s {
	case StepResolve, StepConnect, StepHandshake, StepHello, StepDescribe, StepSubscribe, StepOnline, StepGoodbye, StepBack:
		switch {
		case r.Story == Held, r.Story == Physical && s == StepOnline:
			return Connected, true
		case r.Transport == "tcp":
			return ConnectTCP, true
		case r.Transport == "udp":
			return ConnectUDP, true
		}
		return API, true
	case StepCall:
		return Calls, true
	case StepVariable:
		return Variables, true
	case StepResume:
		return Connected, true
	case StepStream, StepPublish, StepEventOut, StepEventIn:
		return Events, true
	case StepAsk, StepTLS, StepLogin, StepRevoke:
		return API, true
	}
	return "", false
}
