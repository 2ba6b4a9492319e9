package client

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/cyan-cloud/cyan/wire/rest"
)

// Devices lists the user's devices.
func (c *Client) Devices(ctx context.Context) ([]rest.Device, error) {
	var d []rest.Device
	err := c.get(ctx, rest.PathDevices, &d)
	return d, err
}

// Device gives one device, by id or name.
func (c *Client) Device(ctx context.Context, device string) (rest.Device, error) {
	var d rest.Device
	err := c.get(ctx, rest.PathDevice(device), &d)
	return d, err
}

// Claim makes a device that is nobody's, given by its id, the user's.
func (c *Client) Claim(ctx context.Context, id string) (rest.Claimed, error) {
	var d rest.Claimed
	err := c.do(ctx, http.MethodPost, rest.PathDevices, rest.Claim{ID: id}, &d)
	return d, err
}

// ClaimCode gives a code for a device that is being set up: the one that sends
// it within the hour becomes the user's.
func (c *Client) ClaimCode(ctx context.Context) (rest.ClaimCode, error) {
	var code rest.ClaimCode
	err := c.do(ctx, http.MethodPost, rest.PathDeviceClaims, struct{}{}, &code)
	return code, err
}

// AddToProduct makes a device, given by its id, one of a product's.
func (c *Client) AddToProduct(ctx context.Context, product, id string) error {
	path := "/v1/products/" + url.PathEscape(product) + "/devices"
	return c.do(ctx, http.MethodPost, path, map[string]string{"id": id}, nil)
}

// Unclaim gives a device up: it is nobody's from then on.
func (c *Client) Unclaim(ctx context.Context, device string) error {
	return c.do(ctx, http.MethodDelete, rest.PathDevice(device), nil, nil)
}

// Rename gives a device, by id or name, another name. It must be no other's of
// the user's devices, whatever the letters' case.
func (c *Client) Rename(ctx context.Context, device, name string) (rest.Renamed, error) {
	var r rest.Renamed
	err := c.do(ctx, http.MethodPut, rest.PathDevice(device), rest.UpdateDevice{Name: &name}, &r)
	return r, err
}

// Annotate keeps notes about a device in place of those before.
func (c *Client) Annotate(ctx context.Context, device, notes string) (rest.DeviceUpdated, error) {
	return c.update(ctx, device, rest.UpdateDevice{Notes: &notes})
}

// AllowRestart keeps how far the cloud may go when the device's application
// does not answer: off, network or reboot.
func (c *Client) AllowRestart(ctx context.Context, device, what string) (rest.DeviceUpdated, error) {
	return c.update(ctx, device, rest.UpdateDevice{Restart: &what})
}

// Restart has the device reset its network or itself: what its owner has
// allowed. It returns when the device was told.
func (c *Client) Restart(ctx context.Context, device string) (rest.Restarted, error) {
	var v rest.Restarted
	err := c.do(ctx, http.MethodPut, rest.PathRestart(device), url.Values{}, &v)
	return v, err
}

// Doctor examines a device, by id or name, and says why it can, or cannot, be
// reached. That may take as long as a ping.
func (c *Client) Doctor(ctx context.Context, device string) (rest.Verdict, error) {
	var v rest.Verdict
	err := c.do(ctx, http.MethodGet, rest.PathDoctor(device), nil, &v)
	return v, err
}

// Signal makes a device show itself by its light, or stop that.
func (c *Client) Signal(ctx context.Context, device string, on bool) (rest.DeviceUpdated, error) {
	word := "0"
	if on {
		word = "1"
	}
	return c.update(ctx, device, rest.UpdateDevice{Signal: &word})
}

func (c *Client) update(ctx context.Context, device string, change rest.UpdateDevice) (rest.DeviceUpdated, error) {
	var u rest.DeviceUpdated
	err := c.do(ctx, http.MethodPut, rest.PathDevice(device), change, &u)
	return u, err
}

// Call calls a device's function and waits for its result.
func (c *Client) Call(ctx context.Context, device, function, argument string) (rest.FunctionResult, error) {
	var r rest.FunctionResult
	err := c.do(ctx, http.MethodPost, rest.PathFunction(device, function), rest.FunctionCall{Arguments: &argument}, &r)
	return r, err
}

// Variable reads a device's variable. The value's type is bool, float64 (for
// all numbers), string, or nil.
func (c *Client) Variable(ctx context.Context, device, name string) (rest.Variable, error) {
	var v rest.Variable
	err := c.get(ctx, rest.PathVariable(device, name), &v)
	return v, err
}

// Ping asks whether a device answers. That it does not is no error.
func (c *Client) Ping(ctx context.Context, device string) (rest.Ping, error) {
	var p rest.Ping
	err := c.do(ctx, http.MethodPut, rest.PathPing(device), struct{}{}, &p)
	return p, err
}

// maxAttempts is the most attempts that the API gives at once.
const maxAttempts = 1000

// Attempts lists a device's attempts to connect since the time, newest
// first, at most 1000.
func (c *Client) Attempts(ctx context.Context, device string, since time.Time) (rest.Attempts, error) {
	query := url.Values{"limit": {strconv.Itoa(maxAttempts)}}
	if !since.IsZero() {
		query.Set("since", since.UTC().Format(time.RFC3339))
	}
	var a rest.Attempts
	err := c.get(ctx, rest.PathAttempts(device)+"?"+query.Encode(), &a)
	return a, err
}

// Provision registers a device, by id, with its public key: the DER of a
// SubjectPublicKeyInfo. The device becomes the user's if it is nobody's.
func (c *Client) Provision(ctx context.Context, id string, spki []byte) (rest.Provisioned, error) {
	var p rest.Provisioned
	err := c.do(ctx, http.MethodPost, rest.PathProvision(id), rest.Provision{
		DeviceID: id, PublicKey: base64.StdEncoding.EncodeToString(spki), Filename: c.cfg.UserAgent,
	}, &p)
	return p, err
}
