package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cyan-cloud/cyan/app"
	"github.com/cyan-cloud/cyan/internal/build"
)

const watchHelp = `Runs the watchtower in the foreground: it does what your customers do, over the
doors that they use, all the time, and knows within a minute when that fails. It
is another process than the cloud, with its own folder and port, and best on
another machine: it uses nothing but the cloud's public doors.

Its virtual devices start from nothing, shake hands, are called, read, publish
and hear events; one stays connected, one resumes its session; a program publishes
to an event stream; the public address and its certificate are looked at; with
--canary-username somebody logs in. Real boards join by --boards. For all but the
address it needs a token (cyan canary init) and the server's public keys.

Several vantages vote: each of the others runs with --report-to, --report-key and
a --vantage of its own, and this one with --vantages. With --beacon it does
nothing but watch another watchtower.

With --json the first line is {"event":"ready", …}.`

// watchFlags are the settings of a watchtower in this process.
type watchFlags struct {
	app.WatchOptions
	cloud       cloudFlags // only what logs
	beacon      string
	beaconTell  string
	printConfig bool
	child       bool
}

func (f *watchFlags) add(flags *pflag.FlagSet) {
	o := app.WatchOptions{}.WithDefaults()
	flags.StringVar(&f.Data, "watch-data", o.Data, "the watchtower's own `folder`: what it saw, its canaries; made with mode 0700")
	flags.StringVar(&f.Listen, "listen-status", o.Listen, "`address` of the status page, /healthz and other vantages' reports")
	flags.StringVar(&f.Vantage, "vantage", o.Vantage, "`name` of this place")
	flags.StringVar(&f.API, "watch-api", o.API, "`URL` of the HTTP API that is watched")
	flags.StringVar(&f.Public, "watch-public-url", "", "`URL` that people know (default that of --watch-api)")
	flags.StringVar(&f.UDP, "watch-udp", o.UDP, "`host:port` where devices on UDP connect; off: not watched")
	flags.StringVar(&f.TCP, "watch-tcp", o.TCP, "`host:port` where devices on TCP connect; off: not watched")
	flags.StringVar(&f.DrillUDP, "watch-drill-udp", "", "`host:port` on UDP that only canaries use, for drills (default none)")
	flags.StringVar(&f.DrillTCP, "watch-drill-tcp", "", "the same on TCP")
	flags.StringVar(&f.KeyUDP, "watch-key-udp", o.KeyUDP, "`file` of the server's public key on UDP")
	flags.StringVar(&f.KeyTCP, "watch-key-tcp", o.KeyTCP, "`file` of the server's public key on TCP")
	flags.StringVar(&f.TokenFile, "canary-token-file", "", "`file` of the canaries' token, from cyan canary init (default token in the folder)")
	flags.StringVar(&f.Username, "canary-username", "", "`name` of an account that only logs in, and has no second factor")
	flags.StringVar(&f.PasswordFile, "canary-password-file", "", "`file` of its password")
	flags.DurationVar(&f.Every, "canary-every", 0, "`time` between two runs of each story (default 10s)")
	flags.DurationVar(&f.Patience, "canary-patience", 0, "`time` that a run may take before it has failed (default 8s)")
	flags.StringVar(&f.BoardsFile, "boards", "", "YAML `file` of real boards that are called, and restarted")
	flags.StringVar(&f.Controls, "controls", "", "`hosts` and ports, or URLs, of others, with commas between: when none answers, this place is blind")
	flags.StringVar(&f.Vantages, "vantages", "", "other vantages that report here, as `name=keyfile`, with commas between")
	flags.StringVar(&f.StatusName, "status-name", "", "whose status page it is (default the host of what is watched)")
	flags.StringVar(&f.StatusPublic, "status-public-url", "", "`URL` under which people read the status page (default that of --listen-status)")
	flags.StringVar(&f.StatusExport, "status-export", "", "`folder` that the status page is written to as files, for a second host")
	flags.StringVar(&f.ReportTo, "report-to", "", "`URL` of the watchtower that judges what is seen here")
	flags.StringVar(&f.ReportKey, "report-key", "", "`file` of the key that reports are signed with")
	flags.StringVar(&f.OwnersFile, "owner-pages", "", "YAML `file` of pages for owners' own customers: is it the cloud, and is it their devices")
	flags.StringVar(&f.Peers, "peers", "", "`URLs` of other watchtowers, with commas between: that one is dead is paged")
	flags.StringVar(&f.Heartbeat, "heartbeat", "", "`URL` outside that is asked every 30 s, and raises the alarm when it is not")
}

