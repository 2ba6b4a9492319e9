package canary

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/cyan-cloud/cyan/client"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/watch/signal"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// coldStart is a device that is switched on and knows nothing but its keys and
// a name, and is used by its owner: what a maker does at the bench when he
// wants to know whether the cloud works.
func (t *trial) coldStart(ctx context.Context) {
	var address string
	t.result.Transport = t.cfg.Way.Transport.String()
	if !t.arrive(ctx, &address, "") {
		return
	}
	var events *client.Stream
	t.walk(ctx,
		step{signal.StepAsk, t.answers},
		step{signal.StepOnline, t.online},
		step{signal.StepDescribe, t.described},
		step{signal.StepCall, func(ctx context.Context) error { return t.call(ctx) }},
		step{signal.StepVariable, t.read},
		step{signal.StepStream, func(ctx context.Context) (err error) {
			events, err = t.listen(ctx, eventOut(t.pet.id))
			return err
		}},
		step{signal.StepEventOut, func(context.Context) error {
			t.pet.Tell(sim.Publish{Event: sim.Event{Name: eventOut(t.pet.id), Data: []byte(t.nonce)}})
			return t.hear(events) //nolint:contextcheck // the stream has its own
		}},
		step{signal.StepEventIn, t.eventIn},
		step{signal.StepGoodbye, t.goodbye},
	)
}

// arrive switches the device on and follows it until it is connected.
func (t *trial) arrive(ctx context.Context, address *string, memory string) bool {
	if !t.walk(ctx, step{signal.StepResolve, func(ctx context.Context) (err error) {
		*address, err = resolve(ctx, t.cfg.Way.Address)
		return err
	}}) {
		return false
	}
	p, err := t.cfg.switchOn(ctx, *address, t.nonce, memory)
	if err != nil {
		t.fail("", err)
		return false
	}
	t.pet = p
	// A device looks for its network first, which is not the cloud's matter.
	_ = p.await(ctx, sim.Opening)
	reaches := func(name signal.StepName, phase sim.Phase) step {
		return step{name, func(ctx context.Context) error { return p.await(ctx, phase) }}
	}
	return t.walk(ctx,
		reaches(signal.StepConnect, sim.Handshaking),
		reaches(signal.StepHandshake, sim.Greeting),
		reaches(signal.StepHello, sim.Starting),
		reaches(signal.StepSubscribe, sim.Connected),
	)
}

// resolve gives the first address of a host:port, of the older family if there
// is one, as devices do.
func resolve(ctx context.Context, address string) (string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", &failure{ReasonCanary, err.Error()}
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return address, nil
	}
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip4", host)
	if err != nil || len(found) == 0 {
		if found, err = net.DefaultResolver.LookupNetIP(ctx, "ip", host); err != nil {
			return "", err
		}
	}
	if len(found) == 0 {
		return "", &failure{ReasonUnresolved, host + " has no address"}
	}
	return net.JoinHostPort(found[0].Unmap().String(), port), nil
}

// answers asks whether the API answers at all, and knows the device.
func (t *trial) answers(ctx context.Context) error {
	_, err := t.api.Device(ctx, t.cfg.Device.ID.String())
	return err
}

func (t *trial) online(ctx context.Context) error {
	return t.shows(ctx, "online", func(d *rest.Device) bool { return d.Online })
}

func (t *trial) described(ctx context.Context) error {
	return t.shows(ctx, "with its function", func(d *rest.Device) bool {
		return slices.Contains(d.Functions, function) && d.Variables[variable] != ""
	})
}

// shows waits until the API shows the device so.
func (t *trial) shows(ctx context.Context, how string, is func(*rest.Device) bool) error {
	var last rest.Device
	err := until(ctx, func() (bool, error) {
		d, err := t.api.Device(ctx, t.cfg.Device.ID.String())
		if err == nil {
			last = d
		}
		return err == nil && is(&d), err
	})
	if err != nil && ctx.Err() != nil {
		return &failure{ReasonTimeout, fmt.Sprintf("the API does not show the device %s, but %q with %d functions", how, last.State, len(last.Functions))}
	}
	return err
}

// call calls the function and checks that the right device heard all of it.
func (t *trial) call(ctx context.Context) error {
	got, err := t.api.Call(ctx, t.cfg.Device.ID.String(), function, t.nonce)
	if err != nil {
		return err
	}
	if want := checksum(t.nonce); got.ReturnValue != want {
		return wrong("the function gave %d, and should have given %d", got.ReturnValue, want)
	}
	return nil
}

func (t *trial) read(ctx context.Context) error {
	got, err := t.api.Variable(ctx, t.cfg.Device.ID.String(), variable)
	if err != nil {
		return err
	}
	if got.Result != t.nonce {
		return wrong("the variable is %v, and should be %s", got.Result, t.nonce)
	}
	return nil
}

// listen opens an event stream that ends with the run.
func (t *trial) listen(ctx context.Context, prefix string) (*client.Stream, error) {
	s, err := t.api.Subscribe(ctx, client.Subscription{Prefix: prefix})
	if err == nil {
		t.after = append(t.after, s.Close)
	}
	return s, err
}

// hear waits for the event of this run. Events of runs before are passed over.
func (t *trial) hear(events *client.Stream) error {
	for {
		e, err := events.Next()
		if err != nil {
			return err
		}
		if e.Data != nil && *e.Data == t.nonce {
			return nil
		}
	}
}

func (t *trial) eventIn(ctx context.Context) error {
	err := t.api.Publish(ctx, rest.Publish{Name: eventIn(t.pet.id), Data: &t.nonce})
	for err == nil {
		select {
		case data := <-t.pet.heard:
			if data == t.nonce {
				return nil
			}
		case <-ctx.Done():
			err = &failure{ReasonTimeout, "the API took the event, and the device never heard it"}
		}
	}
	return err
}

// goodbye has the device leave, and the API say so.
func (t *trial) goodbye(ctx context.Context) error {
	t.pet.Tell(sim.Disconnect{Graceful: true})
	if err := t.pet.until(ctx, sim.Away); err != nil {
		return &failure{ReasonTimeout, "nobody acknowledged the device's goodbye"}
	}
	return t.shows(ctx, "offline", func(d *rest.Device) bool { return !d.Online })
}
