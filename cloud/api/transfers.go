package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/api/web"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// Transfers keeps who asks whom for which device.
type Transfers interface {
	// AskForDevice gives the transfer that there is then. Busy if there are too
	// many of who asks.
	AskForDevice(ctx context.Context, t device.Transfer) (device.Transfer, error)
	Transfers(ctx context.Context, user account.ID, now time.Time) ([]device.Transfer, error)
	// Hand gives the device to who asked for it. NotFound unless it waits for
	// the owner's answer.
	Hand(ctx context.Context, id string, owner account.ID, now time.Time) (device.Transfer, error)
	// EndTransfer is NotFound if there is none that the user has a part in.
	EndTransfer(ctx context.Context, id string, user account.ID) error
}

// askForDevice keeps the caller's wish to have somebody else's device. He
// hears no more of its owner than that there is one, which he has heard
// before: from the answer to his claim.
func (a *API) askForDevice(w http.ResponseWriter, r *web.Request, d *device.Device) error {
	var id [12]byte
	rand.Read(id[:]) // never fails
	now := time.Now()
	t, err := a.cfg.Transfers.AskForDevice(r.Context(), device.Transfer{
		ID: hex.EncodeToString(id[:]), Device: d.ID, Owner: d.Owner, Wants: r.Caller.User,
		Created: now, Expires: now.Add(device.TransferLife),
	})
	if err != nil {
		return web.StoreError(err)
	}
	a.log.Info("transfer asked for", "request", r.ID, "device", d.ID, "by", r.Caller.User, "transfer", t.ID)
	return web.Answer(w, http.StatusOK, rest.Claimed{
		OK: true, UserID: string(r.Caller.User), ID: d.ID.String(), TransferID: t.ID,
	})
}

// listTransfers answers GET /v1/transfers: who asks for the caller's devices,
// and which devices the caller asks for.
func (a *API) listTransfers(w http.ResponseWriter, r *web.Request) error {
	list, err := a.cfg.Transfers.Transfers(r.Context(), r.Caller.User, time.Now())
	if err != nil {
		return web.StoreError(err)
	}
	views := make([]rest.Transfer, len(list))
	for i := range list {
		views[i] = transferView(&list[i], r.Caller.User)
	}
	return web.Answer(w, http.StatusOK, rest.Transfers{Transfers: views})
}

func transferView(t *device.Transfer, reader account.ID) rest.Transfer {
	v := rest.Transfer{
		ID: t.ID, DeviceID: t.Device.String(), Direction: rest.TransferOutgoing, CreatedAt: rest.At(t.Created), ExpiresAt: rest.At(t.Expires),
	}
	if t.Owner == reader {
		v.Direction, v.Name, v.Username = rest.TransferIncoming, rest.Text(t.Name), rest.Text(t.Asker)
	}
	return v
}

// answerTransfer answers PUT /v1/transfers/{transfer}: the owner hands the
// device over, or refuses.
func (a *API) answerTransfer(w http.ResponseWriter, r *web.Request) error {
	if _, ok := r.Form.Get("accept"); !ok {
		return web.Malformed("the field accept is missing: true hands the device over, false refuses")
	}
	accept, err := r.Form.Truth("accept", false)
	if err != nil {
		return err
	}
	id := r.PathValue("transfer")
	r.Note(r.Caller.User, "transfer "+web.Printable(id, 40))
	if !accept {
		return a.refuseTransfer(w, r, id)
	}
	// Asked first: while the bus is down, no gateway could hear of it.
	if _, err := a.cfg.Bus.States(r.Context(), []device.ID{{}}); err != nil {
		return err
	}
	t, err := a.cfg.Transfers.Hand(r.Context(), id, r.Caller.User, time.Now())
	if err != nil {
		return noTransfer(err)
	}
	r.Note(r.Caller.User, t.Device.String())
	a.tellOwner(r, t.Device, t.Wants)
	return web.Answer(w, http.StatusOK, rest.OK{OK: true})
}

// refuseTransfer ends one that somebody else asked for.
func (a *API) refuseTransfer(w http.ResponseWriter, r *web.Request, id string) error {
	if err := a.cfg.Transfers.EndTransfer(r.Context(), id, r.Caller.User); err != nil {
		return noTransfer(err)
	}
	return web.Answer(w, http.StatusOK, rest.OK{OK: true})
}

// withdrawTransfer answers DELETE /v1/transfers/{transfer}.
func (a *API) withdrawTransfer(w http.ResponseWriter, r *web.Request) error {
	r.Note(r.Caller.User, "transfer "+web.Printable(r.PathValue("transfer"), 40))
	return a.refuseTransfer(w, r, r.PathValue("transfer"))
}

func noTransfer(err error) error {
	if fault.KindOf(err) == fault.NotFound {
		return fault.Errorf(fault.NotFound, "no such transfer waits for your answer: it was answered, withdrawn, or has expired")
	}
	return web.StoreError(err)
}
