package api

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/api/web"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// claim answers POST /v1/devices: a device that is nobody's becomes the
// caller's. To claim one's own again is fine.
func (a *API) claim(w http.ResponseWriter, r *web.Request) error {
	asked, ok := r.Form.Get("id", "deviceID", "device_id")
	if !ok {
		return web.NotOffered(w, r) // a product's own way to make devices up
	}
	id, err := device.ParseID(asked)
	if err != nil {
		return err
	}
	transfer, err := r.Form.Truth("request_transfer", false)
	if err != nil {
		return err
	}
	d, err := a.cfg.Devices.Device(r.Context(), id)
	if err != nil {
		return notClaimed(asked, err)
	}
	r.Note(r.Caller.User, id.String())
	// Asked first: while the bus is down, no gateway could hear of it.
	states, err := a.cfg.Bus.States(r.Context(), []device.ID{id})
	if err != nil {
		return err
	}
	state := stateOf(&d, states)
	if d.Owner == "" && state.Word == device.NeverSeen {
		return noDeviceToClaim(asked) // nobody knows yet that there is one
	}
	err = a.cfg.Owners.Claim(r.Context(), id, r.Caller.User)
	if transfer && err != nil && fault.KindOf(err) == fault.Denied {
		return a.askForDevice(w, r, &d)
	}
	if err != nil {
		return notClaimed(asked, err)
	}
	a.tellOwner(r, id, r.Caller.User)
	return web.Answer(w, http.StatusOK, rest.Claimed{
		OK: true, UserID: string(r.Caller.User), ID: id.String(), Connected: state.Connected(),
	})
}

// unclaim answers DELETE /v1/devices/{device}: the device is nobody's, and
// keeps its key.
func (a *API) unclaim(w http.ResponseWriter, r *web.Request) error {
	d, err := a.device(r)
	if err != nil {
		return err
	}
	if _, err := a.cfg.Bus.States(r.Context(), []device.ID{d.ID}); err != nil {
		return err // no gateway could hear of it
	}
	if err := a.cfg.Owners.Release(r.Context(), d.ID, r.Caller.User); err != nil {
		return notChanged(r, err)
	}
	a.tellOwner(r, d.ID, "")
	return web.Answer(w, http.StatusOK, rest.OK{OK: true})
}

// tellOwner tells the gateways whose the device is now, so that its next
// event is theirs. One that does not hear of it finds out when the device
// connects again.
func (a *API) tellOwner(r *web.Request, id device.ID, owner account.ID) {
	if err := a.cfg.Bus.Changed(id, owner, false); err != nil {
		a.log.Warn("gateways not told of an owner", "request", r.ID, "device", id, "err", err)
	}
	a.log.Info("device changed hands", "request", r.ID, "device", id, "owner", owner, "by", r.Caller.User)
}

// notClaimed puts into words why a device cannot be claimed. Stock clients
// look for some of them and then offer to request a transfer.
func notClaimed(asked string, err error) error {
	switch kind := fault.KindOf(err); kind {
	case fault.NotFound:
		return noDeviceToClaim(asked)
	case fault.Denied:
		return &web.Problem{
			Cause: fault.E(fault.Denied, "that "+rest.WordsSomeoneElse+". Ask for it with request_transfer=true, "+
				"or claim it once its owner has removed it", err).WithCode(rest.CodeNotYours),
			Words: rest.WordsPermissionDenied,
		}
	default:
		return web.StoreError(err)
	}
}

func noDeviceToClaim(asked string) error {
	return &web.Problem{
		Cause: fault.Errorf(fault.NotFound, "device not found: no device with the id %s has ever connected; "+
			"register its key first, or let it connect", web.Printable(asked, 100)).WithCode(rest.CodeDeviceUnknown),
	}
}

const (
	claimCodeSize = 63               // characters; devices have room for no more
	claimCodeLife = time.Hour        // from being given out to being used
	maxCodes      = 256              // that devices have sent and that wait
	claimTimeout  = 10 * time.Second // for claiming one device
)

// claimCode answers POST /v1/device_claims: a code for a device that is being
// set up, which sends it when it connects.
func (a *API) claimCode(w http.ResponseWriter, r *web.Request) error {
	devices, err := a.cfg.Devices.DevicesOf(r.Context(), r.Caller.User)
	if err != nil {
		return web.StoreError(err)
	}
	var secret [48]byte
	rand.Read(secret[:]) // never fails
	code := base64.StdEncoding.EncodeToString(secret[:])[:claimCodeSize]
	now := time.Now()
	if err := a.cfg.Codes.AddClaimCode(r.Context(), account.HashToken(code), r.Caller.User, now, now.Add(claimCodeLife)); err != nil {
		return web.StoreError(err)
	}
	ids := make([]string, len(devices))
	for i := range devices {
		ids[i] = devices[i].ID.String()
	}
	return web.Answer(w, http.StatusOK, rest.ClaimCode{Code: code, DeviceIDs: ids, ExpiresAt: rest.At(now.Add(claimCodeLife))})
}

// claimByCodes claims the devices that send a claim code and keeps what others
// say of their health, one after the other, until the API is closed.
func (a *API) claimByCodes() {
	for {
		select {
		case e := <-a.codes:
			a.claimByCode(e)
		case e := <-a.vitals:
			a.keepVitals(e)
		case <-a.stopping:
			return
		}
	}
}

// claimByCode claims the device that has sent a code. Every node's API hears
// of it; the code is good for the first of them.
func (a *API) claimByCode(e *event.Event) {
	ctx, cancel := context.WithTimeout(context.Background(), claimTimeout)
	defer cancel()
	code := account.HashToken(string(bytes.TrimRight(e.Data, "\x00")))
	owner, err := a.cfg.Codes.ClaimByCode(ctx, e.Device, code, time.Now())
	outcome := "failed"
	switch kind := fault.KindOf(err); {
	case err == nil:
		outcome = "ok"
		a.log.Info("device claimed by a code", "device", e.Device, "owner", owner)
		if err := a.cfg.Bus.Changed(e.Device, owner, false); err != nil {
			a.log.Warn("gateways not told of an owner", "device", e.Device, "err", err)
		}
	case kind == fault.NotFound:
		outcome = "unknown"
	case kind == fault.Denied:
		outcome = "not_yours"
		a.log.Info("a device that is somebody else's sent a claim code", "device", e.Device)
	default:
		a.log.Error("device not claimed by its code", "device", e.Device, "err", err)
	}
	a.claims.WithLabelValues(outcome).Inc()
}
