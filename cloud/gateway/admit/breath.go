package admit

import "time"

// The runtime looks at the network when nothing else can run, and otherwise every
// ten milliseconds. A lane that works without ever waiting, because strangers see to
// that, therefore makes a pause of RestTime after WorkTime: what others have to do is
// done then. Where there is nothing, it ends within a millisecond. Who reads a
// socket makes none: what waits there for longer is lost.
const (
	WorkTime = time.Millisecond
	RestTime = 100 * time.Microsecond
)

// Breath is since when a goroutine has worked without a pause. Its zero value
// has not begun.
type Breath struct{ began time.Time }

// Paused notes that the goroutine has waited for something.
func (b *Breath) Paused() { b.began = time.Time{} }

// Due tells whether it is time for a pause.
func (b *Breath) Due(now time.Time) bool {
	if b.began.IsZero() {
		b.began = now
	}
	return now.Sub(b.began) >= WorkTime
}
