package canary

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"slices"
	"time"

	"github.com/cyan-cloud/cyan/client"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/watch/signal"
)

// Run makes one journey and tells what became of it. It takes no longer than
// the deadline and what a device needs to leave.
func Run(ctx context.Context, cfg Config, story signal.Story) signal.Result {
	cfg = cfg.withDefaults()
	now := time.Now()
	t := &trial{cfg: cfg, api: cfg.client(cfg.Token), nonce: nonce(), result: signal.Result{
		Vantage: cfg.Vantage, Ingress: cfg.Way.Name, Story: story, Started: now.UTC(), Drill: cfg.Way.Drill,
	}}
	if cfg.Way.Name != "" && cfg.Device.ID != (sim.ID{}) {
		t.result.Device = cfg.Device.ID.String()
	}
	t.result.ID = now.UTC().Format("20060102T150405.000000Z") + "-" + t.nonce[:8]
	running, cancel := context.WithTimeout(ctx, cfg.Deadline)
	defer cancel()
	defer t.leave(ctx)
	switch story {
	case signal.ColdStart:
		t.coldStart(running)
	case signal.Held:
		t.held(running)
	case signal.Resume:
		t.resume(running)
	case signal.Login:
		t.login(running)
	case signal.Publish:
		t.publish(running)
	case signal.Address:
		t.address(running)
	case signal.Physical:
		t.physical(running)
	default:
		t.fail("", &failure{ReasonCanary, "there is no story " + string(story)})
	}
	if t.pet != nil {
		t.result.Port = t.pet.port()
	}
	t.result.Ended = time.Now().UTC()
	t.result.OK = t.result.Reason == "" || t.result.Failed == "" && t.result.Reason == ReasonExpires
	return t.result
}

// trial is a run while it lasts. It belongs to one goroutine.
type trial struct {
	cfg    Config
	api    *client.Client
	nonce  string // what is said on this run and on no other
	result signal.Result
	began  time.Time // of the step
	pet    *pet      // the device, if the story has one
	after  []func()  // what ends with the run
}

// step is a part of a story.
type step struct {
	name signal.StepName
	do   func(context.Context) error
}

// walk takes the steps until one fails, and tells whether all went well.
func (t *trial) walk(ctx context.Context, steps ...step) bool {
	for _, s := range steps {
		if t.cfg.OnStep != nil {
			t.cfg.OnStep(s.name)
		}
		t.began = time.Now()
		err := s.do(ctx)
		if err == nil && ctx.Err() != nil {
			err = ctx.Err()
		}
		t.result.Steps = append(t.result.Steps, signal.Step{Name: s.name, Took: time.Since(t.began), OK: err == nil})
		if err != nil {
			t.fail(s.name, err)
			return false
		}
	}
	return true
}

func (t *trial) fail(at signal.StepName, err error) {
	t.result.Failed = at
	t.result.Reason, t.result.Evidence = explain(at, err, t.cfg.Deadline)
}

// leave takes down what the story has set up.
func (t *trial) leave(ctx context.Context) {
	for _, v := range slices.Backward(t.after) {
		v()
	}
	if t.pet != nil {
		t.pet.leave(ctx)
	}
}

// until asks again and again until it is so.
func until(ctx context.Context, so func() (bool, error)) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		ok, err := so()
		if ok || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func nonce() string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
