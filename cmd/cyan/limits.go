package main

import (
	"github.com/spf13/pflag"

	"github.com/cyan-cloud/cyan/app"
)

// limitFlags adds the limits of a cloud.
func limitFlags(flags *pflag.FlagSet, l *app.Limits) {
	d := app.Limits{}.WithDefaults()
	for _, f := range []struct {
		at       *int
		name     string
		standard int
		usage    string
	}{
		{&l.HelloRate, "hello-rate", d.HelloRate, "`hellos` of strangers on UDP a second that each core answers; -1: no bound"},
		{&l.HalfOpen, "udp-handshakes", d.HalfOpen, "`handshakes` on UDP at once"},
		{&l.Streams, "tcp-connections", d.Streams, "`connections` of devices on TCP at once"},
		{&l.Unproven, "unknown-keys", d.Unproven, "`devices` with unknown keys that are heard at once, until they say who they are"},
		{&l.PerSource, "source-handshakes", d.PerSource, "`handshakes` from one address at once; -1: no bound"},
		{&l.Failures, "source-failures", d.Failures, "`handshakes` of one address that may fail in a minute; -1: no bound"},
		{&l.DeviceRate, "device-rate", d.DeviceRate, "`messages` a second that a device may send by itself, ten seconds' worth at once; -1: no bound"},
		{&l.APIConnections, "api-connections", d.APIConnections, "`connections` to the HTTP API at once"},
		{&l.APISourceConnections, "api-source-connections", d.APISourceConnections, "`connections` to the HTTP API from one address at once; -1: no bound, as behind a proxy"},
		{&l.APIStreams, "api-streams", d.APIStreams, "event `streams` at once"},
		{&l.APISourceStreams, "api-source-streams", d.APISourceStreams, "event `streams` from one address at once"},
		{&l.APIBody, "api-body", d.APIBody, "`bytes` of a request's body"},
		{&l.FailedLogins, "failed-logins", d.FailedLogins, "`logins` for one account from one address that may fail in a row before it waits for five minutes; -1: no bound"},
		{&l.APIRate, "api-rate", d.APIRate, "`requests` of one address within five minutes (default no bound)"},
		{&l.AccountRate, "account-rate", d.AccountRate, "`requests` about accounts and tokens, or for event streams, of one address within five minutes (default no bound)"},
	} {
		flags.IntVar(f.at, f.name, f.standard, f.usage)
	}
}
