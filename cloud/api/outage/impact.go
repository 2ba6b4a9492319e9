package outage

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/api/web"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/store"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// Record is what is on record of devices and of the cloud.
type Record interface {
	DevicesOf(ctx context.Context, owner account.ID) ([]device.Device, error)
	// Attempts gives the newest attempts since the time, newest first.
	Attempts(ctx context.Context, id device.ID, since time.Time, limit int) ([]device.Attempt, error)
	AttemptsOf(ctx context.Context, owner account.ID, since, until time.Time, reasons []string) (list []device.Attempt, more bool, err error)
	Annotations(ctx context.Context, since time.Time, limit int) ([]store.Annotation, error)
}

// States is how devices are now.
type States interface {
	States(ctx context.Context, ids []device.ID) (map[device.ID]device.State, error)
}

const (
	maxImpact = 31 * 24 * time.Hour // attempts are kept for as long
	// after is how long after the end of an outage it is looked for how devices
	// came back.
	after = 24 * time.Hour
	// rejoin is how long after a restart a device's new handshake is laid at it.
	rejoin = 10 * time.Minute
)

// span is the time that is asked about.
type span struct {
	from, until time.Time
	incident    *rest.Incident
}

// impact answers GET /v1/impact?incident=ID and ?from=&until=.
func (d *Desk) impact(w http.ResponseWriter, r *web.Request) error {
	asked, err := d.span(r)
	if err != nil {
		return err
	}
	ctx, owner := r.Context(), r.Caller.User
	devices, err := d.cfg.Record.DevicesOf(ctx, owner)
	if err != nil {
		return web.StoreError(err)
	}
	tries, more, err := d.cfg.Record.AttemptsOf(ctx, owner, asked.from, asked.until.Add(after), device.ReasonsOf(device.Cloud))
	if err != nil {
		return web.StoreError(err)
	}
	notes, err := d.cfg.Record.Annotations(ctx, asked.from, 1000)
	if err != nil {
		return web.StoreError(err)
	}
	ids := make([]device.ID, len(devices))
	for i := range devices {
		ids[i] = devices[i].ID
	}
	states, err := d.cfg.States.States(ctx, ids)
	if err != nil {
		states = nil // what is on record is true without them
	}
	answer := rest.Impact{Incident: asked.incident, From: rest.At(asked.from), Until: rest.At(asked.until), Devices: len(devices), Hits: []rest.ImpactHit{}, Truncated: more}
	cuts, tried := asked.cuts(notes), byDevice(tries)
	for i := range devices {
		v := &devices[i]
		hit, cut := asked.hit(tried[v.ID], cuts, states[v.ID])
		if cut != nil {
			there, err := d.wasThere(ctx, v.ID, cut.at)
			if err != nil {
				return web.StoreError(err)
			}
			if !there {
				continue // it came for the first time: nothing of its was cut
			}
		}
		if hit != nil {
			hit.Device, hit.Name = v.ID.String(), rest.Text(v.Name)
			answer.Hits = append(answer.Hits, *hit)
			if hit.Back != rest.BackNotYet {
				answer.Back++
			}
		}
	}
	answer.Hit = len(answer.Hits)
	slices.SortStableFunc(answer.Hits, func(a, b rest.ImpactHit) int { return a.From.Compare(b.From.Time) })
	return web.Answer(w, http.StatusOK, answer)
}

// manyTries is how many of a device's tries are looked at.
const manyTries = 1000

// wasThere tells whether a device had ever connected before a time.
func (d *Desk) wasThere(ctx context.Context, id device.ID, before time.Time) (bool, error) {
	tries, err := d.cfg.Record.Attempts(ctx, id, before.Add(-maxImpact), manyTries)
	return slices.ContainsFunc(tries, func(a device.Attempt) bool {
		return a.Outcome == device.Succeeded && a.Started.Before(before)
	}), err
}

