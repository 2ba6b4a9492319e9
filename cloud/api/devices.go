package api

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/api/web"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// listDevices answers GET /v1/devices: the caller's, last connected first.
func (a *API) listDevices(w http.ResponseWriter, r *web.Request) error {
	devices, err := a.cfg.Devices.DevicesOf(r.Context(), r.Caller.User)
	if err != nil {
		return web.StoreError(err)
	}
	ids := make([]device.ID, len(devices))
	for i := range devices {
		ids[i] = devices[i].ID
	}
	states, owner, err := a.context(r, ids)
	if err != nil {
		return err
	}
	slices.SortStableFunc(devices, func(a, b device.Device) int { return b.LastHandshake.Compare(a.LastHandshake) })
	now := time.Now()
	views := make([]rest.Device, len(devices))
	for i := range devices {
		views[i] = view(&devices[i], stateOf(&devices[i], states), owner, now)
	}
	return web.Answer(w, http.StatusOK, views)
}

// getDevice answers GET /v1/devices/{device}.
func (a *API) getDevice(w http.ResponseWriter, r *web.Request) error {
	d, err := a.device(r)
	if err != nil {
		return err
	}
	states, owner, err := a.context(r, []device.ID{d.ID})
	if err != nil {
		return err
	}
	return web.Answer(w, http.StatusOK, view(&d, stateOf(&d, states), owner, time.Now()))
}

// context gives what the views of the caller's devices need beside them.
func (a *API) context(r *web.Request, ids []device.ID) (states map[device.ID]device.State, owner string, err error) {
	u, err := a.cfg.Accounts.User(r.Context(), r.Caller.User)
	if err != nil {
		return nil, "", web.StoreError(err)
	}
	if len(ids) == 0 {
		return nil, u.Username, nil
	}
	states, err = a.cfg.Bus.States(r.Context(), ids)
	return states, u.Username, err
}

// device finds the caller's device that the path names, by id or name.
func (a *API) device(r *web.Request) (device.Device, error) {
	asked := r.PathValue("device")
	d, err := findDevice(r.Context(), a.cfg.Devices, r.Caller.User, asked)
	switch {
	case err == nil:
		r.Note(r.Caller.User, d.ID.String())
		return d, nil
	case fault.KindOf(err) == fault.NotFound:
		return device.Device{}, noDevice(asked)
	case fault.KindOf(err) == fault.Conflict:
		return device.Device{}, a.ambiguous(r, asked)
	default:
		return device.Device{}, web.StoreError(err)
	}
}

// findDevice finds a device of the owner, by id or name in any case. One
// that is somebody else's is NotFound.
func findDevice(ctx context.Context, devices Devices, owner account.ID, asked string) (device.Device, error) {
	id, err := device.ParseID(asked)
	if err != nil {
		return devices.DeviceByName(ctx, owner, asked)
	}
	d, err := devices.Device(ctx, id)
	if err == nil && d.Owner != owner {
		return device.Device{}, fault.Errorf(fault.NotFound, "the device is not the caller's")
	}
	return d, err
}

// ambiguous lists the devices that a name could mean.
func (a *API) ambiguous(r *web.Request, asked string) error {
	devices, err := a.cfg.Devices.DevicesOf(r.Context(), r.Caller.User)
	if err != nil {
		return web.StoreError(err)
	}
	p := &web.Problem{Cause: fault.Errorf(fault.Conflict, "several of your devices are called %s: use the id", web.Printable(asked, 100)).
		WithCode(rest.CodeNameAmbiguous)}
	for _, d := range devices {
		if strings.EqualFold(d.Name, asked) {
			p.Candidates = append(p.Candidates, rest.Candidate{ID: d.ID.String(), Name: d.Name})
		}
	}
	return p
}
