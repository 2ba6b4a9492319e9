package rest

import "net/url"

// The paths that take no parameter.
const (
	PathLogin        = "/oauth/token"
	PathUser         = "/v1/user"
	PathUsers        = "/v1/users"
	PathTokens       = "/v1/access_tokens"
	PathCurrentToken = "/v1/access_tokens/current"
	PathDevices      = "/v1/devices"
	PathDeviceClaims = "/v1/device_claims"
	PathPublish      = "/v1/devices/events"
	PathMFAEnable    = "/v1/user/mfa-enable"
	PathMFADisable   = "/v1/user/mfa-disable"
	PathServices     = "/v1/service_accounts"
	PathTransfers    = "/v1/transfers"
	PathAudit        = "/v1/audit"
	PathHealth       = "/healthz"
	PathReady        = "/readyz"
	PathMetrics      = "/metrics"
)

// The words below a device that are not functions or variables.
const (
	WordPing     = "ping"
	WordRestart  = "restart"
	WordEvents   = "events"
	WordAttempts = "attempts"
)

// PathDevice is the path of a device, by id or name.
func PathDevice(device string) string { return PathDevices + "/" + url.PathEscape(device) }

// PathVariable is the path of a variable.
func PathVariable(device, name string) string { return PathDevice(device) + "/" + url.PathEscape(name) }

// PathFunction is the path of a function.
func PathFunction(device, name string) string { return PathVariable(device, name) }

// PathPing is the path to ping a device.
func PathPing(device string) string { return PathDevice(device) + "/" + WordPing }

// PathRestart is the path to restart a device.
func PathRestart(device string) string { return PathDevice(device) + "/" + WordRestart }

// PathAttempts is the path of a device's connection attempts.
func PathAttempts(device string) string { return PathDevice(device) + "/" + WordAttempts }

// PathProvision is the path to register a device with its key.
func PathProvision(device string) string { return "/v1/provisioning/" + url.PathEscape(device) }

// PathMyEvents is the stream of the events of all of one's devices and of
// one's own publishing whose names begin with prefix; empty: all.
func PathMyEvents(prefix string) string { return withPrefix(PathDevices+"/"+WordEvents, prefix) }

// PathDeviceEvents is the stream of one device's events.
func PathDeviceEvents(device, prefix string) string {
	return withPrefix(PathDevice(device)+"/"+WordEvents, prefix)
}

// PathAllEvents is the stream of one's own events and everybody's public
// ones. The prefix must not be empty.
func PathAllEvents(prefix string) string { return withPrefix("/v1/events", prefix) }

func withPrefix(path, prefix string) string {
	if prefix == "" {
		return path
	}
	return path + "/" + url.PathEscape(prefix)
}
