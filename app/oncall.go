package app

import (
	"context"
	"errors"
	"net/http"

	"github.com/cyan-cloud/cyan/cloud/fault"
	pager "github.com/cyan-cloud/cyan/watch/notify"
)

// Oncall commands the pager of a running watchtower, by the right of being
// able to read its data folder: no login of the cloud is needed, which may be
// what is broken.
type Oncall struct{ remote *pager.Remote }

// OpenOncall finds the watchtower at url, whose data folder is data.
func OpenOncall(url, data string) (*Oncall, error) {
	remote, err := pager.OpenRemote(url, data)
	if err != nil {
		return nil, fault.E(fault.Denied, "read the watchtower's secret", err)
	}
	return &Oncall{remote}, nil
}

// Status is how well people can be reached.
func (o *Oncall) Status(ctx context.Context) (pager.Status, error) {
	s, err := o.remote.Status(ctx)
	return s, oncallFault(err)
}

// Test sends a test page to every outlet, and gives what each said.
func (o *Oncall) Test(ctx context.Context, by string) ([]pager.TestResult, error) {
	list, err := o.remote.Test(ctx, by)
	return list, oncallFault(err)
}

// Acknowledge says that a person has an alert.
func (o *Oncall) Acknowledge(ctx context.Context, key, by string) error {
	return oncallFault(o.remote.Acknowledge(ctx, key, by))
}

// oncallFault gives an answer of the watchtower its kind.
func oncallFault(err error) error {
	no, ok := errors.AsType[*pager.RemoteError](err)
	if !ok {
		return err
	}
	kind := fault.Unavailable
	switch no.Status {
	case http.StatusUnauthorized:
		kind = fault.Denied
	case http.StatusNotFound:
		kind = fault.NotFound
	case http.StatusBadRequest:
		kind = fault.Invalid
	}
	return fault.E(kind, "ask the watchtower", no)
}
