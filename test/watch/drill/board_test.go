package drill

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/app"
	"github.com/cyan-cloud/cyan/client"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/test/harness"
	"github.com/cyan-cloud/cyan/watch/canary"
	"github.com/cyan-cloud/cyan/watch/signal"
)

// bench is a desk with boards on it, which are virtual devices here, and the
// runs of the canaries that look at them.
type bench struct {
	mu   sync.Mutex
	list []canary.Board
	runs []signal.Result
}

func (b *bench) boards() ([]canary.Board, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]canary.Board(nil), b.list...), nil
}

func (b *bench) put(list ...canary.Board) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.list = list
}

func (b *bench) note(r signal.Result) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r.Story == signal.Physical {
		b.runs = append(b.runs, r)
	}
}

// last gives the last run of a board that has the step; nil: there was none.
func (b *bench) last(device string, step signal.StepName) *signal.Result {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := len(b.runs) - 1; i >= 0; i-- {
		if b.runs[i].Ingress != "board "+device {
			continue
		}
		for _, s := range b.runs[i].Steps {
			if s.Name == step {
				return &b.runs[i]
			}
		}
	}
	return nil
}

// TestBoards: two boards are canaries while the watchtower runs. One is
// restarted by the cloud, as far as its owner allows, the other by a command of
// this machine; both come back, and one that is taken off the list is left alone.
func TestBoards(t *testing.T) {
	t.Parallel()
	cloud := harness.Start(t, app.Options{})
	echo := sim.Application{
		Functions: []sim.Function{{Name: "echo", Call: func(_ *sim.App, argument string) int32 { return int32(len(argument)) }}},
	}
	byCloud, byHook := cloud.Provision(sim.Config{Transport: sim.UDP, Application: echo}), cloud.Provision(sim.Config{Transport: sim.TCP, Application: echo})
	first, second := byCloud.ID.String(), byHook.ID.String()
	button := filepath.Join(t.TempDir(), "button")
	stop := make(chan struct{})
	var hands sync.WaitGroup
	cloud.Run(byCloud, harness.Wiring{}) // it does what the event says that tells it to reset
	hands.Go(func() {                    // ends with stop
		board := cloud.Run(byHook, harness.Wiring{})
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				if os.Remove(button) == nil {
					board.Unplug()
					board = cloud.Run(byHook, harness.Wiring{})
				}
			case <-stop:
				return
			}
		}
	})
	t.Cleanup(func() { close(stop); hands.Wait() })
	cloud.Settled(first, 1)
	cloud.Settled(second, 1)

	desk := new(bench)
	runner, err := canary.NewRunner(canary.RunnerConfig{
		Canary: canary.Config{API: cloud.URL(), Token: cloud.Token, Vantage: "test"}, Nursery: t.TempDir(), Boards: desk.boards, Note: desk.note,
	})
	if err != nil {
		t.Fatal(err)
	}
	harness.Running(t, "the canaries", runner.Run)

	restarted := canary.Board{
		Device: first, Every: time.Second, Function: "echo", Argument: "four", Result: 4, RestartEvery: time.Hour, Back: patience,
	}
	mistaken := canary.Board{Device: first, Every: time.Second, Function: "echo", Argument: "four", Result: 5}
	hooked := canary.Board{Device: second, Every: time.Second, RestartEvery: time.Hour, Back: patience, Hook: []string{"touch", button}}

	desk.put(restarted, hooked)
	cloud.Until("the cloud is asked to restart a board whose owner has not allowed it", func() bool {
		r := desk.last(first, signal.StepRestart)
		return r != nil && !r.OK && r.Reason == "restart_forbidden"
	})
	cloud.Until("a board comes back that a command has restarted", func() bool {
		r := desk.last(second, signal.StepBack)
		return r != nil && r.OK
	})
	api := client.New(client.Config{URL: cloud.URL(), Token: cloud.Token})
	if _, err := api.AllowRestart(t.Context(), first, "reboot"); err != nil {
		t.Fatal(err)
	}
	cloud.Until("a board is called and gives what it has to", func() bool {
		r := desk.last(first, signal.StepCall)
		return r != nil && r.OK
	})
	desk.put(mistaken)
	cloud.Until("a board is called and does not give what its new line says", func() bool {
		r := desk.last(first, signal.StepCall)
		return r != nil && !r.OK && r.Reason == canary.ReasonWrong
	})
	desk.put(restarted)
	cloud.Until("a board comes back that the cloud has restarted", func() bool {
		r := desk.last(first, signal.StepBack)
		return r != nil && r.OK
	})
}
