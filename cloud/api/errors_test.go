package api_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/api"
	"github.com/cyan-cloud/cyan/cloud/api/people"
	"github.com/cyan-cloud/cyan/cloud/bus"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// failing is a database, a bus or a device that fails as it is told.
type failing struct {
	people.Accounts
	api.Tokens
	api.Devices
	api.Owners
	write   error // of every change of a device
	store   error // of every method of the store that is reached after the token
	tokens  error // of looking a token up
	call    error // of a call to a device
	stage   bus.Stage
	publish error
	states  error
	api.Bus
}

func (f *failing) UseToken(ctx context.Context, h account.TokenHash, now time.Time) (account.Token, error) {
	if f.tokens != nil {
		return account.Token{}, f.tokens
	}
	return f.Tokens.UseToken(ctx, h, now)
}

func (f *failing) RevokeToken(ctx context.Context, h account.TokenHash) error {
	if f.tokens != nil {
		return f.tokens
	}
	return f.Tokens.RevokeToken(ctx, h)
}

func (f *failing) DeleteUser(ctx context.Context, id account.ID) error {
	if f.write != nil {
		return f.write
	}
	return f.Accounts.DeleteUser(ctx, id)
}

func (f *failing) SetPassword(ctx context.Context, id account.ID, hash string, end bool) error {
	if f.write != nil {
		return f.write
	}
	return f.Accounts.SetPassword(ctx, id, hash, end)
}

func (f *failing) Device(ctx context.Context, id device.ID) (device.Device, error) {
	if f.store != nil {
		return device.Device{}, f.store
	}
	return f.Devices.Device(ctx, id)
}

func (f *failing) DeviceByName(ctx context.Context, o account.ID, name string) (device.Device, error) {
	if f.store != nil {
		return device.Device{}, f.store
	}
	return f.Devices.DeviceByName(ctx, o, name)
}

func (f *failing) DevicesOf(ctx context.Context, o account.ID) ([]device.Device, error) {
	if f.store != nil && fault.KindOf(f.store) != fault.Conflict {
		return nil, f.store
	}
	return f.Devices.DevicesOf(ctx, o)
}

func (f *failing) UserByName(ctx context.Context, name string) (account.User, error) {
	if f.store != nil {
		return account.User{}, f.store
	}
	return f.Accounts.UserByName(ctx, name)
}

func (f *failing) Rename(ctx context.Context, id device.ID, o account.ID, name string) error {
	if f.write != nil {
		return f.write
	}
	return f.Owners.Rename(ctx, id, o, name)
}

func (f *failing) Claim(ctx context.Context, id device.ID, o account.ID) error {
	if f.write != nil {
		return f.write
	}
	return f.Owners.Claim(ctx, id, o)
}

func (f *failing) Release(ctx context.Context, id device.ID, o account.ID) error {
	if f.write != nil {
		return f.write
	}
	return f.Owners.Release(ctx, id, o)
}

func (f *failing) Call(ctx context.Context, c bus.Call) (bus.Result, error) {
	if f.call == nil {
		return f.Bus.Call(ctx, c)
	}
	return bus.Result{Stage: f.stage, State: device.State{Word: device.Online, Since: noon}}, f.call
}

func (f *failing) States(ctx context.Context, ids []device.ID) (map[device.ID]device.State, error) {
	if f.states != nil {
		return nil, f.states
	}
	return f.Bus.States(ctx, ids)
}

func (f *failing) Publish(e *event.Event) error {
	if f.publish != nil {
		return f.publish
	}
	return f.Bus.Publish(e)
}

// failure is a row of the table of errors.
type failure struct {
	name         string
	method, path string
	body         string
	headers      []string
	broken       failing
	status       int
	code         string
	error        string // what `error` begins with
}

func unavailable() error {
	return fault.E(fault.Unavailable, "list", fmt.Errorf("/data/cyan.db: disk I/O error"))
}

// answered is what a gateway, or the bus, says of a failure, in the words that
// they have for it.
func answered(kind fault.Kind, code string) error {
	words := map[string]string{
		rest.CodeArgumentTooLong:    "the argument is 70 bytes long, this device takes at most 63",
		rest.CodeDeviceError:        "the device could not carry out the request (5.00)",
		rest.CodeDeviceRefused:      "the device rejected the request",
		rest.CodeBadAnswer:          "the device's answer does not make sense",
		rest.CodeOverloaded:         "too many calls to devices at once",
		rest.CodeBusUnavailable:     "the bus between the parts of the cloud does not answer",
		rest.CodeGatewayUnavailable: "the part of the cloud that holds the devices' connections does not answer",
		"":                          "too many requests to this device are on their way already",
	}[code]
	return fault.Errorf(kind, "%s", words).WithCode(code)
}

