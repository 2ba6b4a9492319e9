package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/cyan-cloud/cyan/client"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// credentials are how a person shows who they are.
type credentials struct {
	username, otp string
	fromStdin     bool
}

// flags adds the flags of verbs that want a password.
func (k *credentials) flags(cmd *cobra.Command, username string) {
	cmd.Flags().StringVar(&k.username, "username", username, "`name` of the user")
	cmd.Flags().BoolVar(&k.fromStdin, "password-stdin", false, "read the password from standard input")
	cmd.Flags().StringVar(&k.otp, "otp", "", "`code` that your authenticator shows, if the account has a second factor")
}

func (c *cli) loginVerb() *cobra.Command {
	var k credentials
	cmd := &cobra.Command{
		Use: "login", Short: "Get a token and keep it", Args: takes(0, 0, ""),
		Long: `Asks for the password, and for the code of your authenticator if the account has
a second factor, and keeps the token that the cloud gives, in a file of your
configuration folder that only you can read. Several logins live side by side
under different names of --profile.`,
		Example: `  cyan login
  cyan login --api https://cloud.example.com --username ada@example.com
  cyan login --password-stdin --otp 123456 < password.txt`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			api, _, err := c.aim()
			if err != nil {
				return err
			}
			path, err := profilePath(c.target.profile)
			if err != nil {
				return err
			}
			c.warnPlain(api)
			token, err := c.authenticate(cmd.Context(), api, k, client.Grant{})
			if err != nil {
				return err
			}
			p := profile{API: api, Username: k.username, Token: token.AccessToken, Expires: expiry(token)}
			if err := p.save(path); err != nil {
				return err
			}
			return c.greet(p, path)
		},
	}
	k.flags(cmd, "admin@localhost")
	c.targetFlags(cmd)
	return cmd
}

// expiry is when a new token expires; zero: never.
func expiry(t rest.Token) time.Time {
	if t.ExpiresIn <= 0 {
		return time.Time{}
	}
	return time.Now().Add(time.Duration(t.ExpiresIn) * time.Second).UTC().Truncate(time.Second)
}

// otpTries is how often a person may mistype the code of the authenticator.
const otpTries = 3

// authenticate asks a person for what the cloud wants to know, and gets a
// token for it.
func (c *cli) authenticate(ctx context.Context, api string, k credentials, g client.Grant) (rest.Token, error) {
	var err error
	if g.Password, err = c.password(ctx, k.username, api, k.fromStdin); err != nil {
		return rest.Token{}, err
	}
	g.Username = k.username
	remote := clientOf(api, "")
	token, err := remote.Grant(ctx, g)
	second := answerOf(err)
	if second == nil || second.MFAToken == "" {
		return token, err
	}
	if k.otp != "" {
		return remote.GrantOTP(ctx, second.MFAToken, k.otp)
	}
	for range otpTries {
		var code string
		if code, err = c.otp(); err != nil {
			return rest.Token{}, err
		}
		if token, err = remote.GrantOTP(ctx, second.MFAToken, code); err == nil || answerOf(err) == nil || answerOf(err).Temporary() {
			return token, err
		}
		c.say("that code is not good: %s", diagnose(err).text)
	}
	return token, err
}

// otp asks for the code of the authenticator.
func (c *cli) otp() (string, error) {
	if !terminal(c.in) {
		return "", misuse("the account has a second factor, and there is no terminal to ask for its code on", "--otp CODE")
	}
	c.ask("code that your authenticator shows: ")
	line, err := bufio.NewReader(c.in).ReadString('\n')
	if line = strings.TrimSpace(line); line == "" {
		return "", fail(exitUnauthenticated, "no code", "cyan login --otp CODE")
	} else if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return line, nil
}

// greet says who is logged in, and for how long.
func (c *cli) greet(p profile, path string) error {
	c.say("the token is in %s", path)
	until := ""
	if !p.Expires.IsZero() {
		until = " until " + c.stamp(p.Expires)
	}
	return c.show(map[string]any{
		"api": p.API, "username": p.Username, "expires_at": rest.At(p.Expires), "profile": c.target.profile,
	}, "logged in at %s as %s%s", p.API, p.Username, until)
}

// warnPlain says when a password is about to cross a network in the clear.
func (c *cli) warnPlain(api string) {
	u, err := url.Parse(api)
	if err != nil || u.Scheme == "https" {
		return
	}
	if ip := net.ParseIP(u.Hostname()); u.Hostname() == "localhost" || ip != nil && ip.IsLoopback() {
		return
	}
	c.say("warning: %s is not encrypted: password and token can be read on the way", api)
}

