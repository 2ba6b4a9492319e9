package canary

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/watch/signal"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// Board is a real device that is a canary.
type Board struct {
	Device string `json:"device" yaml:"device"` // id or name
	// Function is called with Argument; it has to give Result. Empty: the board
	// is pinged.
	Function string `json:"function,omitempty" yaml:"function,omitempty"`
	Argument string `json:"argument,omitempty" yaml:"argument,omitempty"`
	Result   int32  `json:"result,omitempty" yaml:"result,omitempty"`
	// Every is how often it is called. Zero: once a minute.
	Every time.Duration `json:"every,omitempty" yaml:"every,omitempty"`
	// RestartEvery is how often it is restarted. Zero: never.
	RestartEvery time.Duration `json:"restart_every,omitempty" yaml:"restart-every,omitempty"`
	// It is restarted by the first of these that is there: Hook, a command with
	// its arguments that cuts its power or presses its button, and comes from a
	// file on this machine and from nowhere else; RestartFunction, a function of
	// the board; and else by the cloud, which tells it to reset, where its owner
	// has allowed that.
	RestartFunction string   `json:"restart_function,omitempty" yaml:"restart-function,omitempty"`
	Hook            []string `json:"hook,omitempty" yaml:"hook,omitempty,flow"`
	// Back is how long it may take to come back. Zero: 60 s.
	Back time.Duration `json:"back,omitempty" yaml:"back,omitempty"`

	// Restart tells that this run restarts the board.
	Restart bool `json:"-" yaml:"-"`
}

// back is how long a board takes to boot and to find its network.
const back = time.Minute

// patience is how long a run with a board may take.
func (b *Board) patience() time.Duration {
	switch {
	case !b.Restart:
		return deadline
	case b.Back > 0:
		return b.Back
	}
	return back
}

// physical is a board on a desk: it is there, and does what it is told; from
// time to time it has to come back from nothing.
func (t *trial) physical(ctx context.Context) {
	b := &t.cfg.Board
	var before rest.Device
	var tries map[string]bool // to connect, before the restart
	steps := []step{
		{signal.StepAsk, func(ctx context.Context) (err error) {
			before, err = t.api.Device(ctx, b.Device)
			t.result.Transport = string(before.Transport)
			return err
		}},
		{signal.StepOnline, func(context.Context) error {
			if !before.Online {
				return &failure{rest.CodeNotConnected, "the board is " + before.State + ": " + string(before.Reason)}
			}
			return nil
		}},
	}
	if b.Restart {
		steps = append(steps,
			step{signal.StepRestart, func(ctx context.Context) (err error) {
				if tries, err = t.tries(ctx); err == nil {
					err = t.restart(ctx)
				}
				return err
			}},
			step{signal.StepBack, func(ctx context.Context) error { return t.isBack(ctx, &before, tries) }},
		)
	}
	t.walk(ctx, append(steps, step{signal.StepCall, t.useBoard})...)
}

// restart makes the board start anew.
func (t *trial) restart(ctx context.Context) error {
	b := &t.cfg.Board
	if len(b.Hook) > 0 {
		said, err := exec.CommandContext(ctx, b.Hook[0], b.Hook[1:]...).CombinedOutput() //nolint:gosec // from the local file only
		if err != nil {
			return &failure{ReasonCanary, fmt.Sprintf("%s: %v: %.200s", b.Hook[0], err, strings.TrimSpace(string(said)))}
		}
		return nil
	}
	if b.RestartFunction != "" {
		_, err := t.api.Call(ctx, b.Device, b.RestartFunction, "")
		return err
	}
	_, err := t.api.Restart(ctx, b.Device)
	return err
}

// triesBefore is how far back tries are looked at: further than the clocks of
// cloud and watchtower are apart.
const triesBefore = 10 * time.Minute

// tries gives the board's tries to connect that came through, by their ids.
func (t *trial) tries(ctx context.Context) (map[string]bool, error) {
	list, err := t.api.Attempts(ctx, t.cfg.Board.Device, t.result.Started.Add(-triesBefore))
	if err != nil {
		return nil, err
	}
	ids := map[string]bool{}
	for i := range list.Attempts {
		if a := &list.Attempts[i]; a.Outcome == "succeeded" {
			ids[a.ID] = true
		}
	}
	return ids, nil
}

// isBack waits until the board has connected again: anew, or within the session
// that it had, which changes nothing but that there is another try on record.
func (t *trial) isBack(ctx context.Context, before *rest.Device, tries map[string]bool) error {
	var last rest.Device
	err := until(ctx, func() (bool, error) {
		d, err := t.api.Device(ctx, t.cfg.Board.Device)
		if err != nil {
			return false, err
		}
		last = d
		if !d.Online {
			return false, nil
		}
		if d.StateSince.Time.After(before.StateSince.Time) || d.LastHandshakeAt.Time.After(before.LastHandshakeAt.Time) {
			return true, nil
		}
		now, err := t.tries(ctx)
		for id := range now {
			if !tries[id] {
				return true, err
			}
		}
		return false, err
	})
	if err != nil && ctx.Err() != nil {
		return &failure{ReasonTimeout, fmt.Sprintf("the board was told to restart and is %s since %s", last.State, last.StateSince.Time.UTC().Format(time.RFC3339))}
	}
	return err
}

func (t *trial) useBoard(ctx context.Context) error {
	b := &t.cfg.Board
	if b.Function == "" {
		p, err := t.api.Ping(ctx, b.Device)
		if err == nil && !p.Online {
			err = &failure{rest.CodeSentNoAck, "the board does not answer a ping: " + p.State}
		}
		return err
	}
	got, err := t.api.Call(ctx, b.Device, b.Function, b.Argument)
	if err == nil && got.ReturnValue != b.Result {
		err = wrong("the board's %s gave %d, and should have given %d", b.Function, got.ReturnValue, b.Result)
	}
	return err
}
