// Package harness is a whole cloud in one test: every room, real sockets on
// loopback, a fresh data folder, people who are logged in, and virtual
// devices. What a test starts ends with it.
package harness

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/app"
	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/store"
	"github.com/cyan-cloud/cyan/internal/port"
	"github.com/cyan-cloud/cyan/internal/testlog"
)

// patience is how long a test waits for something to happen.
const patience = 90 * time.Second

// Cloud is a cloud that runs, and its administrator.
type Cloud struct {
	*Person

	Options app.Options
	Welcome app.Welcome // what its first start said

	t   testing.TB
	run host
	at  place
}

// host is where a cloud runs: in this process or in one of its own.
type host interface {
	// start starts the cloud and says where it is; the welcome is nil unless
	// it is the first start.
	start(t testing.TB, o app.Options) (place, *app.Welcome)
	stop(t testing.TB)
}

// place is where a cloud is reached.
type place struct{ UDP, TCP, URL string }

// Start starts a cloud in this process. Listening addresses that o leaves
// empty become free ports of 127.0.0.1.
func Start(t testing.TB, o app.Options) *Cloud {
	t.Helper()
	if o.Logger == nil {
		o.Logger = testlog.New(t)
	}
	return start(t, o, new(inside))
}

func start(t testing.TB, o app.Options, run host) *Cloud {
	t.Helper()
	if o.Data == "" {
		o.Data = filepath.Join(t.TempDir(), "data")
	}
	for _, a := range []*string{&o.ListenTCP, &o.ListenUDP, &o.ListenAPI} {
		if *a == "" {
			*a = port.Free(t)
		}
	}
	c := &Cloud{Options: o, t: t, run: run}
	welcome := c.start()
	t.Cleanup(func() { c.run.stop(t) })
	if welcome == nil {
		t.Fatal("the first start of a cloud has made no administrator")
	}
	c.Welcome = *welcome
	c.Person = c.Login(welcome.Username, welcome.Password)
	return c
}

func (c *Cloud) start() *app.Welcome {
	c.t.Helper()
	at, welcome := c.run.start(c.t, c.Options)
	c.at = at
	// From now on the cloud is found where it was.
	c.Options.ListenUDP, c.Options.ListenTCP = at.UDP, at.TCP
	c.Options.ListenAPI = strings.TrimPrefix(at.URL, "http://")
	return welcome
}

// Stop stops the cloud.
func (c *Cloud) Stop() {
	c.t.Helper()
	c.run.stop(c.t)
}

// Restart stops the cloud and starts it anew on the same data and ports.
func (c *Cloud) Restart() {
	c.t.Helper()
	c.Stop()
	c.Again()
}

// Again starts a cloud that was stopped on the same data and ports. It says
// whether it made another administrator.
func (c *Cloud) Again() (welcomed bool) {
	c.t.Helper()
	return c.start() != nil
}

// inside runs a cloud in this process.
type inside struct{ app *app.App }

func (i *inside) start(t testing.TB, o app.Options) (place, *app.Welcome) {
	t.Helper()
	a, err := app.New(context.Background(), o)
	if err != nil {
		t.Fatal("starting a cloud:", err)
	}
	i.app = a
	addrs := a.Addrs()
	at := place{URL: a.URL()}
	if len(addrs.UDP) > 0 {
		at.UDP = addrs.UDP[0].String()
	}
	if len(addrs.TCP) > 0 {
		at.TCP = addrs.TCP[0].String()
	}
	return at, a.Welcome
}

func (i *inside) stop(t testing.TB) {
	if err := i.app.Stop(context.Background()); err != nil {
		t.Error("stopping the cloud:", err)
	}
}

// Database is the cloud's database file.
func (c *Cloud) Database() string { return c.Options.WithDefaults().Database }

// KeyFile gives the path of one of the server's key files.
func (c *Cloud) KeyFile(name string) string { return filepath.Join(c.Options.Data, "keys", name) }

// Store opens the cloud's database a second time, for what the HTTP API does
// not offer.
func (c *Cloud) Store(do func(ctx context.Context, s *store.Store) error) {
	c.t.Helper()
	ctx := c.t.Context()
	s, err := store.Open(ctx, store.Config{Path: c.Database()})
	if err == nil {
		err = do(ctx, s)
	}
	if err != nil {
		c.t.Fatal("using the database:", err)
	}
	if err := s.Close(); err != nil {
		c.t.Fatal("closing the database:", err)
	}
}

// Admit makes another user, who has no devices, and logs him in.
func (c *Cloud) Admit(username string) *Person {
	c.t.Helper()
	const password = "correct horse battery staple"
	var id [12]byte
	var salt [account.SaltSize]byte
	_, _ = rand.Read(id[:]) // never fails
	_, _ = rand.Read(salt[:])
	c.Store(func(ctx context.Context, s *store.Store) error {
		return s.CreateUser(ctx, account.User{
			ID: account.ID(hex.EncodeToString(id[:])), Username: username,
			PasswordHash: account.HashPassword(password, salt), Created: time.Now().UTC(),
		})
	})
	return c.Login(username, password)
}

// Until asks again and again until ok says yes, and fails the test when it
// never does.
func (c *Cloud) Until(what string, ok func() bool) {
	c.t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			c.t.Fatal("waited in vain until ", what)
		case <-tick.C:
		}
	}
}

// serverKey gives the public key that devices have in their flash.
func (c *Cloud) serverKey(file string) []byte {
	c.t.Helper()
	key, err := os.ReadFile(c.KeyFile(file))
	if err != nil {
		c.t.Fatal(err)
	}
	return key
}

// URL is where the cloud's HTTP API is.
func (c *Cloud) URL() string { return c.at.URL }
