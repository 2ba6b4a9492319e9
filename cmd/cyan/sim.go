package main

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/sim/live"
)

// simFlags say which virtual device to run, and where.
type simFlags struct {
	server, serverKey, data    string
	transport, os, id, key     string
	behaviour, memory, user    string
	delay, duration, ramp      time.Duration
	count, number              int
	newKey, trace, provision   bool
	untilConnected, behaviours bool
}

// behaviourHelp says what virtual devices can do wrong.
var behaviourHelp = map[string]string{
	"well-behaved":       "does what Device OS does",
	"blocks":             "every function keeps it busy, and deaf, for --delay",
	"ack-then-hang":      "acknowledges requests and never answers them",
	"slow":               "answers every request, but only after --delay",
	"wrong-device-key":   "its private key is not the one on file",
	"wrong-server-key":   "it expects another server",
	"silent":             "says nothing once the handshake is done",
	"deaf":               "sends, and hears nothing once it is connected",
	"truncate-handshake": "stops in the middle of the handshake",
}

const simHelp = `Runs a virtual device: its light and its log are printed as they happen. It is
a barbecue controller with the functions setpitf, echo, fail, wait and say and
the variables pit, pitf, temps and lid, and it publishes "temps" every 10 s.

Without --key the device comes from a secret in your configuration folder, the
same one every time (--number for others), and is registered with the cloud of
--api as yours; so after "cyan up --demo" or "cyan login" no flag is needed. With
--key FILE it is the device of that private key, registered only if you say
--provision. Ctrl-C is a pulled plug; --memory FILE lets the next run resume.

With --json each line is {"at", "kind": "led" or "log", "led", "text", …}. With
--count many devices run, and totals are printed instead.`

func (c *cli) simVerb() *cobra.Command {
	var f simFlags
	cmd := &cobra.Command{
		Use: "sim", Short: "Run a virtual device, or many", Long: simHelp, Args: takes(0, 0, ""),
		Example: `  cyan sim
  cyan sim --transport tcp --os 2.3 --number 2
  cyan sim --behaviour ack-then-hang --trace
  cyan sim --key board.der --new-key --provision --memory board.memory
  cyan sim --count 500 --ramp 10s --duration 5m
  cyan sim --list-behaviours`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			if f.behaviours {
				return c.listBehaviours()
			}
			if f.duration > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, f.duration)
				defer cancel()
			}
			f.provision = f.provision || f.key == "" && !cmd.Flags().Changed("provision")
			if f.count > 1 {
				return c.crowd(ctx, &f)
			}
			return c.simulate(ctx, &f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.server, "server", "", "`host:port` of the cloud's door for the transport (default 127.0.0.1 and the usual port)")
	flags.StringVar(&f.serverKey, "server-key", "", "`file` of the cloud's public key, DER or PEM (default from the data folder)")
	dataFlag(cmd, &f.data)
	flags.StringVar(&f.transport, "transport", "udp", "`udp or tcp`")
	flags.StringVar(&f.os, "os", "", "`generation` of Device OS: 6.2, 2.3 or 1.x (default the newest)")
	flags.StringVar(&f.id, "id", "", "24 hexadecimal `digits` (default made from the key)")
	flags.StringVar(&f.key, "key", "", "`file` of the device's private key, DER")
	flags.BoolVar(&f.newKey, "new-key", false, "make the file of --key first")
	flags.IntVar(&f.number, "number", 0, "which of your virtual devices, without --key")
	flags.StringVar(&f.behaviour, "behaviour", "", "`name` of what it does wrong, see --list-behaviours")
	flags.DurationVar(&f.delay, "delay", 0, "of the behaviours that have one (default 40s)")
	flags.StringVar(&f.memory, "memory", "", "`file` that keeps its session over a restart; it holds keys")
	flags.BoolVar(&f.trace, "trace", false, "print every message too")
	flags.BoolVar(&f.provision, "provision", false, "register the device first (default without --key)")
	flags.StringVar(&f.user, "user", "", "register as this `username`, and ask for the password")
	flags.IntVar(&f.count, "count", 1, "run this many devices, and print totals")
	flags.DurationVar(&f.ramp, "ramp", 0, "switch the many on within this time")
	flags.DurationVar(&f.duration, "duration", 0, "end after this time (default never)")
	flags.BoolVar(&f.untilConnected, "until-connected", false, "end when it has connected; fails if it has not within --duration")
	flags.BoolVar(&f.behaviours, "list-behaviours", false, "list what a device can do wrong, and end")
	c.targetFlags(cmd)
	return cmd
}

func (c *cli) listBehaviours() error {
	for _, name := range sim.Behaviours() {
		if !c.json {
			c.print("%s%s", padded(name, 20), behaviourHelp[name])
		} else if err := c.emit(map[string]string{"name": name, "what": behaviourHelp[name]}); err != nil {
			return err
		}
	}
	return nil
}

