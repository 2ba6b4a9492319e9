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

func (c *cli) loginVerb() *cobra.Command {
	var username string
	var fromStdin bool
	cmd := &cobra.Command{
		Use: "login", Short: "Get a token and keep it", Args: takes(0, 0, ""),
		Long: `Asks for the password and keeps the token that the cloud gives for it, in a file
of your configuration folder that only you can read. Several logins live side by
side under different names of --profile.`,
		Example: `  cyan login
  cyan login --api https://cloud.example.com --username ada@example.com
  cyan login --password-stdin < password.txt`,
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
			password, err := c.password(cmd.Context(), username, api, fromStdin)
			if err != nil {
				return err
			}
			token, err := clientOf(api, "").Login(cmd.Context(), username, password)
			if err != nil {
				return err
			}
			p := profile{API: api, Username: username, Token: token.AccessToken}
			if token.ExpiresIn > 0 {
				p.Expires = time.Now().Add(time.Duration(token.ExpiresIn) * time.Second).UTC().Truncate(time.Second)
			}
			if err := p.save(path); err != nil {
				return err
			}
			return c.greet(p, path)
		},
	}
	cmd.Flags().StringVar(&username, "username", "admin@localhost", "`name` of the user")
	cmd.Flags().BoolVar(&fromStdin, "password-stdin", false, "read the password from standard input")
	c.targetFlags(cmd)
	return cmd
}

// greet says who is logged in, and for how long.
func (c *cli) greet(p profile, path string) error {
	if c.json {
		return c.emit(map[string]any{"api": p.API, "username": p.Username, "expires_at": rest.At(p.Expires), "profile": c.target.profile})
	}
	until := ""
	if !p.Expires.IsZero() {
		until = " until " + c.stamp(p.Expires)
	}
	c.print("logged in at %s as %s%s", p.API, p.Username, until)
	c.say("the token is in %s", path)
	return nil
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
		return "", misuse("there is no terminal to ask for the password on", "cyan login --password-stdin reads it from standard input")
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
			c.print("logged out at %s", p.API)
			return nil
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
			if c.json {
				return c.emit(user)
			}
			c.print("%s", user.Username)
			return nil
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
