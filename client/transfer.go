package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/cyan-cloud/cyan/wire/rest"
)

// RequestTransfer asks the owner of a device, given by its id, to hand it over.
// A device that is nobody's becomes the user's at once: then the answer has no
// TransferID.
func (c *Client) RequestTransfer(ctx context.Context, id string) (rest.Claimed, error) {
	var d rest.Claimed
	err := c.do(ctx, http.MethodPost, rest.PathDevices, rest.Claim{ID: id, RequestTransfer: true}, &d)
	return d, err
}

// Transfers lists who asks for the user's devices, and which devices the user
// asks for.
func (c *Client) Transfers(ctx context.Context) ([]rest.Transfer, error) {
	var list rest.Transfers
	err := c.get(ctx, rest.PathTransfers, &list)
	return list.Transfers, err
}

// AnswerTransfer hands the device over to who asks for it, or refuses.
func (c *Client) AnswerTransfer(ctx context.Context, id string, accept bool) error {
	return c.do(ctx, http.MethodPut, pathTransfer(id), rest.AnswerTransfer{Accept: accept}, nil)
}

// WithdrawTransfer asks no longer.
func (c *Client) WithdrawTransfer(ctx context.Context, id string) error {
	return c.do(ctx, http.MethodDelete, pathTransfer(id), nil, nil)
}

func pathTransfer(id string) string { return rest.PathTransfers + "/" + url.PathEscape(id) }
