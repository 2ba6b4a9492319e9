package api

import (
	"net/http"
	"time"

	"github.com/cyan-cloud/cyan/cloud/bus"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// ping answers PUT /v1/devices/{device}/ping: whether the device answers is
// the answer, not a failure.
func (a *API) ping(w http.ResponseWriter, r *request) error {
	d, err := a.device(r)
	if err != nil {
		return err
	}
	res, err := a.cfg.Bus.Call(r.Context(), bus.Call{
		Device: d.ID, Kind: bus.Ping, Timeout: a.cfg.PingTimeout, Request: r.id,
	})
	kind := fault.KindOf(err)
	if err != nil && kind != fault.Offline && kind != fault.Timeout {
		return callProblem(r.Context(), &d, question{"ping", "", "", a.cfg.PingTimeout}, res, err)
	}
	state := res.State
	if kind == fault.Offline && (state == (device.State{}) || state.Since.IsZero()) {
		state = lastState(&d)
	}
	return answer(w, http.StatusOK, rest.Ping{
		OK: true, Online: err == nil, RoundTripMS: float64(res.RoundTrip) / float64(time.Millisecond),
		State: state.Word.String(), StateSince: rest.At(state.Since), Reason: rest.Text(state.Reason),
	})
}
