package onward

import (
	"bytes"
	"encoding/gob"
	"errors"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/bus"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
)

// question is what the older process wants to know or to have done.
type question struct {
	ID     uint64
	Call   bus.Call
	States []device.ID
	Device device.ID // of a change, as the rest
	Owner  account.ID
	Key    bool
}

// answer is what becomes of it.
type answer struct {
	ID     uint64
	Result bus.Result
	Fault  *Fault
	States map[device.ID]device.State
}

// Fault is an error on its way to another process.
type Fault struct {
	Kind       fault.Kind
	Code, Text string
}

// FaultOf gives what goes on its way; nil for none.
func FaultOf(err error) *Fault {
	if err == nil {
		return nil
	}
	f := &Fault{Kind: fault.KindOf(err), Text: err.Error()}
	if e, ok := errors.AsType[*fault.Error](err); ok {
		f.Code, f.Text = e.Code, e.Msg
	}
	return f
}

// Err gives the error that it was.
func (f *Fault) Err() error {
	if f == nil {
		return nil
	}
	return fault.Errorf(f.Kind, "%s", f.Text).WithCode(f.Code)
}

// Encode writes a value so that a neighbouring version can read it: by names.
func Encode(v any) []byte {
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(v); err != nil {
		return nil // who reads it says that it makes no sense
	}
	return b.Bytes()
}

// Decode reads what Encode wrote.
func Decode(b []byte, v any) error { return gob.NewDecoder(bytes.NewReader(b)).Decode(v) }