// span reads what is asked.
func (d *Desk) span(r *web.Request) (span, error) {
	query, now := r.URL.Query(), d.cfg.Now()
	s := span{until: now}
	if id := query.Get("incident"); id != "" {
		list := d.cfg.Known.known(now)
		i := slices.IndexFunc(list, func(h happening) bool { return h.ID == id })
		if i < 0 {
			return s, fault.Errorf(fault.NotFound, "the status page tells this server of no incident %s; ask by from and until", web.Printable(id, 64))
		}
		s.incident, s.from = &list[i].Incident, list[i].Since.Time
		if !list[i].resolved.IsZero() {
			s.until = list[i].resolved
		}
	}
	for name, to := range map[string]*time.Time{"from": &s.from, "until": &s.until} {
		v := query.Get(name)
		if v == "" {
			continue
		}
		at, err := time.Parse(time.RFC3339, v)
		if err != nil {
			return s, web.Malformed("the parameter " + name + " is not a date of the form 2026-01-31T12:00:00Z")
		}
		*to = at
	}
	switch {
	case s.from.IsZero():
		return s, web.Malformed("the parameter incident is missing, or else from: since when, such as 2026-01-31T12:00:00Z")
	case !s.until.After(s.from):
		return s, web.Malformed("the parameter until is not after from")
	case s.until.Sub(s.from) > maxImpact:
		return s, web.Malformed("from and until are more than 31 days apart")
	}
	return s, nil
}

// cut is a time at which the cloud ended devices' connections.
type cut struct {
	at   time.Time // on record
	from time.Time // since when they were gone
}

// cuts are those of the span. A crash is on record with the start that follows
// it: of an incident it is known since when that was.
func (s *span) cuts(notes []store.Annotation) (list []cut) {
	for i := range notes {
		n := &notes[i]
		if n.Ended == 0 || n.At.Before(s.from) || !n.At.Before(s.until) {
			continue
		}
		c := cut{n.At, n.At}
		if n.Kind == store.KindCrash && s.incident != nil {
			c.from = s.from
		}
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b cut) int { return a.at.Compare(b.at) })
	return list
}

func byDevice(list []device.Attempt) map[device.ID][]*device.Attempt {
	by := map[device.ID][]*device.Attempt{}
	for i := range list {
		if a := &list[i]; !a.Claimed { // what a stranger says of himself hits nobody
			by[a.Device] = append(by[a.Device], a)
		}
	}
	return by
}

// hit tells how a device was hit, from its attempts, the oldest first, and by
// which cut if it began with one; nil: it was not.
func (s *span) hit(tries []*device.Attempt, cuts []cut, now device.State) (*rest.ImpactHit, *cut) {
	v := &rest.ImpactHit{Back: rest.BackNotYet}
	var last time.Time  // that is laid at the cloud
	var there time.Time // it was certainly connected
	var by *cut
	bad := func(at time.Time, reason device.Reason) {
		if v.Reason == "" {
			v.From, v.Reason = rest.At(at), string(reason)
		}
		last = at
	}
	for _, a := range tries {
		switch {
		case a.Outcome == device.Failed && a.Started.Before(s.until):
			bad(a.Started, a.Reason)
			v.Failed, v.Until, v.Back = v.Failed+1, rest.Time{}, rest.BackNotYet
		case a.Outcome == device.Succeeded:
			if c := cutBefore(cuts, a); v.Reason == "" && c != nil {
				by = c
				if bad(c.from, device.ServerRestart); there.After(c.from) {
					v.From = rest.At(there) // the incident was there before the crash
				}
			}
			there = cmp.Or(a.Ended, a.Started)
			if v.Reason != "" && v.Back == rest.BackNotYet {
				v.Until, v.Proof, v.Back = rest.At(cmp.Or(a.Ended, a.Started)), rest.At(cmp.Or(a.Ended, a.Started)), rest.BackHandshake
				if a.Reason == device.Resumed {
					v.Back = rest.BackSession
				}
			}
		}
	}
	if v.Reason == "" {
		return nil, nil
	}
	prove(v, &now, last)
	return v, by
}

// prove adds when a device that was hit answered last, if that was since.
func prove(v *rest.ImpactHit, now *device.State, last time.Time) {
	proven := now.ProvenAt
	if !proven.After(last) || !now.Connected() {
		return
	}
	if v.Back == rest.BackNotYet { // it had a session all the time
		v.Until, v.Back = rest.At(proven), rest.BackSession
	}
	if proven.After(v.Proof.Time) {
		v.Proof = rest.At(proven)
	}
}

// cutBefore gives the end of connections that made a device shake hands anew;
// nil: none did.
func cutBefore(cuts []cut, a *device.Attempt) *cut {
	if a.Reason == device.Resumed || a.Transport != "tcp" {
		return nil // sessions on UDP go on
	}
	for i := range slices.Backward(cuts) {
		if c := &cuts[i]; !a.Started.Before(c.at) && a.Started.Sub(c.at) < rejoin {
			return c
		}
	}
	return nil
}
