package api

import (
	"net/http"
	"time"

	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// rename answers PUT /v1/devices/{device} with a name. Clients use the same
// path for signals and firmware, which this server does not offer.
func (a *API) rename(w http.ResponseWriter, r *request) error {
	name, ok := r.form.get("name")
	if !ok {
		return notOffered(w, r)
	}
	d, err := a.device(r)
	if err != nil {
		return err
	}
	switch err := a.cfg.Devices.Rename(r.Context(), d.ID, r.caller.user, name); fault.KindOf(err) {
	case fault.NotFound, fault.Denied: // it was given up meanwhile
		return noDevice(r.PathValue("device"))
	default:
		if err != nil {
			return storeError(err)
		}
	}
	a.log.Info("device renamed", "request", r.id, "device", d.ID, "user", r.caller.user)
	return answer(w, http.StatusOK, rest.Renamed{ID: d.ID.String(), Name: name, UpdatedAt: rest.At(time.Now())})
}
