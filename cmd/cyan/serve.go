package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/app"
	"github.com/cyan-cloud/cyan/internal/build"
)

// cloudFlags are the settings of a cloud in this process.
type cloudFlags struct {
	app.Options
	logLevel, logFormat string
	printConfig         bool
}

func (f *cloudFlags) add(cmd *cobra.Command, logLevel string) {
	o := app.Options{}.WithDefaults()
	flags := cmd.Flags()
	flags.StringVar(&f.Data, "data", o.Data, "`folder` of everything that lasts: keys, database; made with mode 0700")
	flags.StringVar(&f.ListenTCP, "listen-tcp", o.ListenTCP, "`addresses` where devices on TCP connect, with commas between; off: nowhere")
	flags.StringVar(&f.ListenUDP, "listen-udp", o.ListenUDP, "`addresses` where devices on UDP connect; unmodified ones know only port 5684")
	flags.StringVar(&f.ListenAPI, "listen-api", o.ListenAPI, "`addresses` of the HTTP API; plain HTTP")
	flags.StringVar(&f.ListenDrillTCP, "listen-drill-tcp", "", "`address` that only canaries use, on TCP, so that it can be broken on purpose (default none)")
	flags.StringVar(&f.ListenDrillUDP, "listen-drill-udp", "", "the same on UDP")
	flags.StringVar(&f.PublicURL, "public-url", "", "`URL` that people reach the API by (default made from --listen-api)")
	flags.StringVar(&f.StatusURL, "status-url", "", "`URL` of the watchtower's page, for the open incident in errors (default none)")
	flags.StringVar(&f.WatchtowerURL, "watchtower-url", "", "`URL` of the watchtower itself: when it is dead, the cloud pages by the outlets of the settings file (default nobody looks)")
	flags.StringVar(&f.Database, "database", "", "SQLite `file` (default cyan.db in the data folder)")
	flags.StringVar(&f.NATS, "nats", "", "`URL` of a NATS cluster (default embedded)")
	flags.StringVar(&f.Node, "node", o.Node, "this process's `name` in logs, attempts and a cluster")
	flags.BoolVar(&f.OpenSignUp, "open-sign-up", false, "let strangers make themselves accounts over the API")
	flags.BoolVar(&f.TrustOnFirstUse, "trust-on-first-use", false, "let unknown devices in and keep the key they show: on a bench only")
	flags.DurationVar(&f.EventHistory, "event-history", 0, "keep events for this `time`, so that event streams can be resumed (default none are kept)")
	flags.IntVar(&f.EventHistoryMiB, "event-history-mib", o.EventHistoryMiB, "how large the history's file may become, in `MiB`")
	flags.StringVar(&f.Admin, "admin", o.Admin, "`username` of the administrator that the first start makes")
	flags.StringVar(&f.TrustedProxies, "trusted-proxies", "", "`addresses` or networks of proxies whose X-Forwarded-For is believed, with commas between")
	flags.IntVar(&f.AuditDays, "audit-days", o.AuditDays, "how many `days` the audit log is kept")
	limitFlags(flags, &f.Limits)
	flags.StringVar(&f.logLevel, "log-level", logLevel, "`least` of what is logged: debug, info, warn or error")
	flags.StringVar(&f.logFormat, "log-format", "text", "`text or json`, on standard error")
	flags.BoolVar(&f.printConfig, "print-config", false, "print the settings that result, as a settings file, and end")
}

// meant has what settings stand for when they are empty.
func (f *cloudFlags) meant() map[string]string {
	return map[string]string{
		"database": f.Options.WithDefaults().Database, "nats": "embedded", "public-url": "made from listen-api",
	}
}

// logger makes the logger that the flags ask for.
func (c *cli) logger(f *cloudFlags) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.logLevel)); err != nil {
		return nil, misuse(fmt.Sprintf("there is no log level %q", f.logLevel), "--log-level debug, info, warn or error")
	}
	options := &slog.HandlerOptions{Level: level}
	if c.utc {
		options.ReplaceAttr = func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && a.Key == slog.TimeKey {
				return slog.Time(a.Key, a.Value.Time().UTC())
			}
			return a
		}
	}
	switch f.logFormat {
	case "json":
		return slog.New(slog.NewJSONHandler(c.err, options)), nil
	case "text":
		return slog.New(slog.NewTextHandler(c.err, options)), nil
	}
	return nil, misuse(fmt.Sprintf("there is no log format %q", f.logFormat), "--log-format text or json")
}