// simulate runs one device until it is interrupted.
func (c *cli) simulate(ctx context.Context, f *simFlags) error {
	base, err := c.simConfig(f)
	if err != nil {
		return err
	}
	who, err := c.identity(f)
	if err != nil {
		return err
	}
	if f.provision {
		registrar, err := c.registrar(ctx, f)
		if err == nil {
			err = registrar.provision(ctx, who)
		}
		if err != nil {
			return err
		}
	}
	cfg := base.with(who)
	cfg.MemoryFile = f.memory
	c.say("device %s on %s, %s, to %s; Ctrl-C pulls its plug", who.id, who.transport, cfg.Device.Profile.Name, cfg.Server)
	least := sim.Info
	if f.trace {
		least = sim.Trace
	}
	c.printDevice(&cfg, "", least)

	ctx, done := context.WithCancel(ctx)
	defer done()
	connected := false
	if f.untilConnected {
		cfg.OnPhase = func(_ time.Time, phase sim.Phase) {
			if phase == sim.Connected {
				connected = true
				done()
			}
		}
	}
	process, err := live.New(cfg)
	if err != nil {
		return unusable(err, f)
	}
	if err := process.Run(ctx); err != nil {
		return err
	}
	if f.untilConnected && !connected {
		return fail(exitTimeout, "the device has not connected", "cyan attempts "+who.id.String()+" tells how far it came, and why")
	}
	return nil
}

// unusable names the flag of a key that is not what the transport needs.
func unusable(err error, f *simFlags) error {
	switch {
	case errors.Is(err, sim.ErrKey):
		return misuse(f.key+" is no device key for "+f.transport, "P-256 in SEC1 DER on udp, RSA-1024 in PKCS #1 DER on tcp; --new-key makes one")
	case errors.Is(err, sim.ErrServerKey):
		return misuse(f.serverKey+" is no server key for "+f.transport, "P-256 on udp, RSA-2048 on tcp: cyan key show")
	}
	return err
}

// blueprint is what all devices of one run share.
type blueprint struct{ config live.Config }

// with gives the configuration of one device.
func (b blueprint) with(who identity) live.Config {
	cfg := b.config
	cfg.Device.ID, cfg.Device.Key = who.id, who.private
	return cfg
}

func (c *cli) simConfig(f *simFlags) (blueprint, error) {
	t, err := parseTransport(f.transport)
	if err != nil {
		return blueprint{}, err
	}
	cfg := live.Config{Server: f.server, Device: sim.Config{
		Transport: t, Application: sim.Oven(0), Delay: f.delay, Trace: f.trace, Profile: sim.Newest(),
	}}
	if f.os != "" {
		if cfg.Device.Profile, err = sim.FindProfile(f.os); err != nil {
			return blueprint{}, misuse("there is no generation "+f.os, "--os "+strings.Join(generations(), ", "))
		}
	}
	if cfg.Device.Behaviour, err = sim.ParseBehaviour(f.behaviour); err != nil {
		return blueprint{}, misuse("there is no behaviour "+f.behaviour, "cyan sim --list-behaviours")
	}
	if cfg.Server == "" {
		cfg.Server = fmt.Sprintf("127.0.0.1:%d", defaultPort(t))
	} else if _, _, err := net.SplitHostPort(cfg.Server); err != nil {
		return blueprint{}, misuse(fmt.Sprintf("--server %s: want host:port", cfg.Server))
	}
	if f.serverKey == "" {
		k, err := readServerKey(f.data, t)
		if err != nil {
			return blueprint{}, advise(err, "or --server-key FILE, the public key that the cloud's cyan key show names")
		}
		cfg.Device.ServerKey, f.serverKey = k.der, k.File
	} else if cfg.Device.ServerKey, err = readDER(f.serverKey); err != nil {
		return blueprint{}, err
	}
	cfg.Device.ServerKey = trimmed(cfg.Device.ServerKey)
	return blueprint{cfg}, nil
}

func generations() []string {
	var names []string
	for _, p := range sim.Profiles() {
		names = append(names, strings.TrimPrefix(p.Name, "os-"))
	}
	return names
}

// identity finds out which device is meant.
func (c *cli) identity(f *simFlags) (who identity, err error) {
	t, err := parseTransport(f.transport)
	if err != nil {
		return who, err
	}
	if f.key == "" {
		if f.newKey {
			return who, misuse("--new-key needs --key FILE to write to")
		}
		n, err := c.ownNursery()
		if err != nil {
			return who, err
		}
		if who, err = n.device(t, f.number); err != nil {
			return who, err
		}
	} else if who, err = keyedIdentity(t, f); err != nil {
		return who, err
	}
	if f.id != "" {
		if who.id, err = sim.ParseID(f.id); err != nil {
			return who, misuse(fmt.Sprintf("%q is no device id", f.id), "24 hexadecimal digits")
		}
	}
	return who, nil
}

// keyedIdentity is the device of a key file; its id is made from the key.
func keyedIdentity(t sim.Transport, f *simFlags) (identity, error) {
	who := identity{transport: t}
	if f.newKey {
		if _, err := newDeviceKey(t, f.key); err != nil {
			return who, err
		}
	}
	der, err := readDER(f.key)
	if errors.Is(err, os.ErrNotExist) {
		return who, fail(exitNotFound, "there is no key "+f.key, "--new-key makes it")
	} else if err != nil {
		return who, err
	}
	who.private = trimmed(der)
	if who.public, err = publicHalf(f.key); err != nil {
		return who, err
	}
	if _, err := x509.ParsePKIXPublicKey(who.private); err == nil {
		return who, misuse(f.key+" holds a public key: a device needs its private one", "cyan key device makes a pair")
	}
	sum := sha256.Sum256(who.public)
	copy(who.id[:], sum[:])
	return who, nil
}

// ownNursery is the one in the user's configuration folder.
func (c *cli) ownNursery() (nursery, error) {
	dir, err := configDir()
	if err != nil {
		return nursery{}, err
	}
	return openNursery(filepath.Join(dir, "sim-secret"))
}
