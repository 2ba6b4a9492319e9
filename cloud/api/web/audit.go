package web

import (
	"crypto/rand"
	"encoding/hex"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/fault"
)

// note is what a handler says about itself for the audit log.
type note struct {
	noted  bool
	user   account.ID
	object string
}

// Note tells the audit log whom a request was about: the user, where the
// route asks for no token, and the object. On such routes only what is noted
// is recorded, so that strangers cannot fill the log.
func (r *Request) Note(user account.ID, object string) {
	r.note = note{noted: true, user: user, object: object}
}

// record appends the request to the audit log, if its route is one of those
// that change something. Secrets are neither in ids nor in codes.
func (d *Door) record(r *Request, start time.Time, err error) {
	if d.audit == nil || r.route == nil || r.route.Audit == "" {
		return
	}
	e := account.Entry{
		ID: entryID(start), At: start.UTC(), User: r.Caller.User, Service: r.Caller.Token.Service, Source: r.Source(),
		Action: r.route.Audit, Object: r.note.object, Outcome: account.OutcomeOK, Request: r.ID,
	}
	switch {
	case e.User != "":
		e.Token = TokenName(r.Caller.Token.Hash)
	case !r.note.noted:
		return
	default:
		e.User = r.note.user
	}
	if e.Object == "" {
		e.Object = Printable(r.PathValue("device"), 100)
	}
	if err != nil {
		e.Outcome = fault.CodeOf(err)
	}
	d.audit(e)
}

// TokenName is what the audit log calls a token: too little of its hash to
// end it, and enough to find it in a list.
func TokenName(hash account.TokenHash) string { return hex.EncodeToString(hash[:6]) }

func entryID(at time.Time) string {
	var random [6]byte
	rand.Read(random[:]) // never fails
	return account.EntryID(at, random)
}
