package journey

import (
	"context"
	"encoding/json"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/cyan-cloud/cyan/app"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/test/harness"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// TestFirstStart looks at what the first start leaves behind: an
// administrator with a password that is said once, and files that nobody else
// can read.
func TestFirstStart(t *testing.T) {
	t.Parallel()
	c := harness.Start(t, app.Options{})
	other := harness.Start(t, app.Options{Admin: "root@example.com"})
	if c.Welcome.Username != "admin@localhost" || other.Welcome.Username != "root@example.com" {
		t.Errorf("the administrators are %s and %s", c.Welcome.Username, other.Welcome.Username)
	}
	if len(c.Welcome.Password) < 20 || c.Welcome.Password == other.Welcome.Password {
		t.Errorf("the passwords %s and %s are not random", c.Welcome.Password, other.Welcome.Password)
	}
	modes := map[string]fs.FileMode{
		c.Options.Data: 0o700, filepath.Dir(c.KeyFile("x")): 0o700,
		c.KeyFile("server-ec.pem"): 0o600, c.KeyFile("server-rsa.pem"): 0o600,
		c.Database(): 0o600, c.Database() + "-wal": 0o600,
	}
	for path, want := range modes {
		info, err := os.Stat(path)
		if err != nil {
			t.Error(err)
		} else if got := info.Mode().Perm(); got != want && runtime.GOOS != "windows" {
			t.Errorf("%s has mode %o, want %o", path, got, want)
		}
	}

	c.Stop()
	if c.Again() {
		t.Error("the second start made another administrator")
	}
	c.Login(c.Welcome.Username, c.Welcome.Password)
	var me rest.User
	c.Get(rest.PathUser, &me) // the token is good, too
	if me.Username != c.Welcome.Username {
		t.Errorf("the token is of %+v", me)
	}
}

// TestLostKey takes one of the server's two keys away: the cloud refuses to
// start, says what to do, and makes no second identity.
func TestLostKey(t *testing.T) {
	t.Parallel()
	for name, sentence := range map[string]string{
		"server-ec.pem": "for devices on UDP cannot be read", "server-rsa.pem": "for devices on TCP cannot be read",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := harness.Start(t, app.Options{})
			c.Stop()
			kept, err := os.ReadFile(c.KeyFile(name))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Remove(c.KeyFile(name)); err != nil {
				t.Fatal(err)
			}
			a, err := app.New(context.Background(), c.Options)
			if err == nil {
				a.Stop(context.Background())
				t.Fatal("it started without the key")
			}
			if !strings.Contains(err.Error(), sentence) || !strings.Contains(err.Error(), "restore it from your backup") {
				t.Errorf("it says only: %v", err)
			}
			if _, err := os.Stat(c.KeyFile(name)); err == nil {
				t.Error("it made another key")
			}
			if err := os.WriteFile(c.KeyFile(name), kept, 0o600); err != nil {
				t.Fatal(err)
			}
			c.Again()
		})
	}
}

// TestTrustOnFirstUse lets a stranger in where that was turned on: it belongs
// to nobody until somebody claims it, and its key is never replaced by
// another stranger's. That it is off by default, and what a stranger gets
// then, is a row of TestConnectionFailures.
func TestTrustOnFirstUse(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, transport sim.Transport) {
		c := harness.Start(t, app.Options{TrustOnFirstUse: true})
		stranger := c.Equip(sim.Config{Transport: transport, Application: sim.Oven(0)})
		d := c.Run(stranger, harness.Wiring{})
		c.Until("the device believes to be connected", func() bool { return d.Lights.Has("breathing cyan") })
		c.Fails(http.StatusForbidden, http.MethodGet, rest.PathDevice(d.ID), nil)

		impostor := c.Equip(sim.Config{ID: stranger.ID, Transport: transport, Application: sim.Oven(0)})
		second := c.Run(impostor, harness.Wiring{})
		c.Until("the impostor is turned away", func() bool { return second.Lights.Has("1 red flash") })
		second.Unplug()

		claim := url.Values{"id": {d.ID}}
		if status, body := c.Do(http.MethodPost, rest.PathDevices, claim); status != http.StatusOK {
			t.Fatalf("claiming the device: %d %s", status, body)
		}
		c.Admit("eve@example.com").Fails(http.StatusForbidden, http.MethodPost, rest.PathDevices, claim)
		c.Online(d.ID)
		c.Until("its owner sees the impostor", func() bool {
			for _, a := range c.Attempts(d.ID) {
				if a.Reason == "key_mismatch" && a.Fault == "device" && a.Claimed {
					return true
				}
			}
			return false
		})
		if c.Call(d.ID, "setpitf", "4") != 4 {
			t.Error("the device is not the one that it was")
		}
	})
}

// TestDatabaseDown takes the tables of tokens and users away: a token that
// cannot be checked is not a bad token, and nobody is let in.
func TestDatabaseDown(t *testing.T) {
	t.Parallel()
	c := harness.Start(t, app.Options{})
	good, bad := c.Person, *c.Person
	bad.Token = "0123456789abcdef"
	if e := bad.Fails(http.StatusUnauthorized, http.MethodGet, rest.PathDevices, nil); e.Message != "invalid_token" {
		t.Errorf("a bad token: %+v", e)
	}
	hideTable(t, c, "tokens")
	for _, p := range []*harness.Person{good, &bad} {
		if e := p.Fails(http.StatusServiceUnavailable, http.MethodGet, rest.PathDevices, nil); e.Code != rest.CodeStoreUnavailable {
			t.Errorf("a token that cannot be checked: %+v", e)
		}
	}
	for _, hidden := range []string{"", "users"} {
		if hidden != "" {
			hideTable(t, c, hidden)
		}
		resp, err := http.PostForm(c.URL()+rest.PathLogin, url.Values{
			"grant_type": {"password"}, "username": {c.Welcome.Username}, "password": {c.Welcome.Password},
		})
		if err != nil {
			t.Fatal(err)
		}
		var e rest.Error
		if err := json.NewDecoder(resp.Body).Decode(&e); err != nil {
			t.Error(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusServiceUnavailable || e.Code != rest.CodeStoreUnavailable || resp.Header.Get("Retry-After") == "" {
			t.Errorf("login without the table of %q: %s %+v", hidden, resp.Status, e)
		}
	}
	execute(t, c, "ALTER TABLE tokens_hidden RENAME TO tokens")
	execute(t, c, "ALTER TABLE users_hidden RENAME TO users")
	var list []rest.Device
	good.Get(rest.PathDevices, &list)
}
