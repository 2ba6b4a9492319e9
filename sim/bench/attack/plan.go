package attack

import (
	"context"
	"time"
)

// attack is one of the table.
type attack struct {
	name  string
	count int    // at scale 1: of what is sent, and
	least int    // at any scale
	what  string // is sent, as people say it
	// raises are counters of which at least one must rise.
	raises []string
	run    func(a *attacker, ctx context.Context) error
}

// attacker plays one attack.
type attacker struct {
	Part
	strike
	end time.Time
}

// strike is what an attacker says at last.
type strike struct {
	Sent     int    `json:"sent"`
	Answered int    `json:"answered"` // datagrams or bytes that came back, as the attack says
	Saw      string `json:"saw"`      // in words
	Busy     Busy   `json:"attacker"`
}

// Busy is what an attack costs the attacker himself. On the machine that the
// cloud is on, too, it is taken from the cloud and from everybody else.
type Busy struct {
	CPU     float64 `json:"cpu_seconds"`
	Seconds float64 `json:"seconds"` // that passed
	Percent float64 `json:"cpu_percent"`
}

// more tells whether another one is to be sent, and counts it.
func (a *attacker) more(ctx context.Context) bool {
	if a.Sent >= a.Count || ctx.Err() != nil || a.Sent >= a.Least && !time.Now().Before(a.end) {
		return false
	}
	a.Sent++
	return true
}

// plan are the attacks, in the order in which they are made.
var plan = []attack{
	{"udp-random", 200_000, 20, "random bytes", []string{"dropped not_ours", "dropped not_hello"}, (*attacker).randomDatagrams},
	{"udp-truncated", 200_000, 20, "datagrams of a device, cut off", []string{"dropped not_ours"}, (*attacker).truncated},
	{"udp-oversized", 50_000, 20, "datagrams of 2 to 60 KB", []string{"dropped oversized"}, (*attacker).oversized},
	{"udp-bit-flipped", 200_000, 20, "datagrams of a device with a bit flipped", []string{"dropped unopened", "dropped not_hello"}, (*attacker).flipped},
	{"udp-replayed", 200_000, 20, "records of a device again, from everywhere", []string{"dropped unopened"}, (*attacker).replayed},
	{"udp-reordered", 20_000, 20, "pings of a device, out of order", []string{"dropped unopened"}, (*attacker).reordered},
	{"udp-overlapping", 20_000, 20, "contradictory overlapping handshake fragments", []string{"dropped bad_handshake"}, (*attacker).overlapping},
	{"udp-wrong-protocol", 200_000, 20, "HTTP, TLS, SSH, DNS and plain CoAP", []string{"dropped not_ours"}, (*attacker).wrongDatagrams},
	{"cookie-flood", 1_000_000, 20, "hellos from a million addresses", []string{"cookies"}, (*attacker).cookieFlood},
	{"handshake-flood", 1_000_000, 20, "hellos with invented cookies from a million addresses", []string{"cookies"}, (*attacker).forgedCookies},
	{"half-open", 20_000, 20, "hellos with good cookies, and silence", []string{"cookies", "dropped half_open_full", "dropped pushed_out", "attempts udp timeout_waiting_device", "dropped queue_full"}, (*attacker).halfOpen},
	{"random-keys", 100_000, 20, "whole handshakes with unknown keys", []string{"attempts udp unknown_device", "dropped queue_full"}, (*attacker).randomKeys},
	{"tcp-random", 5000, 20, "connections with random bytes", []string{"attempts tcp malformed", "attempts tcp wrong_server_key"}, (*attacker).randomStreams},
	{"tcp-truncated", 5000, 20, "connections that end within the handshake", []string{"attempts tcp peer_closed"}, (*attacker).cutStreams},
	{"tcp-oversized", 5000, 20, "connections with 64 KB for 256 bytes", []string{"attempts tcp malformed"}, (*attacker).longStreams},
	{"tcp-slow-loris", 2000, 20, "connections, a byte now and then", []string{"attempts tcp timeout_waiting_device", "attempts tcp peer_closed", "dropped source_limited"}, (*attacker).slowStreams},
	{"tcp-wrong-protocol", 5000, 20, "HTTP, TLS and SSH", []string{"attempts tcp wrong_protocol"}, (*attacker).wrongStreams},
	{"padding-oracle", 5000, 20, "RSA blobs with good and bad padding, old ones, flipped ones", []string{"attempts tcp wrong_server_key", "dropped source_limited"}, (*attacker).paddingOracle},
	{"tcp-bad-frames", 500, 20, "streams of a device, garbled, played again, out of order, too long", []string{"dropped source_limited", "dropped malformed", "attempts tcp malformed"}, (*attacker).badFrames},
	{"fast-device", 60_000, 3000, "events of one device, at 10,000 a second", []string{"dropped device_too_fast"}, (*attacker).fastDevice},
	{"giant-describe", 5000, 300, "describes of a device, in blocks without an end, and such as make no sense", []string{"dropped malformed", "dropped device_too_fast"}, (*attacker).giantDescribe},
	{"coap-options", 5000, 300, "messages of a device with as many options as fit", []string{"dropped malformed", "dropped device_too_fast"}, (*attacker).manyOptions},
	{"block-abuse", 5000, 300, "blocks of a device in no order, of every size", []string{"dropped malformed", "dropped device_too_fast"}, (*attacker).blockAbuse},
	{"http-oversized", 2000, 20, "JSON bodies of a megabyte, and nested ones", []string{"errors body_too_large", "errors malformed_body"}, (*attacker).bigBodies},
	{"http-headers", 2000, 20, "headers of a megabyte", []string{"refused no_request"}, (*attacker).bigHeaders},
	{"http-queries", 20_000, 20, "queries of 30 KB with tokens that are none", []string{"refused long_query"}, (*attacker).longQueries},
	{"http-slow", 1500, 20, "requests whose header or body does not end", []string{"refused no_request", "errors malformed_body", "refused from_source"}, (*attacker).slowBodies},
	{"http-wrong-protocol", 5000, 20, "TLS, SSH and random bytes", []string{"refused no_request"}, (*attacker).wrongRequests},
}
