package api

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/cloud/api/web"
	"github.com/cyan-cloud/cyan/cloud/bus"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// noDevice is the answer for a device that is not there, or not the
// caller's: the two must not be told apart. Programs know it by its info.
func noDevice(asked string) error {
	return &web.Problem{
		Cause: fault.Errorf(fault.Denied, "none of your devices has the name or id %s", web.Printable(asked, 100)).
			WithCode(rest.CodeDeviceUnknown),
		Words: rest.WordsPermissionDenied,
		Info:  rest.WordsNotRecognized + ": none of your devices is called " + web.Printable(asked, 100),
	}
}

// question is what a device is asked, for the words of an error.
type question struct {
	verb, kind, name string        // "call of", "function", "reset"
	patience         time.Duration // how long the device has
}

func (q *question) String() string { return strings.TrimSpace(q.verb + " " + q.thing()) }

func (q *question) thing() string {
	return strings.TrimSpace(q.kind + " " + web.Printable(q.name, 100))
}

// callProblem puts a call's failure into Words: what was asked, what the
// device's state is and how far the call came.
func callProblem(ctx context.Context, d *device.Device, q question, res bus.Result, err error) error {
	p := &web.Problem{Cause: err, Stage: stageOf(res.Stage)}
	if res.State != (device.State{}) {
		p.Device = deviceState(d, res.State)
	}
	code := fault.CodeOf(err)
	switch kind := fault.KindOf(err); {
	case ctx.Err() != nil:
		p.Cause = fault.Errorf(fault.Timeout, "the caller stopped waiting")
	case kind == fault.Offline:
		p.Stage = bus.NotConnected.String()
		p.Device = deviceState(d, res.State)
		p.Cause = fault.Errorf(fault.Offline, "device %s %s; the %s was not sent", nameOf(d), since(d, res.State), &q).
			WithCode(rest.CodeNotConnected)
	case kind == fault.Timeout:
		p.Cause = silent(nameOf(d), &q, res.Stage)
	case code == rest.CodeFunctionUnknown, code == rest.CodeVariableUnknown:
		p.Cause = fault.E(fault.NotFound, "device "+nameOf(d)+" has no "+q.thing(), err).WithCode(code)
		p.Words = "Function " + web.Printable(q.name, 100) + " not found."
		if code == rest.CodeVariableUnknown {
			p.Words, p.Info = "Unknown Variable: "+web.Printable(q.name, 100)+".", rest.WordsVariableNotFound
		}
	case kind == fault.Busy:
		p.Cause = fault.E(fault.Busy, "device "+nameOf(d)+" has too much to do: "+saying(err), err).WithCode(rest.CodeDeviceBusy)
	case slices.Contains(bySession, code):
		p.Cause = fault.E(kind, "device "+nameOf(d)+", "+q.String()+": "+saying(err), err).WithCode(code)
	}
	return p
}

// bySession are failures that the device's session puts into words, without its
// name and what was asked.
var bySession = []string{rest.CodeArgumentTooLong, rest.CodeDeviceError, rest.CodeDeviceRefused, rest.CodeBadAnswer}

// saying is what a failure says, without its cause: that can name addresses.
func saying(err error) string {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f.Msg
	}
	return err.Error()
}

// silent is a device that did not answer: which half of the way failed
// decides what its owner does next.
func silent(name string, q *question, stage bus.Stage) error {
	if stage == bus.AckedNoResponse {
		return fault.Errorf(fault.Timeout, "device %s has received the %s, but its application did not answer within %v: "+
			"its loop may be blocked", name, q, q.patience).WithCode(rest.CodeAckedNoResponse)
	}
	return fault.Errorf(fault.Timeout, "device %s is connected but did not acknowledge the %s within %v: "+
		"its connection may be lost", name, q, q.patience).WithCode(rest.CodeSentNoAck)
}

// stageOf names how far a call came; empty: nobody knows.
func stageOf(s bus.Stage) string {
	if s == bus.StageUnknown {
		return ""
	}
	return s.String()
}
