package api

import (
	"net/http"
	"strconv"
	"time"

	"github.com/cyan-cloud/cyan/cloud/api/web"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/wire/rest"
)

const (
	standardAttempts = 20
	maxAttempts      = 1000
)

// attempts answers GET /v1/devices/{device}/attempts?since=…&limit=….
func (a *API) attempts(w http.ResponseWriter, r *web.Request) error {
	d, err := a.device(r)
	if err != nil {
		return err
	}
	query := r.URL.Query()
	var since time.Time
	if v := query.Get("since"); v != "" {
		if since, err = time.Parse(time.RFC3339, v); err != nil {
			return web.Malformed("the parameter since is not a date of the form 2026-01-31T12:00:00Z")
		}
	}
	limit := standardAttempts
	if v := query.Get("limit"); v != "" {
		if limit, err = strconv.Atoi(v); err != nil || limit < 1 || limit > maxAttempts {
			return web.Malformed("the parameter limit is not a number from 1 to " + strconv.Itoa(maxAttempts))
		}
	}
	list, err := a.cfg.Devices.Attempts(r.Context(), d.ID, since, limit)
	if err != nil {
		return web.StoreError(err)
	}
	views := make([]rest.Attempt, len(list))
	for i := range list {
		views[i] = attemptView(&list[i])
	}
	return web.Answer(w, http.StatusOK, rest.Attempts{Device: d.ID.String(), Attempts: views})
}

func attemptView(a *device.Attempt) rest.Attempt {
	stages := make([]rest.Stage, len(a.Stages))
	for i, stage := range a.Stages {
		stages[i] = rest.Stage{Stage: stage.Name, At: rest.At(stage.At)}
	}
	return rest.Attempt{
		ID: a.ID, Device: rest.Text(a.Device.String()), Claimed: a.Claimed, Transport: a.Transport, Source: a.Source,
		Gateway: a.Gateway, Started: rest.At(a.Started), Ended: rest.At(a.Ended), Stages: stages,
		Outcome: a.Outcome.String(), Reason: rest.Text(a.Reason), Fault: rest.Text(a.Reason.Fault()), Detail: rest.Text(a.Detail),
	}
}
