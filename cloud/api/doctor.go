package api

import (
	"context"
	"net/http"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/api/web"
	"github.com/cyan-cloud/cyan/cloud/bus"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/doctor"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

const (
	doctorDay   = 24 * time.Hour   // how far back attempts are looked at
	doctorSoon  = 10 * time.Minute // how far back those of everybody
	doctorTries = 200              // attempts that are looked at
)

// examine answers GET /v1/devices/{device}/doctor. A device that is not here
// gets a verdict too: that is what is wrong with it.
func (a *API) examine(w http.ResponseWriter, r *web.Request) error {
	asked := r.PathValue("device")
	f := doctor.Facts{Now: time.Now()}
	d, err := a.device(r)
	switch {
	case err == nil:
		f.Registered, f.Device = true, d
		a.facts(r, &f)
	case fault.CodeOf(err) == rest.CodeDeviceUnknown:
		id, bad := device.ParseID(asked)
		if bad != nil {
			return err // a name that is nobody's: most likely a slip
		}
		d.ID = id
	case fault.KindOf(err) == fault.Unavailable:
		f.Cloud.StoreDown = true
	default:
		return err
	}
	v := doctor.Diagnose(&f)
	name := d.ID.String()
	if d.ID.IsZero() {
		name = asked
	}
	return web.Answer(w, http.StatusOK, rest.Verdict{
		Device: name, Name: rest.Text(d.Name), Verdict: string(v.Cause), ExitCode: v.Cause.Exit(), Reason: rest.Text(v.Reason),
		Confidence: string(v.Confidence), Says: v.Says, Next: v.Next, Evidence: append([]string{}, v.Evidence...), At: rest.At(f.Now),
	})
}

// facts gathers what is known of a device. What cannot be read says by that
// that the cloud is at fault.
func (a *API) facts(r *web.Request, f *doctor.Facts) {
	ctx, id := r.Context(), f.Device.ID
	_, err := a.cfg.Keys.KeyOf(ctx, id)
	f.HasKey = fault.KindOf(err) != fault.NotFound
	storeDown := err != nil && f.HasKey
	if f.Attempts, err = a.cfg.Devices.Attempts(ctx, id, f.Now.Add(-doctorDay), doctorTries); err != nil {
		storeDown = true
	}
	if f.Cloud.Tried, f.Cloud.OursFailed, err = a.cfg.Devices.Outcomes(ctx, f.Now.Add(-doctorSoon), device.ReasonsOf(device.Cloud)); err != nil {
		storeDown = true
	}
	f.Cloud.StoreDown, f.Cloud.Started = storeDown, a.started
	f.Nearby = a.nearby(ctx, f)
	states, err := a.cfg.Bus.States(ctx, []device.ID{id})
	f.Cloud.BusDown = err != nil
	f.Cloud.DoorShut = a.cfg.DoorShut != nil && a.cfg.DoorShut()
	f.State = stateOf(&f.Device, states)
	if o := a.cfg.Outage; o != nil {
		f.Cloud.Outage, f.Cloud.OutageSince = saidOf(o.Matching(http.MethodGet, http.StatusRequestTimeout, rest.CodeNotConnected))
		f.Cloud.CallsFail, _ = saidOf(o.Matching(routeCall, http.StatusRequestTimeout, rest.CodeAckedNoResponse))
	}
	if f.State.Connected() && r.Need(account.DevicesPing) == nil {
		f.PingedAt = f.Now
		a.probe(ctx, f, r.ID)
		if states, err := a.cfg.Bus.States(ctx, []device.ID{id}); err == nil {
			f.State = stateOf(&f.Device, states)
		}
		f.Now = time.Now()
	}
}

// routeCall is what a function is called by.
const routeCall = "POST /v1/devices/{device}/{function}"

// saidOf names what the status page says may be why, and since when; empty for
// nothing.
func saidOf(i *rest.Incident, window *rest.Maintenance) (what string, since time.Time) {
	switch {
	case i != nil:
		return i.Name + " (" + i.URL + ")", i.Since.Time
	case window != nil:
		return "announced maintenance: " + window.Name + " (" + window.URL + ")", window.Starts.Time
	default:
		return "", time.Time{}
	}
}

// nearby gives the attempts of those who did not say who they are and came
// from where the device was last.
func (a *API) nearby(ctx context.Context, f *doctor.Facts) (from []device.Attempt) {
	was := host(f.Device.LastAddress)
	if was == "" {
		return nil
	}
	strangers, err := a.cfg.Devices.Attempts(ctx, device.ID{}, f.Now.Add(-doctorSoon), doctorTries)
	if err != nil {
		return nil
	}
	for _, s := range strangers {
		if host(s.Source) == was {
			from = append(from, s)
		}
	}
	return from
}

// probe asks the device for a sign of life, and hears what became of its last
// calls.
func (a *API) probe(ctx context.Context, f *doctor.Facts, request string) {
	res, err := a.cfg.Bus.Call(ctx, bus.Call{Device: f.Device.ID, Kind: bus.Ping, Timeout: a.cfg.PingTimeout, Request: request})
	f.Unheard, f.UnheardSince = res.Unheard, res.UnheardSince
	switch {
	case err == nil:
		f.Answered = doctor.PingAnswered
	case fault.KindOf(err) == fault.Timeout:
		f.Answered = doctor.PingLost
	}
}
