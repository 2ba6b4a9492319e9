// Package drills is what the API offers of drills: an administrator begins one,
// and ends it before its time; the watchtower asks what goes on, so that it
// knows a drill from an outage.
package drills

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/api/web"
	"github.com/cyan-cloud/cyan/cloud/drill"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// Accounts tells who may begin a drill.
type Accounts interface {
	User(ctx context.Context, id account.ID) (account.User, error)
}

// Desk answers what is asked of drills. All of it must be set.
type Desk struct {
	Book     *drill.Book
	Accounts Accounts
	Ingress  bool // there is one: without it nothing can be broken
}

// Routes are the paths that it answers.
func (d *Desk) Routes() []web.Route {
	return []web.Route{
		{Pattern: "GET " + rest.PathDrills, Scope: account.SignalsRead, Handle: d.list},
		{Pattern: "POST " + rest.PathDrills, Scope: account.Drill, Body: true, Audit: "drill.begin", Handle: d.begin},
		{Pattern: "DELETE " + rest.PathDrills + "/{drill}", Scope: account.Drill, Audit: "drill.end", Handle: d.end},
	}
}

func (d *Desk) list(w http.ResponseWriter, _ *web.Request) error {
	now := time.Now()
	answer := rest.Drills{Drills: []rest.Drill{}}
	for _, v := range d.Book.List() {
		answer.Drills = append(answer.Drills, shown(v, now))
	}
	return web.Answer(w, http.StatusOK, answer)
}

func (d *Desk) begin(w http.ResponseWriter, r *web.Request) error {
	who, err := d.administrator(r)
	if err != nil {
		return err
	}
	if !d.Ingress {
		return fault.Errorf(fault.Conflict, "this server has no ingress that only canaries use: --listen-drill-udp, --listen-drill-tcp")
	}
	kind, _ := r.Form.Get("kind")
	var length time.Duration
	if text, ok := r.Form.Get("seconds"); ok {
		seconds, err := strconv.Atoi(text)
		if err != nil || seconds <= 0 || seconds > int(drill.Most/time.Second) {
			return web.Malformed("seconds is a number, at most " + strconv.Itoa(int(drill.Most/time.Second)))
		}
		length = time.Duration(seconds) * time.Second
	}
	now := time.Now()
	v, err := d.Book.Begin(kind, who, length, now)
	if err != nil {
		return err
	}
	r.Note(r.Caller.User, "drill "+v.ID+" of "+v.Kind)
	return web.Answer(w, http.StatusCreated, shown(v, now))
}

func (d *Desk) end(w http.ResponseWriter, r *web.Request) error {
	if _, err := d.administrator(r); err != nil {
		return err
	}
	id := r.PathValue("drill")
	r.Note(r.Caller.User, "drill "+web.Printable(id, 40))
	now := time.Now()
	v, err := d.Book.End(id, now)
	if err != nil {
		return err
	}
	return web.Answer(w, http.StatusOK, shown(v, now))
}

// administrator gives the caller's name, and refuses who is none.
func (d *Desk) administrator(r *web.Request) (string, error) {
	u, err := d.Accounts.User(r.Context(), r.Caller.User)
	if err != nil {
		return "", web.StoreError(err)
	}
	if !u.Admin {
		return "", fault.Errorf(fault.Denied, "only an administrator of this server may do that")
	}
	return u.Username, nil
}

func shown(v drill.Drill, now time.Time) rest.Drill {
	return rest.Drill{
		ID: v.ID, Kind: v.Kind, Author: rest.Text(v.Author), Began: rest.At(v.Began), Until: rest.At(v.Until), Ended: rest.At(v.Ended),
		Ago: now.Sub(v.Began).Seconds(),
	}
}
