package gateway

import "time"

// The runtime looks at the network when nothing else can run, and otherwise every
// ten milliseconds. A lane that works without ever waiting, because strangers see to
// that, therefore makes a pause after workTime: what others have to do is done
// then. Where there is nothing, it ends within a millisecond. Who reads a socket
// makes none: what waits there for longer is lost.
const (
	workTime = time.Millisecond
	restTime = 100 * time.Microsecond
)

// breath is since when a goroutine has worked without a pause. Its zero value
// has not begun.
type breath struct{ began time.Time }

// paused notes that the goroutine has waited for something.
func (b *breath) paused() { b.began = time.Time{} }

// due tells whether it is time for a pause.
func (b *breath) due(now time.Time) bool {
	if b.began.IsZero() {
		b.began = now
	}
	return now.Sub(b.began) >= workTime
}

// take makes the pause.
func (b *breath) take() {
	time.Sleep(restTime)
	b.paused()
}
