package app

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/cloud/gateway"
)

// Options is everything that can be set. The zero value is a cloud on
// loopback with embedded state under ./cyan-data; see docs/guide/settings.md
// for the flags, the environment variables and the keys of the file, which
// have the same names.
type Options struct {
	// Data is the folder of the database and of the server's keys. It is made,
	// with mode 0700. Empty: ./cyan-data.
	Data string
	// ListenTCP and ListenUDP are where devices connect, several addresses
	// being separated by commas; ":5683" is every address of both families.
	// Empty: 5683 and 5684 on 127.0.0.1 and ::1. "off": no such door.
	ListenTCP, ListenUDP string
	// ListenAPI is where the HTTP API is served. Empty: 127.0.0.1:8080.
	ListenAPI string
	// ListenDrillTCP and ListenDrillUDP are where only canaries connect, so that
	// it can be broken on purpose (cyan drill); no device is to know them.
	// Empty: there is no such door.
	ListenDrillTCP, ListenDrillUDP string
	// PublicURL is what people and devices reach the API by, for links. Empty:
	// made from ListenAPI.
	PublicURL string
	// StatusURL is where the watchtower's page is: what it says of open incidents
	// stands in errors. Empty: no incident is known.
	StatusURL string
	// WatchtowerURL is where the watchtower itself is reached, not a copy of its
	// page. The cloud looks whether it lives, and pages by the outlets of Settings
	// when it does not. Empty: nobody watches the watchtower.
	WatchtowerURL string
	// Settings is the settings file, whose section notify says who is paged of
	// the watchtower's death. Empty: nobody is.
	Settings string
	// Database is the SQLite file. Empty: cyan.db in Data.
	Database string
	// NATS is the URL of a NATS cluster. Empty: embedded.
	NATS string
	// Node is this process's name in logs, attempts and the cluster. Empty:
	// "local".
	Node string
	// CallTimeout is how long a device has to answer a call. Zero: 20 s. It has
	// no flag: clients wait for 30 s.
	CallTimeout time.Duration
	// TrustOnFirstUse lets in devices that nobody registered, and keeps the key
	// that they show: for a bench, not for the internet.
	TrustOnFirstUse bool
	// OpenSignUp lets strangers make themselves accounts over the API.
	OpenSignUp bool
	// EventHistory is how long events are kept, so that event streams can be
	// resumed; devices' events are acknowledged when they are on the disk then.
	// Zero: none are kept, and what was kept before is removed.
	EventHistory time.Duration
	// EventHistoryMiB bounds the history's file. Zero: 256.
	EventHistoryMiB int
	// TrustedProxies are the addresses, or networks such as 10.0.0.0/8, of the
	// proxies before the HTTP API, with commas between: what they write into
	// X-Forwarded-For is believed. Empty: nobody is, and limits count by who
	// connects.
	TrustedProxies string
	// AuditDays is how long the audit log is kept. Zero: 365.
	AuditDays int
	// Limits bound what strangers, devices and clients can take.
	Limits Limits
	// Rehearsal is for benchmarks; it has no flag.
	Rehearsal gateway.Rehearsal
	// Admin is the username of the administrator that the first start makes.
	// Empty: admin@localhost.
	Admin string
	// Logger gets what operators want to know. Nil: nothing is logged.
	Logger *slog.Logger
}

// The default ports. Devices on UDP know no other.
const (
	portTCP = "5683"
	portUDP = "5684"
)

// WithDefaults fills in what was left empty.
func (o Options) WithDefaults() Options {
	set := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	set(&o.Data, "cyan-data")
	set(&o.ListenTCP, loopback(portTCP))
	set(&o.ListenUDP, loopback(portUDP))
	set(&o.ListenAPI, "127.0.0.1:8080")
	set(&o.Database, filepath.Join(o.Data, "cyan.db"))
	set(&o.Node, "local")
	set(&o.Admin, "admin@localhost")
	if o.EventHistoryMiB <= 0 {
		o.EventHistoryMiB = 256
	}
	if o.AuditDays == 0 {
		o.AuditDays = 365
	}
	o.Limits = o.Limits.WithDefaults()
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// loopback gives the port on both loopback addresses, or on the one that this
// machine has.
func loopback(port string) string {
	if l, err := net.Listen("tcp6", "[::1]:0"); err == nil { //nolint:noctx // it does not wait
		l.Close()
		return "127.0.0.1:" + port + ",[::1]:" + port
	}
	return "127.0.0.1:" + port
}

// addresses takes a list of listening addresses apart.
func addresses(what, list string) ([]string, error) {
	if list == "off" {
		return nil, nil
	}
	var out []string
	for a := range strings.SplitSeq(list, ",") {
		a = strings.TrimSpace(a)
		if _, _, err := net.SplitHostPort(a); err != nil {
			return nil, fmt.Errorf("%s %q: want host:port, such as 127.0.0.1:%s, or :%s for every address", what, a, portTCP, portTCP)
		}
		out = append(out, a)
	}
	return out, nil
}

// proxies reads the list of trusted proxies.
func proxies(list string) (out []netip.Prefix, err error) {
	for word := range strings.SplitSeq(list, ",") {
		word = strings.TrimSpace(word)
		if word == "" {
			continue
		}
		p, err := netip.ParsePrefix(word)
		if addr, e := netip.ParseAddr(word); e == nil {
			p, err = addr.Prefix(addr.BitLen())
		}
		if err != nil {
			return nil, fmt.Errorf("trusted-proxies %q: want addresses or networks, such as 127.0.0.1 or 10.0.0.0/8", word)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

// Exposed lists the doors that are open to more than this machine.
func (o Options) Exposed() []string {
	o = o.WithDefaults()
	var out []string
	for _, list := range []string{o.ListenTCP, o.ListenUDP, o.ListenAPI} {
		for a := range strings.SplitSeq(list, ",") {
			host, _, err := net.SplitHostPort(strings.TrimSpace(a))
			if ip := net.ParseIP(host); err == nil && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
				out = append(out, strings.TrimSpace(a))
			}
		}
	}
	return out
}