// failures is every way to fail: cause, status, code, words.
func failures() []failure {
	long := strings.Repeat("x", 70_000)
	noToken := []string{"Authorization: "}
	return []failure{
		{name: "no token", method: "GET", path: "/v1/devices", headers: noToken, status: 400, code: "token_missing", error: "invalid_request"},
		{name: "bad token", method: "GET", path: "/v1/devices", headers: []string{"Authorization: Bearer nonsense"}, status: 401, code: "invalid_token", error: "invalid_token"},
		{name: "bad token in the query", method: "GET", path: "/v1/devices?access_token=x", headers: noToken, status: 401, code: "invalid_token", error: "invalid_token"},
		{name: "huge token", method: "GET", path: "/v1/devices", headers: []string{"Authorization: Bearer " + long[:600]}, status: 401, code: "invalid_token", error: "invalid_token"},
		{name: "expired token", method: "GET", path: "/v1/devices", headers: []string{"Authorization: Bearer expired"}, status: 401, code: "expired_token", error: "expired_token"},
		{name: "lack of scope", method: "POST", path: "/v1/devices/oven/reset", headers: []string{"Authorization: Bearer narrow"}, status: 403, code: "scope_missing", error: "insufficient_scope. This token is not allowed"},
		{name: "lack of scope below a device", method: "GET", path: "/v1/devices/oven/temps", headers: []string{"Authorization: Bearer narrow"}, status: 403, code: "scope_missing", error: "insufficient_scope"},
		{name: "database down at the token", method: "GET", path: "/v1/devices", broken: failing{tokens: unavailable()}, status: 503, code: "store_unavailable", error: "The database of this server does not answer"},
		{name: "wrong password", method: "POST", path: "/oauth/token", body: "grant_type=password&username=alice@example.com&password=wrong", status: 400, code: "invalid_credentials", error: "invalid_grant"},
		{name: "unknown user", method: "POST", path: "/oauth/token", body: "grant_type=password&username=nobody&password=wrong", status: 400, code: "invalid_credentials", error: "invalid_grant"},
		{name: "list tokens without a password", method: "GET", path: "/v1/access_tokens", status: 400, code: "password_missing", error: "Tokens are listed for a username and a password"},
		{name: "list tokens with a wrong password", method: "GET", path: "/v1/access_tokens", headers: []string{"Authorization: Basic YWxpY2U6eA=="}, status: 400, code: "invalid_credentials", error: "invalid_grant"},
		{name: "revoke with the database down", method: "DELETE", path: "/v1/access_tokens/x", broken: failing{tokens: unavailable()}, status: 503, code: "store_unavailable", error: "The database"},
		{name: "revoke all by a narrow token", method: "DELETE", path: "/v1/access_tokens", headers: []string{"Authorization: Bearer narrow"}, status: 403, code: "scope_missing", error: "insufficient_scope"},
		{name: "new password without the old one", method: "PUT", path: "/v1/user", body: "password=long+enough", status: 403, code: "wrong_password", error: "The current password of alice@example.com is another one"},
		{name: "new password too short", method: "PUT", path: "/v1/user", body: "password=short", status: 400, code: "invalid", error: "Password must have at least 8 characters"},
		{name: "new password with the database down", method: "PUT", path: "/v1/user", body: "password=long+enough&current_password=correct+horse", broken: failing{write: unavailable()}, status: 503, code: "store_unavailable", error: "The database"},
		{name: "new username without the password", method: "PUT", path: "/v1/user", body: "username=eve@example.com", status: 403, code: "wrong_password", error: "The current password"},
		{name: "new username that is taken", method: "PUT", path: "/v1/user", body: "username=bob@example.com&current_password=correct+horse", status: 409, code: "username_taken", error: "There is an account of that name already"},
		{name: "password forgotten", method: "POST", path: "/v1/user/password-reset", body: "username=alice@example.com", status: 501, code: "not_implemented", error: "This server sends no mail"},
		{name: "unknown scope", method: "POST", path: "/oauth/token", body: goodLogin + "&scope=everything", status: 400, code: "invalid", error: "There is no scope"},
		{name: "code without a login", method: "POST", path: "/oauth/token", body: "grant_type=urn:custom:mfa-otp&mfa_token=x&otp=123456", status: 403, code: "mfa_token_over", error: "invalid_grant"},
		{name: "end a second factor that there is not", method: "PUT", path: "/v1/user/mfa-disable", body: "current_password=correct+horse", status: 409, code: "mfa_not_enrolled", error: "The account has no second factor"},
		{name: "sign up where it is closed", method: "POST", path: "/v1/users", body: "username=eve@example.com&password=long+enough", status: 403, code: "sign_up_closed", error: "On this server people do not make themselves accounts"},
		{name: "end the account with the database down", method: "DELETE", path: "/v1/user", body: "password=correct+horse", broken: failing{write: unavailable()}, status: 503, code: "store_unavailable", error: "The database"},
		{name: "end the account with a wrong password", method: "DELETE", path: "/v1/user", status: 403, code: "wrong_password", error: "The current password"},
		{name: "other grant", method: "POST", path: "/oauth/token", body: "grant_type=refresh_token", status: 400, code: "unsupported_grant", error: "unsupported_grant_type"},
		{name: "login with the database down", method: "POST", path: "/oauth/token", body: "grant_type=password&username=a&password=b", broken: failing{store: unavailable()}, status: 503, code: "store_unavailable", error: "The database"},

		{name: "list with the database down", method: "GET", path: "/v1/devices", broken: failing{store: unavailable()}, status: 503, code: "store_unavailable", error: "The database"},
		{name: "list with the bus down", method: "GET", path: "/v1/devices", broken: failing{states: answered(fault.Unavailable, rest.CodeBusUnavailable)}, status: 503, code: "bus_unavailable", error: "The bus between the parts of the cloud does not answer"},
		{name: "get with the gateway down", method: "GET", path: "/v1/devices/oven", broken: failing{states: answered(fault.Unavailable, rest.CodeGatewayUnavailable)}, status: 503, code: "gateway_unavailable", error: "The part of the cloud that holds the devices' connections does not answer"},
		{name: "unknown device", method: "GET", path: "/v1/devices/toaster", status: 403, code: "unknown_device", error: "Permission Denied. None of your devices has the name or id toaster"},
		{name: "someone else's device", method: "GET", path: "/v1/devices/" + lamp.String(), status: 403, code: "unknown_device", error: "Permission Denied"},
		{name: "variable of an unknown device", method: "GET", path: "/v1/devices/toaster/temps", status: 403, code: "unknown_device", error: "Permission Denied"},
		{name: "ping of an unknown device", method: "PUT", path: "/v1/devices/toaster/ping", status: 403, code: "unknown_device", error: "Permission Denied"},
		{name: "function of an unknown device", method: "POST", path: "/v1/devices/toaster/reset", status: 403, code: "unknown_device", error: "Permission Denied. None of your devices has the name or id toaster"},
		{name: "ambiguous name", method: "GET", path: "/v1/devices/oven", broken: failing{store: fault.Errorf(fault.Conflict, "two")}, status: 409, code: "ambiguous_device_name", error: "Several of your devices are called oven"},

		{name: "variable of an offline device", method: "GET", path: "/v1/devices/old%20fridge/temps", status: 408, code: "not_connected", error: "Timed out. Device old fridge has been offline since 2026-05-31T12:00:00Z (peer closed)"},
		{name: "function of an offline device", method: "POST", path: "/v1/devices/old%20fridge/reset", status: 408, code: "not_connected", error: "Timed out. Device old fridge has been offline since 2026-05-31T12:00:00Z (peer closed)"},
		{name: "function of a device that never came", method: "POST", path: "/v1/devices/" + blank.String() + "/reset", status: 408, code: "not_connected", error: "Timed out. Device " + blank.String() + " has never connected"},
		{name: "no acknowledgement", method: "GET", path: "/v1/devices/oven/temps", broken: failing{call: answered(fault.Timeout, ""), stage: bus.SentNoAck}, status: 408, code: "sent_no_ack", error: "Timed out. Device Oven is connected but did not acknowledge the reading of variable temps within 20s"},
		{name: "no response", method: "POST", path: "/v1/devices/oven/reset", broken: failing{call: answered(fault.Timeout, ""), stage: bus.AckedNoResponse}, status: 408, code: "acked_no_response", error: "Timed out. Device Oven has received the call of function reset, but its application did not answer within 20s"},
		{name: "unknown function", method: "POST", path: "/v1/devices/oven/dance", broken: failing{call: answered(fault.NotFound, rest.CodeFunctionUnknown), stage: bus.Queued}, status: 404, code: "unknown_function", error: "Function dance not found. Device Oven has no function dance"},
		{name: "unknown variable", method: "GET", path: "/v1/devices/oven/mood", broken: failing{call: answered(fault.NotFound, rest.CodeVariableUnknown), stage: bus.Answered}, status: 404, code: "unknown_variable", error: "Unknown Variable: mood. Device Oven has no variable mood"},
		{name: "a function called access token", method: "POST", path: "/v1/devices/oven/Access%20Token", broken: failing{call: answered(fault.NotFound, rest.CodeFunctionUnknown)}, status: 404, code: "unknown_function", error: "Function access-token not found."},
		{name: "argument too long for this device", method: "POST", path: "/v1/devices/oven/reset", body: "arg=123", broken: failing{call: answered(fault.Invalid, rest.CodeArgumentTooLong)}, status: 400, code: "argument_too_long", error: "Device Oven, call of function reset: the argument is 70 bytes long, this device takes at most 63"},
		{name: "argument too long for any", method: "POST", path: "/v1/devices/oven/reset", body: "arg=" + long[:1025], status: 400, code: "argument_too_long", error: "The argument is 1025 bytes long"},
		{name: "refused by the device", method: "POST", path: "/v1/devices/oven/reset", broken: failing{call: answered(fault.Invalid, rest.CodeDeviceRefused), stage: bus.Answered}, status: 400, code: "refused_by_device", error: "Device Oven, call of function reset: the device rejected the request"},
		{name: "failed by the device", method: "POST", path: "/v1/devices/oven/reset", broken: failing{call: answered(fault.Unavailable, rest.CodeDeviceError), stage: bus.Answered}, status: 502, code: "device_error", error: "Device Oven, call of function reset: the device could not carry out the request (5.00)"},
		{name: "too many calls to one device", method: "POST", path: "/v1/devices/oven/reset", broken: failing{call: answered(fault.Busy, ""), stage: bus.Queued}, status: 429, code: "device_busy", error: "Device Oven has too much to do"},
		{name: "too many calls", method: "POST", path: "/v1/devices/oven/reset", broken: failing{call: answered(fault.Unavailable, rest.CodeOverloaded)}, status: 503, code: "overloaded", error: "Too many calls to devices at once"},
		{name: "gateway gone", method: "POST", path: "/v1/devices/oven/reset", broken: failing{call: answered(fault.Unavailable, rest.CodeGatewayUnavailable)}, status: 503, code: "gateway_unavailable", error: "The part of the cloud that holds the devices' connections does not answer"},
		{name: "defect in the gateway", method: "PUT", path: "/v1/devices/oven/ping", broken: failing{call: answered(fault.Internal, "")}, status: 500, code: "internal", error: "Too many requests"},

		{name: "event without a name", method: "POST", path: "/v1/devices/events", body: "data=1", status: 400, code: "invalid", error: "Event name is missing"},
		{name: "reserved event", method: "POST", path: "/v1/devices/events", body: `{"name":"Spark/status","data":"online"}`, status: 403, code: "reserved_event_name", error: "Event names beginning with spark or particle"},
		{name: "event too long", method: "POST", path: "/v1/devices/events", body: "name=n&data=" + long[:1025], status: 400, code: "invalid", error: "The event's data is 1025 bytes long"},
		{name: "bad privacy", method: "POST", path: "/v1/devices/events", body: "name=n&private=maybe", status: 400, code: "malformed_body", error: "The field private"},
		{name: "bad time to live", method: "POST", path: "/v1/devices/events", body: "name=n&ttl=-1", status: 400, code: "malformed_body", error: "The field ttl is not a number of seconds"},
		{name: "publish with the outbox full", method: "POST", path: "/v1/devices/events", body: "name=n", broken: failing{publish: answered(fault.Busy, rest.CodeOverloaded)}, status: 503, code: "overloaded", error: "Too many calls to devices at once"},
		{name: "everybody's events without a prefix", method: "GET", path: "/v1/events", status: 400, code: "event_prefix_missing", error: "Event prefix filter is required"},
		{name: "events of an unknown device", method: "GET", path: "/v1/devices/toaster/events", status: 403, code: "unknown_device", error: "Permission Denied"},

		{name: "key of someone else's device", method: "POST", path: "/v1/provisioning/" + lamp.String(), body: `{"publicKey":` + jsonText(ecPEM) + `}`, status: 403, code: "not_yours", error: "Permission Denied. That device belongs to someone else"},
		{name: "key of no device", method: "POST", path: "/v1/provisioning/oven", body: "publicKey=x", status: 400, code: "invalid", error: "Device id"},
		{name: "key for another device", method: "POST", path: "/v1/provisioning/" + oven.String(), body: "publicKey=x&deviceID=" + fridge.String(), status: 400, code: "malformed_body", error: "The field deviceID"},
		{name: "bad since", method: "GET", path: "/v1/devices/oven/attempts?since=yesterday", status: 400, code: "malformed_body", error: "The parameter since"},
		{name: "bad limit", method: "GET", path: "/v1/devices/oven/attempts?limit=0", status: 400, code: "malformed_body", error: "The parameter limit"},

		{name: "unknown path", method: "GET", path: "/v1/nothing", status: 404, code: "route_unknown", error: "This server has no path /v1/nothing"},
		{name: "path that is not clean", method: "GET", path: "/v1//devices", status: 404, code: "route_unknown", error: "This server has no path"},
		{name: "too deep below a device", method: "GET", path: "/v1/devices/oven/temps/more", status: 404, code: "route_unknown", error: "This server has no path"},
		{name: "root", method: "GET", path: "/", status: 404, code: "route_unknown", error: "This server has no path /"},
		{name: "wrong method", method: "PATCH", path: "/v1/devices/oven/ping", status: 405, code: "method_not_allowed", error: "This path does not take PATCH, only GET, POST, PUT"},
		{name: "not offered", method: "GET", path: "/v1/webhooks", status: 501, code: "not_implemented", error: "This server does not offer GET /v1/webhooks"},
		{name: "claim an unknown device", method: "POST", path: "/v1/devices", body: `{"id":"e00fce68ffffffffffffffff","request_transfer":false}`, status: 404, code: "unknown_device", error: "Device not found: no device with the id e00fce68ffffffffffffffff"},
		{name: "claim someone else's device", method: "POST", path: "/v1/devices", body: "id=" + lamp.String(), status: 403, code: "not_yours", error: "Permission Denied. That belongs to someone else. "},
		{name: "no such transfer", method: "PUT", path: "/v1/transfers/1", body: "accept=true", status: 404, code: "not_found", error: "No such transfer"},
		{name: "health of a device that has said nothing", path: "/v1/diagnostics/oven/last", status: 404, code: "not_found", error: "Device Oven has said nothing"},
		{name: "health since no date", path: "/v1/diagnostics/oven?start_date=yesterday", status: 400, code: "malformed_body", error: "Start_date and end_date must be ISO8601"},
		{name: "everybody's audit log", path: "/v1/audit?all=true", status: 403, code: "denied", error: "Only an administrator"},
		{name: "claim by a name", method: "POST", path: "/v1/devices", body: "id=oven", status: 400, code: "invalid", error: "Device id"},
		{name: "make a device up", method: "POST", path: "/v1/devices", body: "product_id=7", status: 501, code: "not_implemented", error: "This server does not offer"},
		{name: "claim with the bus down", method: "POST", path: "/v1/devices", body: "id=" + oven.String(), broken: failing{states: answered(fault.Unavailable, rest.CodeBusUnavailable)}, status: 503, code: "bus_unavailable", error: "The bus between the parts of the cloud does not answer"},
		{name: "claim with the database down", method: "POST", path: "/v1/devices", body: "id=" + oven.String(), broken: failing{write: unavailable()}, status: 503, code: "store_unavailable", error: "The database"},
		{name: "unclaim someone else's device", method: "DELETE", path: "/v1/devices/" + lamp.String(), status: 403, code: "unknown_device", error: "Permission Denied"},
		{name: "unclaim with the bus down", method: "DELETE", path: "/v1/devices/oven", broken: failing{states: answered(fault.Unavailable, rest.CodeBusUnavailable)}, status: 503, code: "bus_unavailable", error: "The bus between the parts of the cloud does not answer"},
		{name: "unclaim with the database down", method: "DELETE", path: "/v1/devices/oven", broken: failing{write: unavailable()}, status: 503, code: "store_unavailable", error: "The database"},
		{name: "change nothing", method: "PUT", path: "/v1/devices/oven", body: "x=y", status: 400, code: "malformed_body", error: "The body names nothing that can be changed"},
		{name: "rename to an id", method: "PUT", path: "/v1/devices/oven", body: "name=" + oven.String(), status: 400, code: "invalid", error: "A device name has 1 to 100 characters"},
		{name: "rename to a name that is taken", method: "PUT", path: "/v1/devices/oven", body: `{"name":"OLD fridge"}`, status: 409, code: "device_name_taken", error: "Another of your devices has that name"},
		{name: "rename someone else's device", method: "PUT", path: "/v1/devices/" + lamp.String(), body: "name=mine", status: 403, code: "unknown_device", error: "Permission Denied"},
		{name: "rename with the database down", method: "PUT", path: "/v1/devices/oven", body: "name=new", broken: failing{write: unavailable()}, status: 503, code: "store_unavailable", error: "The database"},
		{name: "rename what was let go meanwhile", method: "PUT", path: "/v1/devices/oven", body: "name=new", broken: failing{write: answered(fault.Denied, "")}, status: 403, code: "unknown_device", error: "Permission Denied"},
		{name: "notes too long", method: "PUT", path: "/v1/devices/oven", body: "notes=" + long[:4097], status: 400, code: "invalid", error: "Notes are text of at most 4096 bytes"},
		{name: "signal neither on nor off", method: "PUT", path: "/v1/devices/oven", body: "signal=blue", status: 400, code: "malformed_body", error: "The field signal"},
		{name: "signal an offline device", method: "PUT", path: "/v1/devices/old%20fridge", body: `{"signal":"1"}`, status: 408, code: "not_connected", error: "Timed out. Device old fridge has been offline"},
		{name: "force an update", method: "PUT", path: "/v1/devices/oven", body: `{"firmware_updates_forced":true}`, status: 501, code: "not_implemented", error: "This server does not offer"},
		{name: "firmware", method: "PUT", path: "/v1/devices/oven", body: "--b\r\n\r\n--b--", headers: []string{"Content-Type: multipart/form-data; boundary=b"}, status: 501, code: "not_implemented", error: "This server does not offer"},
		{name: "body too large", method: "POST", path: "/v1/devices/oven/reset", body: "arg=" + long, status: 413, code: "body_too_large", error: "The request's body is longer than 65536 bytes"},
		{name: "broken JSON", method: "POST", path: "/v1/devices/oven/reset", body: `{"arg":`, status: 400, code: "malformed_body", error: "The request's body is not a JSON object"},
		{name: "JSON that is no object", method: "POST", path: "/v1/devices/oven/reset", body: "[1]", headers: []string{"Content-Type: application/json"}, status: 400, code: "malformed_body", error: "The request's body is not a JSON object"},
		{name: "broken form", method: "POST", path: "/v1/devices/oven/reset", body: "arg=%zz", status: 400, code: "malformed_body", error: "The request's body is neither JSON nor a form"},
		{name: "multipart", method: "POST", path: "/v1/devices/oven/reset", body: "x", headers: []string{"Content-Type: multipart/form-data; boundary=b"}, status: 400, code: "malformed_body", error: "This path takes JSON or a form"},
		{name: "not ready", method: "GET", path: "/readyz", status: 503, code: "store_unavailable", error: "The database is not ready"},
	}
}

