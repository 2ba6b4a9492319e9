package main

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/app"
	"github.com/cyan-cloud/cyan/client"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/sim/live"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// demo is a cloud's virtual devices and what is shown of them.
type demo struct {
	cli     *cli
	app     *app.App
	flags   *cloudFlags
	dir     string
	remote  *client.Client
	devices []*demoDevice
	running sync.WaitGroup // the devices; they end with the context of run
}

// demoDevice is one of them.
type demoDevice struct {
	identity
	name      string // here
	called    string // in the cloud: its name, or its id
	os        string
	connected chan struct{} // closed when it has connected for the first time
}

// demoPatience is how long a part of the show may take.
const demoPatience = 30 * time.Second

func (c *cli) newDemo(a *app.App, f *cloudFlags) *demo {
	return &demo{cli: c, app: a, flags: f, dir: filepath.Join(f.Data, "demo")}
}

// demoProfile is where a demonstration keeps its login.
func demoProfile(data string) string { return filepath.Join(data, "demo", "login.json") }

// run registers the devices, switches them on and shows what can be done with
// them. They go on when it returns, until ctx is done.
func (d *demo) run(ctx context.Context) error {
	if err := d.login(ctx); err != nil {
		return err
	}
	if err := d.register(ctx); err != nil {
		return err
	}
	d.cli.tell("Two virtual devices connect: an oven over UDP, a smoker over TCP. Each line is a device's light or log.")
	for _, v := range d.devices {
		if err := d.switchOn(ctx, v); err != nil {
			return err
		}
	}
	for _, v := range d.devices {
		if err := d.awaitConnected(ctx, v); err != nil {
			return err
		}
	}
	if err := d.show(ctx); err != nil {
		return err
	}
	d.explain()
	return nil
}

// wait returns when the devices are off.
func (d *demo) wait() { d.running.Wait() }

// login finds a token: by the password of the first start, by what an earlier
// demonstration or cyan login stored, or by asking.
func (d *demo) login(ctx context.Context) error {
	api, path := d.app.URL(), demoProfile(d.flags.Data)
	if w := d.app.Welcome; w != nil {
		return d.loginWith(ctx, w.Username, w.Password)
	}
	kept, err := readProfile(path)
	if err != nil {
		return err
	}
	own, err := loadProfile("default")
	if err != nil {
		return err
	}
	if own.API != api {
		own = profile{}
	}
	for _, p := range []profile{kept, own} {
		if p.Token == "" {
			continue
		}
		d.remote = clientOf(api, p.Token)
		if _, err := d.remote.User(ctx); err == nil {
			return d.keep(profile{API: api, Username: p.Username, Token: p.Token, Expires: p.Expires})
		}
	}
	password, err := d.cli.password(ctx, d.flags.Admin, api, false)
	if ctx.Err() != nil {
		return ctx.Err()
	} else if err != nil {
		return fail(exitUnauthenticated, "the demonstration needs to log in, and this is not the first start",
			"run it on a terminal, where it can ask for the password of "+d.flags.Admin, "or give it a new folder: --data DIR")
	}
	return d.loginWith(ctx, d.flags.Admin, password)
}

func (d *demo) loginWith(ctx context.Context, username, password string) error {
	api := d.app.URL()
	token, err := clientOf(api, "").Login(ctx, username, password)
	if err != nil {
		return err
	}
	d.remote = clientOf(api, token.AccessToken)
	return d.keep(profile{API: api, Username: username, Token: token.AccessToken})
}

// keep stores the login for the next time, and the bare token for curl.
func (d *demo) keep(p profile) error {
	if err := p.save(demoProfile(d.flags.Data)); err != nil {
		return err
	}
	return writePrivate(d.tokenFile(), []byte(p.Token+"\n"))
}

func (d *demo) tokenFile() string { return filepath.Join(absolute(d.dir), "token") }

// register tells the cloud the devices' keys. They are the same every time.
func (d *demo) register(ctx context.Context) error {
	n, err := openNursery(filepath.Join(d.dir, "secret"))
	if err != nil {
		return err
	}
	d.devices = []*demoDevice{{name: "oven", os: "6.2"}, {name: "smoker", os: "2.3"}}
	for i, transport := range []sim.Transport{sim.UDP, sim.TCP} {
		v := d.devices[i]
		v.connected = make(chan struct{})
		if v.identity, err = n.device(transport, 0); err != nil {
			return err
		}
		if _, err := d.remote.Provision(ctx, v.id.String(), v.public); err != nil {
			return err
		}
		if err := d.christen(ctx, v); err != nil {
			return err
		}
	}
	return nil
}

// christen gives a device its name, unless somebody has named it already, or
// another one so.
func (d *demo) christen(ctx context.Context, v *demoDevice) error {
	known, err := d.remote.Device(ctx, v.id.String())
	if err != nil {
		return err
	}
	if v.called = string(known.Name); v.called != "" {
		return nil
	}
	_, err = d.remote.Rename(ctx, v.id.String(), v.name)
	switch {
	case err == nil:
		v.called = v.name
	case diagnose(err).code == exitConflict:
		v.called = v.id.String()
	default:
		return err
	}
	return nil
}

