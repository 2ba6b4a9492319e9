package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/app"
	"github.com/cyan-cloud/cyan/client"
)

// lookout is the watchtower beside cyan up: a process of its own, which the
// cloud's faults do not touch.
type lookout struct {
	on     bool
	listen string
}

// watchFolder is the watchtower's folder below a cloud's.
func watchFolder(data string) string { return filepath.Join(data, "watch") }

// start starts the watchtower, and gives what stops it. That there is none is
// said, and is no reason not to run a cloud.
func (l *lookout) start(ctx context.Context, c *cli, a *app.App, f *cloudFlags) (stop func()) {
	if !l.on {
		return func() {}
	}
	stop, err := l.launch(ctx, c, a, f)
	if err != nil {
		c.say("warning: no watchtower is running: %v", err)
		return func() {}
	}
	// It stops first: that the cloud is stopped is no outage.
	once := sync.OnceFunc(stop)
	context.AfterFunc(ctx, once)
	return once
}

// free waits until nobody listens there: a process that this one took over from
// had a watchtower, too.
func (l *lookout) free(ctx context.Context, tries int) error {
	for {
		door, err := net.Listen("tcp", l.listen) //nolint:noctx // it does not wait
		if err == nil {
			return door.Close()
		}
		if tries--; tries <= 0 {
			return err
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (l *lookout) launch(ctx context.Context, c *cli, a *app.App, f *cloudFlags) (func(), error) {
	tries := 1
	if a.TookOver() {
		tries = 20
	}
	// Whoever has the port already would be taken for the watchtower.
	if err := l.free(ctx, tries); err != nil {
		return nil, err
	}
	if err := c.hire(ctx, a, f); err != nil {
		return nil, err
	}
	own, err := os.Executable()
	if err != nil {
		return nil, err
	}
	addrs := a.Addrs()
	udp, tcp := "off", "off"
	if len(addrs.UDP) > 0 {
		udp = reachable(addrs.UDP[0].String())
	}
	if len(addrs.TCP) > 0 {
		tcp = reachable(addrs.TCP[0].String())
	}
	args := []string{
		"watch", "--until-told", "--json=false",
		"--watch-data", watchFolder(f.Data), "--listen-status", l.listen, "--watch-api", a.URL(),
		"--watch-udp", udp, "--watch-tcp", tcp, "--log-level", "error",
		"--watch-drill-udp", drillAddress(addrs.DrillUDP), "--watch-drill-tcp", drillAddress(addrs.DrillTCP),
		"--watch-key-udp", filepath.Join(a.Keys.Dir, app.FilePubEC), "--watch-key-tcp", filepath.Join(a.Keys.Dir, app.FilePubRSA),
	}
	if c.config != "" {
		args = append(args, "--config", c.config)
	}
	if password := loginPassword(watchFolder(f.Data)); readable(password) {
		args = append(args, "--canary-username", canaryPerson, "--canary-password-file", password)
	}
	child := exec.CommandContext(context.WithoutCancel(ctx), own, args...) //nolint:gosec // this program
	log, err := os.OpenFile(filepath.Join(watchFolder(f.Data), "log"), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	child.Stdout, child.Stderr = log, log
	detach(child)
	stdin, err := child.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := child.Start(); err != nil {
		return nil, err
	}
	c.tell("  watchtower       http://" + l.listen + ", a process of its own; its log is in " + filepath.Join(watchFolder(f.Data), "log"))
	return func() {
		_, _ = io.WriteString(stdin, wordEnd)
		_ = stdin.Close()
		impatient := time.AfterFunc(10*time.Second, func() { _ = child.Process.Kill() })
		defer impatient.Stop()
		_ = child.Wait() // what it has to say is in its log
	}, nil
}

// hire makes the canaries' token at the first start, whose password is known.
func (c *cli) hire(ctx context.Context, a *app.App, f *cloudFlags) error {
	path := filepath.Join(watchFolder(f.Data), app.FileWatchToken)
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(watchFolder(f.Data), 0o700); err != nil {
		return err
	}
	if a.Welcome == nil {
		c.say("warning: the watchtower looks at little, for want of a token: cyan canary init --watch-data %s", watchFolder(f.Data))
		return nil
	}
	token, err := clientOf(a.URL(), "").Grant(ctx, client.Grant{
		Username: a.Welcome.Username, Password: a.Welcome.Password, ExpiresIn: time.Minute,
	})
	if err != nil {
		return err
	}
	admin := clientOf(a.URL(), token.AccessToken)
	err = errors.Join(hireCanary(ctx, admin, path), hirePerson(ctx, admin, canaryPerson, loginPassword(watchFolder(f.Data))))
	return errors.Join(err, admin.Logout(ctx))
}

// drillAddress is where canaries find the ingress that is broken on purpose;
// off: there is none.
func drillAddress(at netip.AddrPort) string {
	if !at.IsValid() {
		return "off"
	}
	return reachable(at.String())
}

// reachable gives the address by which this machine reaches a door of its own.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err == nil && (ip == nil || ip.IsUnspecified()) {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return address
}