func TestErrors(t *testing.T) {
	var broken failing
	w := newWorld(t, func(cfg *api.Config) {
		broken.Accounts, broken.Tokens, broken.Devices, broken.Owners, broken.Bus = cfg.Accounts, cfg.Tokens, cfg.Devices, cfg.Owners, cfg.Bus
		cfg.Accounts, cfg.Tokens, cfg.Devices, cfg.Owners, cfg.Bus = &broken, &broken, &broken, &broken, &broken
		cfg.MaxLogins = -1
		cfg.Ready = []api.Check{{Name: "the database", Run: func(context.Context) error {
			return answered(fault.Unavailable, rest.CodeStoreUnavailable)
		}}}
	})
	whole := broken
	for name, scopes := range map[string][]account.Scope{"expired": nil, "narrow": {account.DevicesList}} {
		record := account.Token{Hash: account.HashToken(name), User: alice, Created: noon, Scopes: scopes}
		if name == "expired" {
			record.Expires = noon.Add(time.Minute)
		}
		if err := w.store.AddToken(t.Context(), record); err != nil {
			t.Fatal(err)
		}
	}
	var table strings.Builder
	examples := map[string]rest.Error{}
	for _, c := range failures() {
		t.Run(c.name, func(t *testing.T) {
			broken = c.broken
			broken.Accounts, broken.Tokens, broken.Devices, broken.Owners, broken.Bus = whole.Accounts, whole.Tokens, whole.Devices, whole.Owners, whole.Bus
			start := time.Now()
			got := w.do(c.method, c.path, c.body, c.headers...)
			e := got.fault(t)
			if got.status != c.status || e.Code != c.code || !strings.HasPrefix(e.Message, c.error) {
				t.Errorf("status %d, want %d; code %s, want %s; error %q, want %q…", got.status, c.status, e.Code, c.code, e.Message, c.error)
			}
			if row, ok := rest.FailureOf(e.Code); !ok || got.status != row.Status && got.status != row.Or {
				t.Errorf("the table of errors has %+v for it", row)
			}
			if _, ok := examples[e.Code]; !ok {
				examples[e.Code] = e
			}
			aboutToken := c.status == 401 || c.code == rest.CodeTokenMissing
			if strings.Contains(strings.ToLower(got.body), "access token") != aboutToken {
				t.Errorf("it is taken for a failure of the token, or not: %s", got.body)
			}
			if retry := got.header.Get("Retry-After"); (retry != "") != (c.status == 503 || c.status == 429) {
				t.Errorf("Retry-After %q", retry)
			}
			if strings.Contains(got.body, "/data/") {
				t.Errorf("the cause of our failure is told: %s", got.body)
			}
			if took := time.Since(start); took >= deviceTime {
				t.Errorf("it took %v", took)
			}
			stage := e.Stage
			if e.Device != nil {
				stage += ", device " + e.Device.State
			}
			fmt.Fprintf(&table, "%s\n  %d %s %s\n  error: %s\n  error_description: %s\n", c.name, got.status, e.Code, stage, e.Message, e.Description)
			if e.Info != "" {
				fmt.Fprintf(&table, "  info: %s\n", e.Info)
			}
		})
	}
	wantFile(t, filepath.Join("testdata", "errors.txt"), table.String())
	wantFile(t, filepath.Join("..", "..", "docs", "errors.md"), errorsDocument(examples))
}

