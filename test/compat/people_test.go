//go:build compat

package compat

import (
	"encoding/base32"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	api "github.com/cyan-cloud/cyan/client"
	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// badToken is nobody's.
const badToken = "0000000000000000000000000000000000000000"

// guarded is another person, whose logins want a code, and who has a device.
type guarded struct {
	token  string
	secret []byte

	mu   sync.Mutex
	step int64 // of the last code
}

const (
	guardedName     = "smoker@example.com"
	guardedPassword = "a long and quiet evening"
	guardedDevice   = "0123456789abcdef00000010"
)

// otpLeft is how long a code is good for at least.
const otpLeft = 15 * time.Second

// otp gives a code that was not used before. The cloud takes those of the half
// minutes around now, so the first ones come without waiting; none of them is
// about to end.
func (g *guarded) otp() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.step = max(g.step+1, account.CodeStep(time.Now().Add(otpLeft))-1)
	for tick := time.NewTicker(time.Second); g.step > account.CodeStep(time.Now())+1; {
		<-tick.C
	}
	return account.Code(g.secret, g.step)
}

// addGuarded makes the account of the other person, his second factor and his
// device.
func (w *world) addGuarded(t *testing.T) {
	t.Helper()
	if err := w.me.SignUp(t.Context(), guardedName, guardedPassword); err != nil {
		t.Fatal(err)
	}
	token, err := api.New(api.Config{URL: w.url}).Login(t.Context(), guardedName, guardedPassword)
	if err != nil {
		t.Fatal(err)
	}
	w.other.token = token.AccessToken
	remote := api.New(api.Config{URL: w.url, Token: token.AccessToken})
	e, err := remote.StartMFA(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if w.other.secret, err = base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(e.Secret); err != nil {
		t.Fatal(err)
	}
	if _, err := remote.FinishMFA(t.Context(), e.Token, w.other.otp()); err != nil {
		t.Fatal(err)
	}
	_, public := newKey(t, 0)
	if _, err := remote.Provision(t.Context(), guardedDevice, public); err != nil {
		t.Fatal(err)
	}
}

// tokenOf gives the token that a person has from the beginning.
func (w *world) tokenOf(t *testing.T, who string) string {
	t.Helper()
	switch who {
	case "stranger":
		return badToken
	case "guarded":
		return w.other.token
	case "expired":
		return w.expired(t)
	case "fresh":
		return w.fresh
	case "limited":
		return w.grant(t, api.Grant{Scopes: []string{string(account.DevicesList)}})
	}
	return w.token
}

// grant gives another token of mine.
func (w *world) grant(t *testing.T, g api.Grant) string {
	t.Helper()
	g.Username, g.Password = username, w.password
	token, err := api.New(api.Config{URL: w.url}).Grant(t.Context(), g)
	if err != nil {
		t.Fatal(err)
	}
	return token.AccessToken
}

// expired gives a token that was good.
func (w *world) expired(t *testing.T) string {
	t.Helper()
	token := w.grant(t, api.Grant{ExpiresIn: time.Second})
	remote := api.New(api.Config{URL: w.url, Token: token})
	for tick := time.NewTicker(100 * time.Millisecond); ; <-tick.C {
		_, err := remote.User(t.Context())
		if e, ok := errors.AsType[*api.Error](err); ok && e.Body.Code == rest.CodeTokenExpired {
			return token
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// home gives a person's home folder. The owner's begins empty; a newcomer and
// who logs in with a code have no token in theirs, others have.
func (w *world) home(t *testing.T, who string) string {
	t.Helper()
	home := filepath.Join(w.dir, "home-"+who)
	if _, err := os.Stat(home); err == nil {
		return home
	}
	folder := filepath.Join(home, ".particle")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{"apiUrl": w.url}
	switch who {
	case "":
		return home
	case "stranger", "expired", "fresh", "limited":
		settings["access_token"], settings["username"] = w.tokenOf(t, who), username
	}
	text, err := json.Marshal(settings)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "particle.config.json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	return home
}

// variables are the words with a dollar in a scenario.
func (w *world) variables(t *testing.T, s scenario) func(name string) string {
	token := w.token
	if s.kind == "sdk" {
		token = w.tokenOf(t, s.as)
	}
	return func(name string) string {
		switch name {
		case "OTP":
			return w.other.otp()
		case "SPARE":
			return w.grant(t, api.Grant{})
		}
		return map[string]string{
			"CLOUD": w.url, "USERNAME": username, "PASSWORD": w.password, "WORK": w.dir, "TOKEN": token,
			"GUARDED": guardedName, "GUARDED_PASSWORD": guardedPassword, "GUARDED_DEVICE": guardedDevice, "LONG": longArgument,
		}[name]
	}
}
