package canary

import (
	"context"
	"reflect"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/internal/pause"
	"github.com/cyan-cloud/cyan/watch/signal"
)

// boardsLook is how often it is asked whether the list of boards has changed.
const boardsLook = 5 * time.Second

// followBoards runs the stories of real boards until ctx is done: those that
// there are, and those that are added; one that was removed, or whose line was
// changed, is not run any more in its old way. A run that has begun ends.
func (r *Runner) followBoards(ctx context.Context) {
	type running struct {
		board Board
		stop  context.CancelFunc
	}
	now := map[string]running{}
	var all sync.WaitGroup
	defer all.Wait()
	for {
		list, err := r.cfg.Boards()
		if err != nil {
			r.cfg.Logger.Error("the list of boards cannot be read, and is kept as it was", "err", err)
		} else {
			named := map[string]bool{}
			for _, b := range list {
				named[b.Device] = true
				if was, ok := now[b.Device]; ok && reflect.DeepEqual(was.board, b) {
					continue
				} else if ok {
					was.stop()
				}
				board, stop := context.WithCancel(ctx)
				now[b.Device] = running{b, stop}
				t := r.boardTask(b)
				all.Go(func() { t.run(board, 0) })
			}
			for name, was := range now {
				if !named[name] {
					was.stop()
					delete(now, name)
				}
			}
		}
		if !pause.For(ctx, boardsLook) {
			for _, was := range now {
				was.stop()
			}
			return
		}
	}
}

// boardTask is the story of a board.
func (r *Runner) boardTask(b Board) *task {
	t := &task{runner: r, story: signal.Physical, base: r.cfg.Canary, every: max(boardEvery, r.cfg.Interval)}
	if b.Every > 0 {
		t.every = b.Every
	}
	t.base.Way, t.base.Board = Way{Name: "board " + b.Device}, b
	t.about = capabilities(signal.Physical, t.base.Way.Transport)
	return t
}