// wantFile compares a text with a file.
func wantFile(t *testing.T, file, text string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text); diff != "" {
		t.Error(diff)
	}
}

const errorsHead = `# What errors mean

Every answer of the API that is not 2xx is a JSON object with ` + "`error`, `error_description`, `code` and `request_id`" + `. Programs
branch on ` + "`code`" + `, which does not change; people read the sentence, which may. ` + "`particle get` prints `error` alone and\n`particle call` prints `error_description`" + ` alone, so each of the two tells the whole truth.

401 means a bad token and nothing else, and no other error speaks of an access token. Answers 429 and 503 say in
` + "`Retry-After`" + ` when to try again. When a device was to answer, ` + "`device`" + ` says what state it is in and since when, and
` + "`stage`" + ` how far the request came.

This page is written by a test from the table that the server uses: ` + "`go test ./cloud/api -update`" + `.

| cause | status | code | what to do | an answer's ` + "`error`" + ` |
|---|---|---|---|---|
`

// errorsDocument prints the table of errors with an example of each.
func errorsDocument(examples map[string]rest.Error) string {
	var b strings.Builder
	b.WriteString(errorsHead)
	for _, row := range rest.Failures() {
		status := strconv.Itoa(row.Status)
		if row.Or != 0 {
			status += " or " + strconv.Itoa(row.Or)
		}
		example := examples[row.Code].Message
		if row.Whole {
			example += "; error_description: " + examples[row.Code].Description
		}
		fmt.Fprintf(&b, "| %s | %s | `%s` | %s | %s |\n", row.Cause, status, row.Code, row.Next, example)
	}
	b.WriteString("\nWhere a failure has two statuses, the second is that of one path:\n\n| code | status | path | why |\n|---|---|---|---|\n")
	for _, e := range rest.Exceptions() {
		fmt.Fprintf(&b, "| `%s` | %d | `%s` | %s |\n", e.Code, e.Status, e.Path, e.Why)
	}
	return b.String()
}

