package api

import (
	"io"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/cyan-cloud/cyan/cloud/api/web"
	"github.com/cyan-cloud/cyan/cloud/bus"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// firmwareFields are what clients send to the same path for things that
// belong to firmware and products.
var firmwareFields = []string{
	"app", "app_id", "binary_id", "firmware_updates_forced", "firmware_updates_enabled", "desired_firmware_version",
	"development", "flash", "product_id", "file_type", "build_target_version",
}

// maxUpload is how much of a file that nobody wants is read, so that its
// sender stays for the answer. In bytes.
const maxUpload = 8 << 20

// updateDevice answers PUT /v1/devices/{device}: a name, notes, or the signal
// that makes a device show itself by its light.
func (a *API) updateDevice(w http.ResponseWriter, r *web.Request) error {
	d, err := a.device(r)
	if err != nil {
		return err
	}
	if r.IsUpload() {
		_, _ = io.CopyN(io.Discard, r.Body, maxUpload) // it ends where the upload does
		return web.NotOffered(w, r)
	}
	if _, ok := r.Form.Get(firmwareFields...); ok {
		return web.NotOffered(w, r)
	}
	name, renames := r.Form.Get("name")
	notes, annotates := r.Form.Get("notes")
	_, signals := r.Form.Get("signal")
	restart, allows := r.Form.Get("restart_when_silent")
	allowed, known := device.ParseRestarting(restart)
	done := rest.DeviceUpdated{ID: d.ID.String()}
	switch {
	case !renames && !annotates && !signals && !allows:
		return web.Malformed("the body names nothing that can be changed: name, notes, restart_when_silent or signal")
	case allows && !known:
		return web.Malformed("restart_when_silent is off, network or reboot")
	case renames && !device.ValidName(name):
		return fault.Errorf(fault.Invalid, "a device name has 1 to 100 characters, no slashes, and is not itself a device id")
	case annotates && (len(notes) > device.MaxNotes || !utf8.ValidString(notes)):
		return fault.Errorf(fault.Invalid, "notes are text of at most %d bytes", device.MaxNotes)
	}
	if signals { // first: when it fails, nothing has changed
		if err := a.signal(r, &d, &done); err != nil {
			return err
		}
	}
	if renames {
		if err := a.cfg.Owners.Rename(r.Context(), d.ID, r.Caller.User, name); err != nil {
			return notChanged(r, err)
		}
		done.Name = &name
	}
	if annotates {
		if err := a.cfg.Owners.Annotate(r.Context(), d.ID, r.Caller.User, notes); err != nil {
			return notChanged(r, err)
		}
		done.Notes = &notes
	}
	if allows {
		if err := a.cfg.Owners.AllowRestart(r.Context(), d.ID, r.Caller.User, allowed); err != nil {
			return notChanged(r, err)
		}
		word := restartWord(allowed)
		done.Restart = &word
	}
	if renames || annotates || allows {
		done.UpdatedAt = rest.At(time.Now())
	}
	return web.Answer(w, http.StatusOK, done)
}

// signal has the device show itself, or stop that.
func (a *API) signal(r *web.Request, d *device.Device, done *rest.DeviceUpdated) error {
	on, err := r.Form.Truth("signal", true)
	if err != nil {
		return err
	}
	res, err := a.cfg.Bus.Call(r.Context(), bus.Call{
		Device: d.ID, Kind: bus.Signal, On: on, Timeout: a.cfg.CallTimeout, Request: r.ID,
	})
	if err != nil {
		return callProblem(r.Context(), d, question{"signal", "", "", a.cfg.CallTimeout}, res, err)
	}
	connected := true
	done.Connected, done.Signaling = &connected, &on
	return nil
}

// restartWord is what an owner allows, as the API says it.
func restartWord(what device.Restarting) string {
	if what == device.RestartNever {
		return "off"
	}
	return string(what)
}

// notChanged puts into words why the store would not change a device. One
// that was somebody else's by then is none of the caller's.
func notChanged(r *web.Request, err error) error {
	switch fault.KindOf(err) {
	case fault.Denied, fault.NotFound:
		return noDevice(r.PathValue("device"))
	case fault.Conflict:
		return fault.E(fault.Conflict, "another of your devices has that name", err).WithCode(rest.CodeNameTaken)
	default:
		return web.StoreError(err)
	}
}