func (c *cli) serveVerb() *cobra.Command {
	var f cloudFlags
	cmd := &cobra.Command{
		Use: "serve", Short: "Run the cloud in the foreground", Args: takes(0, 0, ""),
		Long: `Runs the cloud until it is interrupted. It prints where its doors and files are;
the first start makes the server's keys and an administrator, whose password is
shown once. Everything binds to loopback unless told otherwise.

With --json the first line is {"event":"ready", …} when the doors are open, and
on a first start {"event":"administrator", …} follows.`,
		Example: `  cyan serve
  cyan serve --listen-tcp :5683 --listen-udp :5684      open to devices
  CYAN_DATA=/var/lib/cyan cyan serve --log-format json
  cyan serve --print-config > cyan.yaml; cyan serve --config cyan.yaml`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.printConfig {
				return c.printSettings(cmd, f.meant())
			}
			a, err := c.start(cmd, &f)
			if err != nil {
				return err
			}
			c.say("Ctrl-C stops it")
			return c.untilStopped(cmd.Context(), a)
		},
	}
	f.add(cmd, "info")
	return cmd
}

// start starts the cloud and prints where it is.
func (c *cli) start(cmd *cobra.Command, f *cloudFlags) (*app.App, error) {
	logger, err := c.logger(f)
	if err != nil {
		return nil, err
	}
	f.Logger, f.Settings = logger, c.config
	ignoreBrokenPipes()
	for _, name := range strays(cmd.Root(), os.Environ()) {
		c.say("warning: %s is set, and there is no such setting", name)
	}
	a, err := app.New(cmd.Context(), f.Options)
	if err != nil {
		return nil, notStarted(err, f)
	}
	if err := c.introduce(a, f); err != nil && !a.TookOver() {
		return nil, errors.Join(err, a.Stop(context.WithoutCancel(cmd.Context())))
	}
	return a, nil
}

// untilStopped waits for an interrupt or for a part of the cloud that breaks,
// and stops the cloud.
func (c *cli) untilStopped(ctx context.Context, a *app.App) error {
	var broken error
	again, ignore := upgradeSignals()
	defer ignore()
	for waiting := true; waiting; {
		select {
		case <-ctx.Done():
			c.say("stopping")
			waiting = false
		case broken = <-a.Failed():
			waiting = false
		case s := <-again:
			// What becomes of it is logged, and told to whoever asked.
			go func() {
				_, _ = a.Upgrade(context.WithoutCancel(ctx), app.Order{Do: app.DoUpgrade, Who: "signal " + s.String()})
			}()
		case <-a.Done():
			c.say("another process has taken over")
			waiting = false
		}
	}
	return errors.Join(broken, a.Stop(context.WithoutCancel(ctx)))
}

// notStarted adds the next step to an error of a start.
func notStarted(err error, f *cloudFlags) error {
	if errors.Is(err, context.Canceled) {
		return fail(exitInterrupted, "interrupted before the start was done")
	}
	op, ok := errors.AsType[*net.OpError](err)
	if !ok {
		return err
	}
	address := ""
	if op.Addr != nil {
		address = op.Addr.String()
	}
	door := "listen-api"
	for name, list := range map[string]string{"listen-tcp": f.ListenTCP, "listen-udp": f.ListenUDP} {
		if holds(list, address) && strings.HasPrefix(op.Net, strings.TrimPrefix(name, "listen-")) {
			door = name
		}
	}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return &problem{exitFailed, address + " is in use by another program", []string{
			"another cyan may be running; --" + door + " sets another address, and port 0 lets the system choose",
		}, err}
	case errors.Is(err, syscall.EACCES):
		return &problem{exitFailed, "this user may not listen on " + address, []string{"--" + door + " sets another address"}, err}
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return &problem{exitFailed, "this machine has no address " + address, []string{"--" + door + " sets another address"}, err}
	}
	return err
}