// Every code has a row of its own, and each row says what to do.
func TestTheTableOfErrorsIsWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, row := range rest.Failures() {
		if seen[row.Code] || row.Cause == "" || row.Next == "" || row.Status < 400 || row.Whole && row.Words == "" {
			t.Errorf("a row twice, or not whole: %+v", row)
		}
		seen[row.Code] = true
	}
	for kind := fault.Internal; kind <= fault.Unavailable; kind++ {
		if !seen[kind.String()] {
			t.Errorf("kind %s has no row", kind)
		}
	}
	excepted := map[string]int{}
	for _, e := range rest.Exceptions() {
		excepted[e.Code] = e.Status
	}
	for _, row := range rest.Failures() {
		if row.Or != excepted[row.Code] {
			t.Errorf("%s has the status %d somewhere, and the exceptions say %d", row.Code, row.Or, excepted[row.Code])
		}
	}
	source, err := os.ReadFile(filepath.Join("..", "..", "wire", "rest", "code.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^\tCode\w+ += "(\w+)" +// (\d+)`).FindAllStringSubmatch(string(source), -1) {
		if row, ok := rest.FailureOf(m[1]); !ok || strconv.Itoa(row.Status) != m[2] {
			t.Errorf("code %s with status %s has the row %+v", m[1], m[2], row)
		}
	}
}

