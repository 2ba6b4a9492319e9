package handover

import (
	"errors"
	"sync"
)

// Crews has every lane take up its connections at the same time as the
// others. The zero value is ready.
type Crews struct {
	work []chan func() error // a goroutine for each; nil: there are none
	all  sync.WaitGroup

	mu  sync.Mutex
	err error // guarded by mu; the first
}

// adoptQueue is how many connections may wait for a lane.
const adoptQueue = 256

// Do has fn done for one of so many lanes.
func (a *Crews) Do(lane, lanes int, fn func() error) {
	for len(a.work) < lanes {
		work := make(chan func() error, adoptQueue)
		a.work = append(a.work, work)
		a.all.Go(func() { // until End
			for fn := range work {
				if err := fn(); err != nil {
					a.mu.Lock()
					a.err = errors.Join(a.err, err)
					a.mu.Unlock()
				}
			}
		})
	}
	a.work[lane] <- fn
}

// End waits until all is done, and tells what went wrong.
func (a *Crews) End() error {
	for _, work := range a.work {
		close(work)
	}
	a.work = nil
	a.all.Wait()
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.err
}
