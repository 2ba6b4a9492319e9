package harness

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/cyan-cloud/cyan/app"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/sim/live"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// Device is a virtual device and what it shows.
type Device struct {
	*live.Process

	ID     string
	Lights *Notes // what its light has shown, in order
	Notes  *Notes
	cancel context.CancelFunc
	done   chan struct{}
}

// Unplug cuts the device's power and waits until it is off.
func (d *Device) Unplug() {
	d.cancel()
	<-d.done
}

// Provision makes a key for the device, registers it as the person's, and
// gives the device's configuration filled in.
func (p *Person) Provision(cfg sim.Config) sim.Config {
	t := p.cloud.t
	t.Helper()
	cfg = p.cloud.Equip(cfg)
	status, body := p.Do(http.MethodPost, rest.PathProvision(cfg.ID.String()), p.Registration(cfg))
	if status != http.StatusOK {
		t.Fatalf("provisioning: %d %s", status, body)
	}
	return cfg
}

// Registration is the form that registers the device.
func (p *Person) Registration(cfg sim.Config) url.Values {
	p.cloud.t.Helper()
	public, err := publicHalf(cfg)
	if err != nil {
		p.cloud.t.Fatal(err)
	}
	algorithm := "ecc"
	if cfg.Transport == sim.TCP {
		algorithm = "rsa"
	}
	return url.Values{
		"deviceID": {cfg.ID.String()}, "algorithm": {algorithm}, "filename": {"test"},
		"publicKey": {string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}))},
	}
}

// Equip gives a device an identity and keys; nobody has heard of them.
func (c *Cloud) Equip(cfg sim.Config) sim.Config {
	c.t.Helper()
	if cfg.ID == (sim.ID{}) {
		_, _ = rand.Read(cfg.ID[:]) // never fails
	}
	file := app.FilePubEC
	if cfg.Transport == sim.TCP {
		file = app.FilePubRSA
	}
	var err error
	if cfg.Key == nil {
		if cfg.Key, _, err = sim.GenerateKey(cfg.Transport, rand.Reader); err != nil {
			c.t.Fatal(err)
		}
	}
	cfg.ServerKey = c.serverKey(file)
	return cfg
}

// Wiring is how a device is connected to the world. The zero value is a
// straight line to the cloud.
type Wiring struct {
	At     string // host and port; empty: this cloud's
	Memory string // file of its memory; empty: it forgets when it is unplugged
	Dial   func(ctx context.Context, network, address string) (net.Conn, error)
}

// Run switches a device on.
func (c *Cloud) Run(cfg sim.Config, w Wiring) *Device {
	c.t.Helper()
	if w.At == "" {
		w.At = c.at.UDP
		if cfg.Transport == sim.TCP {
			w.At = c.at.TCP
		}
	}
	d := &Device{ID: cfg.ID.String(), Lights: new(Notes), Notes: new(Notes), done: make(chan struct{})}
	p, err := live.New(live.Config{
		Device: cfg, Server: w.At, MemoryFile: w.Memory, Dial: w.Dial,
		OnLED:  func(_ time.Time, led sim.LED) { d.Lights.add(led.String()) },
		OnNote: func(_ time.Time, _ sim.Level, text string) { d.Notes.add(text) },
	})
	if err != nil {
		c.t.Fatal("making a device:", err)
	}
	d.Process = p
	ctx, cancel := context.WithCancel(context.Background())
	d.cancel = cancel
	go func() { // ends with Unplug
		defer close(d.done)
		if err := p.Run(ctx); err != nil {
			d.Notes.add("error: " + err.Error())
		}
	}()
	c.t.Cleanup(d.Unplug)
	return d
}

// Online waits until one of the person's devices is online and has described
// itself. Its subscriptions may still be on their way.
func (p *Person) Online(device string) {
	p.cloud.t.Helper()
	p.cloud.Until("the device is online", func() bool {
		d := p.Device(device)
		return d.Online && d.Functions != nil
	})
}

// Settled waits until a device has come online so many times and its start-up
// was complete each time, which takes some seconds.
func (p *Person) Settled(device string, times int) {
	p.cloud.t.Helper()
	p.cloud.Until("the device's start-up is complete", func() bool {
		n := 0
		for _, a := range p.Attempts(device) {
			if a.Outcome == "succeeded" {
				n++
			}
		}
		return n >= times
	})
}

// publicHalf gives a device's public key as SPKI in DER.
func publicHalf(cfg sim.Config) ([]byte, error) {
	if cfg.Transport == sim.TCP {
		var k *rsa.PrivateKey
		k, err := x509.ParsePKCS1PrivateKey(cfg.Key)
		if err != nil {
			return nil, err
		}
		return x509.MarshalPKIXPublicKey(&k.PublicKey)
	}
	var k *ecdsa.PrivateKey
	k, err := x509.ParseECPrivateKey(cfg.Key)
	if err != nil {
		return nil, err
	}
	return x509.MarshalPKIXPublicKey(&k.PublicKey)
}