func TestErrorsKnowTheDevice(t *testing.T) {
	w := newWorld(t, nil)
	w.do("POST", "/v1/devices/old%20fridge/reset", "").golden(t, "error_offline")
	w.do("GET", "/v1/devices/toaster", "").golden(t, "error_unknown_device")
	w.gateway.Answer(func(context.Context, bus.Call) (bus.Result, error) {
		return bus.Result{Stage: bus.AckedNoResponse, State: device.State{Word: device.Online, Since: noon, ProvenAt: noon}},
			fault.Errorf(fault.Timeout, "no answer")
	})
	w.do("GET", "/v1/devices/oven/temps", "").golden(t, "error_no_response")
}

func TestAllowNamesTheMethods(t *testing.T) {
	w := newWorld(t, nil)
	got := w.do("PATCH", "/v1/devices", "")
	if allow := got.header.Get("Allow"); allow != "GET, POST" {
		t.Errorf("Allow: %q", allow)
	}
}

func TestAmbiguousNamesAreListed(t *testing.T) {
	var broken failing
	w := newWorld(t, func(cfg *api.Config) {
		broken.Devices, broken.store = cfg.Devices, fault.Errorf(fault.Conflict, "two")
		cfg.Devices = &broken
	})
	e := w.do("GET", "/v1/devices/OVEN", "").fault(t)
	if !slices.Equal(e.Candidates, []rest.Candidate{{ID: oven.String(), Name: "Oven"}}) {
		t.Errorf("candidates %v", e.Candidates)
	}
}

// panics is a store with a defect.
type panics struct{ people.Accounts }

func (panics) User(context.Context, account.ID) (account.User, error) { panic("defect") }

func TestPanicsAreAnswered(t *testing.T) {
	w := newWorld(t, func(cfg *api.Config) { cfg.Accounts = panics{cfg.Accounts} })
	got := w.do("GET", "/v1/user", "")
	if e := got.fault(t); got.status != http.StatusInternalServerError || e.Code != "internal" || strings.Contains(got.body, "defect\"") {
		t.Errorf("status %d: %s", got.status, got.body)
	}
	if got := w.do("GET", "/healthz", ""); got.status != http.StatusOK {
		t.Error("the server is gone")
	}
}

// An offline device is answered for at once, not after the time that a
// device has.
func TestOfflineIsFast(t *testing.T) {
	w := newWorld(t, nil)
	start := time.Now()
	for range 50 {
		w.do("POST", "/v1/devices/old%20fridge/reset", "")
	}
	if took := time.Since(start); took >= deviceTime {
		t.Errorf("fifty took %v, as long as one that is asked", took)
	}
}

// deviceTime is how long a device has to answer.
const deviceTime = 20 * time.Second