// switchOn starts a device.
func (d *demo) switchOn(ctx context.Context, v *demoDevice) error {
	os, err := sim.FindProfile(v.os)
	if err != nil {
		return err
	}
	addrs, key := d.app.Addrs().UDP, app.FilePubEC
	if v.transport == sim.TCP {
		addrs, key = d.app.Addrs().TCP, app.FilePubRSA
	}
	public, err := readDER(filepath.Join(d.app.Keys.Dir, key))
	if err != nil {
		return err
	}
	cfg := live.Config{
		Server:     addrs[0].String(),
		MemoryFile: filepath.Join(d.dir, v.name+".memory"),
		Device: sim.Config{
			ID: v.id, Transport: v.transport, Profile: os, Key: v.private, ServerKey: public, Application: sim.Oven(0),
		},
	}
	d.cli.printDevice(&cfg, v.name, sim.Info)
	var once sync.Once
	cfg.OnPhase = func(_ time.Time, phase sim.Phase) {
		if phase == sim.Connected {
			once.Do(func() { close(v.connected) })
		}
	}
	process, err := live.New(cfg)
	if err != nil {
		return err
	}
	d.running.Go(func() { // ends with ctx
		if err := process.Run(ctx); err != nil {
			d.cli.say("warning: the %s: %v", v.name, err)
		}
	})
	return nil
}

func (d *demo) awaitConnected(ctx context.Context, v *demoDevice) error {
	select {
	case <-v.connected:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(demoPatience):
	}
	hint := "its light says where it hangs: cyan led WORDS"
	if tried, err := d.remote.Attempts(ctx, v.id.String(), time.Now().Add(-demoPatience)); err == nil && len(tried.Attempts) > 0 {
		last := tried.Attempts[0]
		hint = fmt.Sprintf("the cloud saw it from %s: %s %s %s", last.Source, last.Outcome, last.Reason, last.Detail)
	}
	return fail(exitTimeout, "the "+v.name+" has not connected", hint)
}

// show does what a person would do with a device.
func (d *demo) show(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, demoPatience, fail(exitTimeout, "the demonstration takes too long"))
	defer cancel()
	oven := d.devices[0].called
	d.cli.tell("\nBoth are connected. What a person does with them, over the HTTP API:\n")
	events, err := d.remote.Subscribe(ctx, client.Subscription{Prefix: "said"})
	if err != nil {
		return err
	}
	defer events.Close()

	called, err := d.remote.Call(ctx, oven, "setpitf", "275")
	if err != nil {
		return err
	}
	d.step("call its function:", "cyan call %s setpitf 275", oven, fmt.Sprint(called.ReturnValue), called)
	read, err := d.remote.Variable(ctx, oven, "temps")
	if err != nil {
		return err
	}
	d.step("read its variable:", "cyan get %s temps", oven, plain(read.Result), read)
	if _, err := d.remote.Call(ctx, oven, "say", "dinner is ready"); err != nil {
		return err
	}
	heard, err := events.Next() //nolint:contextcheck // the stream has it
	if err != nil {
		return err
	}
	text := "said"
	if heard.Data != nil {
		text += ": " + *heard.Data
	}
	d.step("hear what it says:", "cyan subscribe said --device %s", oven, text, lineOfEvent(heard))
	return nil
}

// step prints one thing that was done, the command for it, and what came.
func (d *demo) step(what, command, device, answer string, data any) {
	c := d.cli
	command = fmt.Sprintf(command, device)
	if c.json {
		_ = c.emit(map[string]any{"event": "shown", "command": command, "answer": data})
		return
	}
	c.print("  %s%s", padded(what, 20), command)
	c.print("  %s→ %s", padded("", 20), answer)
}

// explain prints the lines to go on with.
func (d *demo) explain() {
	c, api, oven := d.cli, d.app.URL(), d.devices[0].called
	curl := `curl -s -H "$auth" ` + api
	lines := []string{
		`auth="Authorization: Bearer $(cat '` + d.tokenFile() + `')"`,
		curl + rest.PathDevices,
		curl + rest.PathFunction(oven, "setpitf") + " -d arg=300",
		curl + rest.PathVariable(oven, "temps"),
		curl + rest.PathMyEvents("") + " -N",
	}
	if c.json {
		_ = c.emit(map[string]any{"event": "try", "commands": lines})
		return
	}
	c.print("\nTry it, in another terminal: list, call, read, hear. The token was made by logging in.\n")
	for _, line := range lines {
		c.print("  %s", line)
	}
	c.print("\nor log in once with the administrator's password, and use the command line:\n")
	c.print("  cyan login --api %s", api)
	c.print("  cyan list; cyan call %s setpitf 300; cyan subscribe mine\n", oven)
}

// tell prints a line of the show that is only for people.
func (c *cli) tell(line string) {
	if !c.json {
		c.print("%s", line)
	}
}
