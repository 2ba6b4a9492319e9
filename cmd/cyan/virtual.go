package main

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/sim/live"
)

// nursery is where virtual devices get their ids and keys from, when nobody
// says which: a secret in a file. The same secret gives the same devices, so
// that a second run is the same crowd and not another one.
type nursery struct{ secret []byte }

const secretSize = 32

// openNursery reads the secret, and makes it if there is none.
func openNursery(path string) (nursery, error) {
	secret, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = makeSecret(path); err == nil || errors.Is(err, fs.ErrExist) {
			secret, err = os.ReadFile(path) // of whoever was first
		}
	}
	if err == nil && len(secret) != secretSize {
		err = fail(exitFailed, path+" does not hold the secret of virtual devices", "delete it; they will be others then")
	}
	return nursery{secret}, err
}

// makeSecret makes a secret, unless there is one. It is never there by halves:
// others may start at the same moment.
func makeSecret(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	var secret [secretSize]byte
	_, _ = rand.Read(secret[:])            // never fails
	f, err := os.CreateTemp(dir, ".new-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(secret[:])
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Link(f.Name(), path)
	}
	return errors.Join(err, os.Remove(f.Name()))
}

// identity is who a virtual device is.
type identity struct {
	id              sim.ID
	transport       sim.Transport
	private, public []byte
}

// device gives a device by its transport and number.
func (n nursery) device(t sim.Transport, number int) (identity, error) {
	name := fmt.Sprintf("%s %d", t, number)
	who := identity{transport: t}
	copy(who.id[:], n.derive("id "+name))
	var err error
	who.private, who.public, err = sim.GenerateKey(t, mathrand.NewChaCha8([32]byte(n.derive("key "+name))))
	return who, err
}

func (n nursery) derive(what string) []byte {
	h := hmac.New(sha256.New, n.secret)
	h.Write([]byte(what))
	return h.Sum(nil)
}

// printDevice makes a device write what it shows and says to standard output,
// a line each, after its name.
func (c *cli) printDevice(cfg *live.Config, name string, least sim.Level) {
	colours := c.colourful()
	cfg.OnLED = func(now time.Time, led sim.LED) {
		if c.json {
			_ = c.emit(deviceLine{At: now.UTC(), Device: name, Kind: "led", LED: led.String(), Text: led.Meaning()})
			return
		}
		c.print("%s  %s%s %s: %s", c.clock(now), prefixed(name), lamp(led, colours), led, led.Meaning())
	}
	cfg.OnNote = func(now time.Time, level sim.Level, text string) {
		switch {
		case level < least:
		case c.json:
			_ = c.emit(deviceLine{At: now.UTC(), Device: name, Kind: "log", Level: level.String(), Text: text})
		default:
			c.print("%s  %s  %s", c.clock(now), prefixed(name), text)
		}
	}
}

// deviceLine is a line of a virtual device for programs.
type deviceLine struct {
	At     time.Time `json:"at"`
	Device string    `json:"device,omitempty"`
	Kind   string    `json:"kind"` // led or log
	LED    string    `json:"led,omitempty"`
	Level  string    `json:"level,omitempty"`
	Text   string    `json:"text"`
}

func prefixed(name string) string {
	if name == "" {
		return ""
	}
	return padded(name, 8)
}

// lampCodes are the terminal's colours that come nearest to a device's.
var lampCodes = map[sim.Colour]string{
	sim.Green: "32", sim.Cyan: "36", sim.Magenta: "35", sim.Red: "31", sim.Orange: "38;5;208", sim.Yellow: "33",
	sim.White: "37", sim.Rainbow: "36", sim.Dark: "90",
}

// lamp draws the light: filled while it shines.
func lamp(led sim.LED, colours bool) string {
	dot := "●"
	if led.Colour == sim.Dark {
		dot = "○"
	}
	if !colours {
		return dot
	}
	return "\x1b[" + lampCodes[led.Colour] + "m" + dot + "\x1b[0m"
}
