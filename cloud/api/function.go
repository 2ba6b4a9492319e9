package api

import (
	"net/http"
	"strconv"

	"github.com/cyan-cloud/cyan/cloud/bus"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// maxArgument is more than any device takes; each device's own limit is
// checked where its session is.
const maxArgument = 1024

// callFunction answers POST /v1/devices/{device}/{function}. Whether the
// device has the function is checked by the gateway that holds it, against
// the describe of the session: it cannot be out of date.
func (a *API) callFunction(w http.ResponseWriter, r *request) error {
	d, err := a.device(r)
	if err != nil {
		if fault.CodeOf(err) == rest.CodeDeviceUnknown {
			err = noDeviceToCall(r.PathValue("device"))
		}
		return err
	}
	name := r.PathValue("function")
	argument, _ := r.form.get("args", "arg", "params")
	if len(argument) > maxArgument {
		return fault.Errorf(fault.Invalid, "the argument is %d bytes long, no device takes more than %d", len(argument), maxArgument).
			WithCode(rest.CodeArgumentTooLong)
	}
	res, err := a.cfg.Bus.Call(r.Context(), bus.Call{
		Device: d.ID, Kind: bus.Function, Name: name, Argument: argument, Timeout: a.cfg.CallTimeout, Request: r.id,
	})
	if err != nil {
		return callProblem(r.Context(), &d, question{"call of", "function", name, a.cfg.CallTimeout}, res, err)
	}
	if format, _ := r.form.get("format"); format == rest.FormatRaw || r.URL.Query().Get("format") == rest.FormatRaw {
		return answerRaw(w, strconv.Itoa(int(res.Return)))
	}
	return answer(w, http.StatusOK, rest.FunctionResult{
		ID: d.ID.String(), Name: rest.Text(d.Name), Connected: true, ReturnValue: res.Return,
	})
}