// holds tells whether a list of listening addresses has one with that port.
func holds(list, address string) bool {
	_, port, _ := net.SplitHostPort(address)
	for a := range strings.SplitSeq(list, ",") {
		if _, p, err := net.SplitHostPort(strings.TrimSpace(a)); err == nil && p == port {
			return true
		}
	}
	return false
}

// ready is where a running cloud is, for programs.
type ready struct {
	Event   string   `json:"event"` // ready
	Version string   `json:"version"`
	PID     int      `json:"pid"`
	API     string   `json:"api"`
	UDP     []string `json:"udp"`
	TCP     []string `json:"tcp"`
	Data    string   `json:"data"`
	KeyUDP  string   `json:"server_key_udp"` // public keys, as devices need them
	KeyTCP  string   `json:"server_key_tcp"`
}

// administrator is what a first start says once.
type administrator struct {
	Event    string `json:"event"` // administrator
	Username string `json:"username"`
	Password string `json:"password"`
}

// introduce prints where the cloud is and, on a first start, who may use it.
func (c *cli) introduce(a *app.App, f *cloudFlags) error {
	c.warn(f)
	addrs := a.Addrs()
	data := absolute(f.Data)
	r := ready{
		Event: "ready", Version: build.Current().Version, PID: os.Getpid(), API: a.URL(), Data: data,
		UDP: texts(addrs.UDP), TCP: texts(addrs.TCP),
		KeyUDP: filepath.Join(absolute(a.Keys.Dir), app.FilePubEC), KeyTCP: filepath.Join(absolute(a.Keys.Dir), app.FilePubRSA),
	}
	if c.json {
		if err := c.emit(r); err != nil || a.Welcome == nil {
			return err
		}
		return c.emit(administrator{"administrator", a.Welcome.Username, a.Welcome.Password})
	}
	c.print("cyan %s is running", r.Version)
	c.print("  devices on UDP   %s", orNowhere(r.UDP))
	c.print("  devices on TCP   %s", orNowhere(r.TCP))
	c.print("  HTTP API         %s", r.API)
	c.print("  data             %s", r.Data)
	c.print("  server keys      %s (UDP), %s (TCP)", r.KeyUDP, filepath.Base(r.KeyTCP))
	if a.Welcome != nil {
		c.print("\n%s\n", box(
			"FIRST START: this password is shown once. Write it down.", "",
			"username  "+a.Welcome.Username,
			"password  "+a.Welcome.Password,
		))
	}
	if a.Keys.Made {
		c.print("Every device will hold the public half of new server keys: back up %s now:\n", filepath.Join(data, "keys"))
		c.print("  tar -C %s -czf cyan-keys.tar.gz keys\n", data)
	}
	return nil
}

// warn says what is open to more than this machine, and what that means.
func (c *cli) warn(f *cloudFlags) {
	doors := app.Options{ListenTCP: "off", ListenUDP: "off", ListenAPI: f.ListenAPI}
	if open := doors.Exposed(); len(open) > 0 {
		c.say("warning: the HTTP API on %s leaves this machine without TLS: passwords and tokens can be read on the way", strings.Join(open, ", "))
		c.say("hint: put a TLS proxy before it, and keep --listen-api on 127.0.0.1")
	}
	doors = app.Options{ListenTCP: f.ListenTCP, ListenUDP: "off", ListenAPI: "off"}
	if open := doors.Exposed(); len(open) > 0 {
		c.say("warning: the old TCP protocol on %s has no integrity against somebody on the path; --listen-tcp off closes it", strings.Join(open, ", "))
	}
	if f.TrustOnFirstUse {
		c.say("warning: --trust-on-first-use lets in every unknown device that can reach this machine")
	}
}

func texts[T fmt.Stringer](list []T) []string {
	out := []string{}
	for _, v := range list {
		out = append(out, v.String())
	}
	return out
}

func orNowhere(list []string) string {
	if len(list) == 0 {
		return "nowhere"
	}
	return strings.Join(list, ", ")
}

// absolute gives a path that works from every folder.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
