package outage

import (
	"context"
	"net/http"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/api/web"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/muster"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// Muster knows who is back after a disconnect, and who is missing.
type Muster interface {
	Recoveries() []muster.Recovery
	Absent(ctx context.Context, among map[device.ID]bool, most int) (list []muster.Absent, more int, err error)
}

// People is what the database knows of users.
type People interface {
	User(ctx context.Context, id account.ID) (account.User, error)
}

const (
	maxStragglers = 1000
	// shownFor is for how long the watchtower is told of a recovery that is over.
	shownFor = time.Hour
)

// recoveries answers GET /v1/recoveries; ?everyone=true lists everybody's
// stragglers, to administrators.
func (d *Desk) recoveries(w http.ResponseWriter, r *web.Request) error {
	answer := rest.Recoveries{Recoveries: []rest.Recovery{}, Stragglers: []rest.Straggler{}}
	if d.cfg.Muster == nil {
		return web.Answer(w, http.StatusOK, answer)
	}
	ctx := r.Context()
	var names map[device.ID]string
	var among map[device.ID]bool
	switch r.URL.Query().Get("everyone") {
	case "", "false":
		list, err := d.cfg.Record.DevicesOf(ctx, r.Caller.User)
		if err != nil {
			return web.StoreError(err)
		}
		names, among = map[device.ID]string{}, map[device.ID]bool{}
		for i := range list {
			names[list[i].ID], among[list[i].ID] = list[i].Name, true
		}
	case "true":
		u, err := d.cfg.People.User(ctx, r.Caller.User)
		if err != nil {
			return web.StoreError(err)
		}
		if !u.Admin || r.Caller.Token.Service != "" {
			return fault.Errorf(fault.Denied, "other people's devices are listed to administrators")
		}
	default:
		return web.Malformed("the parameter everyone is neither true nor false")
	}
	now := d.cfg.Now()
	for _, v := range d.cfg.Muster.Recoveries() {
		answer.Recoveries = append(answer.Recoveries, recoveryOf(&v, now))
	}
	absent, more, err := d.cfg.Muster.Absent(ctx, among, maxStragglers)
	if err != nil {
		return err
	}
	answer.Unlisted = more
	if names == nil {
		names = d.names(ctx, absent)
	}
	for i := range absent {
		answer.Stragglers = append(answer.Stragglers, d.straggler(ctx, &absent[i], names, now))
	}
	return web.Answer(w, http.StatusOK, answer)
}

// names looks up what devices are called; without the database they have no
// names.
func (d *Desk) names(ctx context.Context, absent []muster.Absent) map[device.ID]string {
	ids := make([]device.ID, len(absent))
	for i := range absent {
		ids[i] = absent[i].Device
	}
	list, err := d.cfg.Facts.DevicesByID(ctx, ids)
	if err != nil {
		return nil
	}
	names := map[device.ID]string{}
	for i := range list {
		names[list[i].ID] = list[i].Name
	}
	return names
}

// straggler is a missing device as it is shown.
func (d *Desk) straggler(ctx context.Context, a *muster.Absent, names map[device.ID]string, now time.Time) rest.Straggler {
	v := rest.Straggler{
		Device: a.Device.String(), Name: rest.Text(names[a.Device]), Recovery: a.Of, Since: rest.At(a.Since),
		State: a.State.Word.String(), Reason: rest.Text(a.State.Reason), Transport: "tcp", Expected: rest.At(a.Expected), Late: a.Expected.Before(now),
	}
	if a.State.Word == device.NeverSeen { // by this process
		v.State = device.Offline.String()
	}
	if a.UDP {
		v.Transport = "udp"
	}
	tries, err := d.cfg.Record.Attempts(ctx, a.Device, a.Up, 1)
	if err == nil && len(tries) > 0 {
		v.LastTry = rest.At(tries[0].Started)
		if tries[0].Outcome == device.Failed {
			v.Reason = rest.Text(tries[0].Reason)
		}
	}
	if v.Reason == "" {
		v.Reason = rest.Text(device.ServerRestart)
	}
	return v
}

// recoveryOf is a recovery as it is shown.
func recoveryOf(r *muster.Recovery, now time.Time) rest.Recovery {
	back := r.Back.Sum()
	v := rest.Recovery{
		ID: r.ID, Kind: string(r.Kind), At: rest.At(r.At), Up: rest.At(r.Up), Over: rest.At(r.Over),
		Affected: r.Affected, Owners: r.Owners, Connected: back + r.Connected, Answering: back, Missing: r.Missing, Listed: r.Listed,
		GivenUp: r.GivenUp, Until: rest.At(r.Until), P50S: quantile(r, .5), P95S: quantile(r, .95), P99S: quantile(r, .99),
		Curve: []rest.RecoveryPoint{},
	}
	for _, p := range r.Curve(now) {
		v.Curve = append(v.Curve, rest.RecoveryPoint{AfterS: p.After.Seconds(), Back: p.Back, Expected: p.Expected})
	}
	return v
}

func quantile(r *muster.Recovery, part float64) *float64 {
	d, ok := r.Quantile(part)
	if !ok {
		return nil
	}
	s := float64(d.Round(10*time.Millisecond)) / float64(time.Second)
	return &s
}

// lately gives what the watchtower is told: what goes on, and what is over since
// not long. Names are none of its business.
func (d *Desk) lately() []rest.Recovery {
	list := []rest.Recovery{}
	if d.cfg.Muster == nil {
		return list
	}
	now := d.cfg.Now()
	for _, r := range d.cfg.Muster.Recoveries() {
		if r.Over.IsZero() || now.Sub(r.Over) < shownFor {
			list = append(list, recoveryOf(&r, now))
		}
	}
	return list
}
