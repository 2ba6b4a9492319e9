package api

import (
	"io"
	"math"
	"net/http"
	"strconv"

	"github.com/cyan-cloud/cyan/cloud/bus"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// getVariable answers GET /v1/devices/{device}/{variable}.
func (a *API) getVariable(w http.ResponseWriter, r *request) error {
	d, err := a.device(r)
	if err != nil {
		return err
	}
	name := r.PathValue("word")
	res, err := a.cfg.Bus.Call(r.Context(), bus.Call{
		Device: d.ID, Kind: bus.Variable, Name: name, Timeout: a.cfg.CallTimeout, Request: r.id,
	})
	if err != nil {
		return callProblem(r.Context(), &d, question{"reading of", "variable", name, a.cfg.CallTimeout}, res, err)
	}
	if r.URL.Query().Get("format") == rest.FormatRaw {
		return answerRaw(w, rawValue(res.Value))
	}
	return answer(w, http.StatusOK, rest.Variable{
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

// answerRaw writes a bare value. It is never taken for a page.
func answerRaw(w http.ResponseWriter, text string) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	io.WriteString(w, text) // a client that is gone needs no answer
	return nil
}