// password asks for a password without showing it, or reads it.
func (c *cli) password(ctx context.Context, username, api string, fromStdin bool) (string, error) {
	if !fromStdin && terminal(c.in) {
		fmt.Fprintf(c.err, "password of %s at %s: ", username, api)
		return c.typed(ctx)
	}
	if !fromStdin {
		return "", misuse("there is no terminal to ask for the password on", "--password-stdin reads it from standard input")
	}
	line, err := bufio.NewReader(c.in).ReadString('\n')
	line = strings.TrimRight(line, "\r\n")
	if err != nil && !errors.Is(err, io.EOF) || line == "" {
		return "", misuse("there is no password on standard input")
	}
	return line, nil
}

// typed reads a line from the terminal without showing it. An interrupt leaves
// the terminal as it was.
func (c *cli) typed(ctx context.Context) (string, error) {
	fd := int(c.in.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", err
	}
	type line struct {
		text []byte
		err  error
	}
	lines := make(chan line, 1)
	go func() { // ends with the line, or with the process
		text, err := term.ReadPassword(fd)
		lines <- line{text, err}
	}()
	select {
	case l := <-lines:
		c.say("")
		return string(l.text), l.err
	case <-ctx.Done():
		c.say("")
		return "", errors.Join(ctx.Err(), term.Restore(fd, before))
	}
}

func (c *cli) logoutVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use: "logout", Short: "Revoke the token and forget it", Args: takes(0, 0, ""),
		Example: "  cyan logout\n  cyan logout --profile work",
		RunE: func(cmd *cobra.Command, _ []string) error {
			path, err := profilePath(c.target.profile)
			if err != nil {
				return err
			}
			p, err := readProfile(path)
			if err != nil {
				return err
			}
			if p.Token == "" {
				c.say("nobody was logged in")
				return nil
			}
			revoked := clientOf(p.API, p.Token).Logout(cmd.Context())
			if err := os.Remove(path); err != nil {
				return err
			}
			// A token that is no longer good needs no revoking.
			if revoked != nil && diagnose(revoked).code != exitUnauthenticated {
				return advise(revoked, "the token is forgotten here, and good there until it expires")
			}
			return c.show(map[string]any{"ok": true, "api": p.API, "username": p.Username}, "logged out at %s", p.API)
		},
	}
	c.targetFlags(cmd)
	return cmd
}

func (c *cli) whoamiVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use: "whoami", Short: "Who the token belongs to", Args: takes(0, 0, ""),
		Example: "  cyan whoami",
		RunE: func(cmd *cobra.Command, _ []string) error {
			remote, err := c.remote()
			if err != nil {
				return err
			}
			user, err := remote.User(cmd.Context())
			if err != nil {
				return err
			}
			return c.show(user, "%s", user.Username)
		},
	}
	c.targetFlags(cmd)
	return cmd
}

// registrar registers virtual devices with a cloud; nil: nobody asked for it.
type registrar struct{ remote *client.Client }

// registrar finds out who registers the devices of a run: the user that was
// named, the token that was given or stored, or the demonstration's.
func (c *cli) registrar(ctx context.Context, f *simFlags) (registrar, error) {
	if !f.provision {
		return registrar{}, nil
	}
	api, token, err := c.aim()
	if err != nil {
		return registrar{}, err
	}
	if f.user != "" {
		password, err := c.password(ctx, f.user, api, false)
		if err != nil {
			return registrar{}, err
		}
		given, err := clientOf(api, "").Login(ctx, f.user, password)
		if err != nil {
			return registrar{}, err
		}
		token = given.AccessToken
	}
	if token == "" {
		demo, err := readProfile(demoProfile(f.data))
		if err != nil {
			return registrar{}, err
		}
		if demo.API == api {
			token = demo.Token
		}
	}
	if token == "" {
		return registrar{}, fail(exitUnauthenticated, "nobody is logged in at "+api+" to register the device",
			"cyan login, or --token TOKEN, or --provision=false for a device that is registered")
	}
	return registrar{clientOf(api, token)}, nil
}

func (r registrar) provision(ctx context.Context, who identity) error {
	if r.remote == nil {
		return nil
	}
	_, err := r.remote.Provision(ctx, who.id.String(), who.public)
	return err
}