func (c *cli) watchVerb() *cobra.Command {
	var f watchFlags
	cmd := &cobra.Command{
		Use: "watch", Short: "Run the watchtower in the foreground", Long: watchHelp, Args: takes(0, 0, ""),
		Example: `  cyan canary init && cyan watch
  cyan watch --controls one.one.one.one:443,www.example.com:443 --heartbeat https://alarm.example.com/cyan
  cyan watch --vantage oslo --report-to https://status.example.com --report-key oslo.key
  cyan watch --peers https://status.example.net
  cyan watch --beacon https://status.example.com --config pager.yaml --beacon-tell https://alarm.example.com/hook`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case f.printConfig:
				return c.printSettings(cmd, nil)
			case f.beacon != "":
				return c.runBeacon(cmd.Context(), &f)
			}
			return c.runWatch(cmd, &f)
		},
	}
	flags := cmd.Flags()
	f.add(flags)
	flags.StringVar(&f.beacon, "beacon", "", "only watch the watchtower at this `URL`")
	flags.StringVar(&f.beaconTell, "beacon-tell", "", "`URL` that is told, by a POST of JSON, when it is dead or lives again")
	flags.StringVar(&f.cloud.logLevel, "log-level", "info", "`least` of what is logged: debug, info, warn or error")
	flags.StringVar(&f.cloud.logFormat, "log-format", "text", "`text or json`, on standard error")
	flags.BoolVar(&f.printConfig, "print-config", false, "print the settings that result, as a settings file, and end")
	flags.BoolVar(&f.child, "until-told", false, "end when standard input says so")
	_ = flags.MarkHidden("until-told") // there is such a flag
	return cmd
}

// watching is where a running watchtower is, for programs.
type watching struct {
	Event     string   `json:"event"` // ready
	Version   string   `json:"version"`
	PID       int      `json:"pid"`
	URL       string   `json:"url"`
	Vantage   string   `json:"vantage"`
	Stories   []string `json:"stories"`
	Unwatched []string `json:"unwatched"`
}

func (c *cli) runWatch(cmd *cobra.Command, f *watchFlags) error {
	logger, err := c.logger(&f.cloud)
	if err != nil {
		return err
	}
	f.Logger, f.Settings = logger, c.config
	ignoreBrokenPipes()
	w, err := app.NewWatch(f.WatchOptions)
	if err != nil {
		return err
	}
	r := watching{
		"ready", build.Current().Version, os.Getpid(), "http://" + w.Addr(), f.Vantage, w.Stories(), append([]string{}, w.Unwatched...),
	}
	if c.json {
		if err := c.emit(r); err != nil {
			return err
		}
	} else if !f.child {
		c.print("the watchtower of %s is at %s", f.API, r.URL)
		c.print("  watches          %s", strings.Join(r.Stories, "\n                   "))
		c.say("Ctrl-C stops it")
	}
	for _, line := range w.Unwatched {
		c.say("warning: %s", line)
	}
	ctx := cmd.Context()
	if f.child {
		told, cancel := context.WithCancel(ctx)
		defer cancel()
		go c.untilTold(cancel) // ends with standard input, or the process
		ctx = told
	}
	return w.Run(ctx)
}

// wordEnd is what a watchtower is told when it shall end.
const wordEnd = "end\n"

// untilTold ends the watchtower when it is told so, or when the program that
// started it has died without a word: one that is left behind would have the
// port of the next one. What has to outlive its cloud is started by itself.
func (c *cli) untilTold(end func()) {
	if _, err := io.ReadFull(c.in, make([]byte, len(wordEnd))); err != nil {
		c.say("the program that started this watchtower has died, and it ends with it")
	}
	end()
}

// runBeacon watches a watchtower and nothing else.
func (c *cli) runBeacon(ctx context.Context, f *watchFlags) error {
	if !strings.Contains(f.beacon, "://") {
		return misuse(fmt.Sprintf("--beacon %q is no URL", f.beacon), "cyan watch --beacon https://status.example.com")
	}
	if f.beaconTell == "" && c.config == "" {
		c.say("warning: nobody is told but who reads this; --beacon-tell sets a URL, --config the outlets that page")
	}
	logger, err := c.logger(&f.cloud)
	if err != nil {
		return err
	}
	f.Logger, f.Settings = logger, c.config
	var broken error
	running, stop := context.WithCancel(ctx)
	defer stop()
	err = app.Beacon(running, f.WatchOptions, f.beacon, f.beaconTell, func(n app.Notice) {
		err := c.show(n, "%s  %s %s", c.clock(n.At), n.Event, n.Why)
		if err != nil {
			broken = err
			stop()
		}
	})
	return errors.Join(err, broken)
}
