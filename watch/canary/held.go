package canary

import (
	"context"

	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/watch/signal"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// held is a device that is connected and stays so, and is called. The device is
// a [Holder]'s; what is asked is asked of the API.
func (t *trial) held(ctx context.Context) {
	t.result.Transport = t.cfg.Way.Transport.String()
	t.walk(ctx,
		step{signal.StepAsk, t.answers},
		step{signal.StepOnline, t.stillOnline},
		step{signal.StepCall, t.call},
	)
}

// stillOnline asks once: a device that is to stay connected has no time to come
// back.
func (t *trial) stillOnline(ctx context.Context) error {
	d, err := t.api.Device(ctx, t.cfg.Device.ID.String())
	if err == nil && !d.Online {
		err = &failure{rest.CodeNotConnected, "a device that was to stay connected is " + d.State + ": " + string(d.Reason)}
	}
	return err
}

// Holder keeps a device connected.
type Holder struct{ pet *pet }

// Hold switches a device on; it comes back by itself whenever it loses the
// cloud, as devices do.
func Hold(ctx context.Context, cfg Config) (*Holder, error) {
	cfg = cfg.withDefaults()
	p, err := cfg.switchOn(ctx, cfg.Way.Address, "held", "")
	if err != nil {
		return nil, err
	}
	return &Holder{p}, nil
}

// Release switches the device off.
func (h *Holder) Release(ctx context.Context) { h.pet.leave(ctx) }

// resume is a device that loses its power while it is connected, and goes on
// with its stored session: no handshake, no Hello. Only UDP has that.
func (t *trial) resume(ctx context.Context) {
	t.result.Transport = t.cfg.Way.Transport.String()
	memory, err := t.temporary("memory")
	if err != nil {
		t.fail("", err)
		return
	}
	var address string
	if !t.arrive(ctx, &address, memory) {
		return
	}
	t.pet.cut()
	t.pet = nil
	p, err := t.cfg.switchOn(ctx, address, t.nonce, memory)
	if err != nil {
		t.fail("", err)
		return
	}
	t.pet = p
	_ = p.await(ctx, sim.Opening)
	t.walk(ctx,
		step{signal.StepResume, func(ctx context.Context) error {
			if err := p.await(ctx, sim.Connected); err != nil {
				return err
			}
			if p.shookHands() {
				return &failure{"session_lost", "the device had to shake hands again: its session was not known any more"}
			}
			return nil
		}},
		step{signal.StepAsk, t.answers},
		step{signal.StepCall, t.call},
	)
}
