package api

import (
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/cyan-cloud/cyan/cloud/api/web"
	"github.com/cyan-cloud/cyan/cloud/bus"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// maxArgument is more than any device takes; each device's own limit is
// checked where its session is.
const maxArgument = 1024

// callFunction answers POST /v1/devices/{device}/{function}. Whether the
// device has the function is checked by the gateway that holds it, against
// the describe of the session: it cannot be out of date.
func (a *API) callFunction(w http.ResponseWriter, r *web.Request) error {
	d, err := a.device(r)
	if err != nil {
		return err
	}
	name := r.PathValue("function")
	r.Note(r.Caller.User, d.ID.String()+" "+web.Printable(name, 100))
	argument, _ := r.Form.Get("args", "arg", "params")
	if len(argument) > maxArgument {
		return fault.Errorf(fault.Invalid, "the argument is %d bytes long, no device takes more than %d", len(argument), maxArgument).
			WithCode(rest.CodeArgumentTooLong)
	}
	res, err := a.cfg.Bus.Call(r.Context(), bus.Call{
		Device: d.ID, Kind: bus.Function, Name: name, Argument: argument, Timeout: a.cfg.CallTimeout, Request: r.ID,
	})
	if err != nil {
		return callProblem(r.Context(), &d, question{"call of", "function", name, a.cfg.CallTimeout}, res, err)
	}
	if format, _ := r.Form.Get("format"); format == rest.FormatRaw || r.URL.Query().Get("format") == rest.FormatRaw {
		return web.AnswerRaw(w, strconv.Itoa(int(res.Return)))
	}
	return web.Answer(w, http.StatusOK, rest.FunctionResult{
		ID: d.ID.String(), Name: rest.Text(d.Name), Connected: true, ReturnValue: res.Return,
	})
}

// getVariable answers GET /v1/devices/{device}/{variable}.
func (a *API) getVariable(w http.ResponseWriter, r *web.Request) error {
	d, err := a.device(r)
	if err != nil {
		return err
	}
	name := r.PathValue("word")
	res, err := a.cfg.Bus.Call(r.Context(), bus.Call{
		Device: d.ID, Kind: bus.Variable, Name: name, Timeout: a.cfg.CallTimeout, Request: r.ID,
	})
	if err != nil {
		return callProblem(r.Context(), &d, question{"reading of", "variable", name, a.cfg.CallTimeout}, res, err)
	}
	if r.URL.Query().Get("format") == rest.FormatRaw {
		return web.AnswerRaw(w, rawValue(res.Value))
	}
	return web.Answer(w, http.StatusOK, rest.Variable{
		Command: rest.CommandVarReturn, Name: name, Result: jsonValue(res.Value), CoreInfo: coreInfo(&d, res),
	})
}

// jsonValue is a variable's value with its own type. JSON has no number for
// infinities and NaN: they are null, as in JavaScript.
func jsonValue(v bus.Value) any {
	switch v.Type {
	case device.Bool:
		return v.Bool
	case device.Int32:
		return v.Int32
	case device.Double:
		if math.IsNaN(v.Double) || math.IsInf(v.Double, 0) {
			return nil
		}
		return v.Double
	default:
		return v.Text
	}
}

// rawValue is a variable's value as bare text.
func rawValue(v bus.Value) string {
	switch v.Type {
	case device.Bool:
		return strconv.FormatBool(v.Bool)
	case device.Int32:
		return strconv.FormatInt(int64(v.Int32), 10)
	case device.Double:
		return strconv.FormatFloat(v.Double, 'g', -1, 64)
	default:
		return v.Text
	}
}

// restart answers PUT /v1/devices/{device}/restart: the device is told to reset
// its network or itself, as far as its owner has allowed once and for all. That it
// was told is the answer; whether it is back is seen by its state.
func (a *API) restart(w http.ResponseWriter, r *web.Request) error {
	d, err := a.device(r)
	if err != nil {
		return err
	}
	what := d.Restart
	if word, ok := r.Form.Get("what"); ok {
		asked, known := device.ParseRestarting(word)
		if !known || asked == device.RestartNever {
			return web.Malformed("what is network or reboot")
		}
		what = asked
	}
	if d.Restart == device.RestartNever || what == device.RestartDevice && d.Restart != device.RestartDevice {
		return fault.Errorf(fault.Denied, "the owner of this device has not allowed that: it may be an oven. restart_when_silent allows it").
			WithCode(rest.CodeRestartForbidden)
	}
	r.Note(r.Caller.User, d.ID.String()+" "+string(what))
	res, err := a.cfg.Bus.Call(r.Context(), bus.Call{
		Device: d.ID, Kind: bus.Reset, Argument: string(what), Timeout: a.cfg.PingTimeout, Request: r.ID,
	})
	if err != nil {
		return callProblem(r.Context(), &d, question{"restart", "", "", a.cfg.PingTimeout}, res, err)
	}
	return web.Answer(w, http.StatusOK, rest.Restarted{OK: true, ID: d.ID.String(), Restart: string(what)})
}

// ping answers PUT /v1/devices/{device}/ping: whether the device answers is
// the answer, not a failure.
func (a *API) ping(w http.ResponseWriter, r *web.Request) error {
	d, err := a.device(r)
	if err != nil {
		return err
	}
	res, err := a.cfg.Bus.Call(r.Context(), bus.Call{
		Device: d.ID, Kind: bus.Ping, Timeout: a.cfg.PingTimeout, Request: r.ID,
	})
	kind := fault.KindOf(err)
	if err != nil && kind != fault.Offline && kind != fault.Timeout {
		return callProblem(r.Context(), &d, question{"ping", "", "", a.cfg.PingTimeout}, res, err)
	}
	state := res.State
	if kind == fault.Offline && (state == (device.State{}) || state.Since.IsZero()) {
		state = lastState(&d)
	}
	return web.Answer(w, http.StatusOK, rest.Ping{
		OK: true, Online: err == nil, Connected: state.Connected(), RoundTripMS: float64(res.RoundTrip) / float64(time.Millisecond),
		State: state.Word.String(), StateSince: rest.At(state.Since), Reason: rest.Text(state.Reason),
	})
}
