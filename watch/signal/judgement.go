package signal

import (
	"fmt"
	"time"
)

// Severity is how bad it is for one capability. The table that gives it stands
// in docs/severity.md, and in watch/alert as code.
type Severity uint8

// The severities, from good to bad.
const (
	Operational Severity = iota
	Degraded
	Partial
	Major
)

// String gives the severity in the words of status pages.
func (s Severity) String() string {
	return [...]string{"operational", "degraded_performance", "partial_outage", "major_outage"}[min(s, Major)]
}

// MarshalText gives the severity as it stands in JSON.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a severity in the words of status pages.
func (s *Severity) UnmarshalText(text []byte) error {
	for v := Operational; v <= Major; v++ {
		if v.String() == string(text) {
			*s = v
			return nil
		}
	}
	return fmt.Errorf("signal: no severity %q", text)
}

// Judgement is what the watchtower holds to be true of one capability from a
// moment on. It is made by measurements alone.
type Judgement struct {
	At         time.Time
	Capability Capability
	Severity   Severity
	Suspect    bool      // not enough to call it an outage: looked at twice as often
	Blind      bool      // nobody can tell: every vantage has lost its own network
	Since      time.Time // of the first failure of this stretch; zero while all is well
	Well       time.Time // since when every run has gone well, of what failed before; zero: not known
	Mended     time.Time // the same of runs that come anew, whether they failed before or not; zero: there are none
	Failed     int       // of Tried in the window that decided
	Tried      int
	Vantages   int       // that saw it fail
	By         Witness   // who saw it first
	Reason     string    // the most frequent code among the failures
	Evidence   string    // one sentence from a failure
	Culprits   []Culprit // what the failures have in common, most telling first
}

// Share is the part that failed, from 0 to 1.
func (j *Judgement) Share() float64 {
	if j.Tried == 0 {
		return 0
	}
	return float64(j.Failed) / float64(j.Tried)
}

// Witness is who noticed a failure first.
type Witness string

// The witnesses. That a customer is first shall never happen, and is counted.
const (
	ByCanary   Witness = "canary"
	ByTraffic  Witness = "traffic"
	ByPerson   Witness = "operator"
	ByCustomer Witness = "customer"
)

// Culprit is a slice of the traffic that explains failures.
type Culprit struct {
	What     string  `json:"what"`     // "transport TCP on gateway-2"
	Explains float64 `json:"explains"` // part of the excess failures, 0 to 1
	Inside   float64 `json:"inside"`   // part that fails inside the slice
	Rest     float64 `json:"rest"`     // and outside
}
