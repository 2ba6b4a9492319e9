package drill

import (
	"crypto/rand"
	"encoding/hex"
	"slices"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/cloud/fault"
)

// NewConnections is the one kind of drill that there is: those who come anew
// get no answer.
const NewConnections = "new-connections"

// Bounds of a drill's length.
const (
	Standard = 3 * time.Minute // where nobody says
	Least    = 10 * time.Second
	Most     = 15 * time.Minute
)

const kept = 20 // drills that are remembered

// Drill is an exercise.
type Drill struct {
	ID     string
	Kind   string
	Author string
	Began  time.Time
	Until  time.Time // when it ends by itself
	Ended  time.Time // zero: it goes on
}

// Book holds the drill that goes on and those before it. It is safe for
// concurrent use.
type Book struct {
	told func(Drill) // set at NewBook

	mu    sync.Mutex // guards what follows
	list  []Drill    // newest first
	timer *time.Timer
	over  chan struct{} // closed when the drill that goes on ends; nil: none does
}

// NewBook makes one. told hears of each beginning and each end; it must return
// soon.
func NewBook(told func(Drill)) *Book { return &Book{told: told} }

// Begin begins a drill that ends after d at the latest. Conflict when one goes
// on already: two faults at once would teach nobody which was noticed.
func (b *Book) Begin(kind, author string, d time.Duration, now time.Time) (Drill, error) {
	switch {
	case kind != NewConnections:
		return Drill{}, fault.Errorf(fault.Invalid, "there is no drill %.40q: the one that there is is %s", kind, NewConnections)
	case d == 0:
		d = Standard
	case d < Least || d > Most:
		return Drill{}, fault.Errorf(fault.Invalid, "a drill lasts from %v to %v", Least, Most)
	}
	var random [6]byte
	_, _ = rand.Read(random[:]) // never fails
	v := Drill{ID: hex.EncodeToString(random[:]), Kind: kind, Author: author, Began: now.UTC(), Until: now.Add(d).UTC()}
	b.mu.Lock()
	if b.over != nil {
		b.mu.Unlock()
		return Drill{}, fault.Errorf(fault.Conflict, "a drill goes on already: %s, until %s at the latest", b.list[0].ID, b.list[0].Until.Format(time.RFC3339))
	}
	b.list = slices.Insert(b.list, 0, v)
	b.list = b.list[:min(kept, len(b.list))]
	b.over = make(chan struct{})
	b.timer = time.AfterFunc(d, func() { _, _ = b.End(v.ID, time.Now()) })
	b.mu.Unlock()
	b.told(v)
	return v, nil
}

// End ends a drill; one that is over stays as it is. NotFound if there was none
// of that id.
func (b *Book) End(id string, now time.Time) (Drill, error) {
	b.mu.Lock()
	at := slices.IndexFunc(b.list, func(d Drill) bool { return d.ID == id })
	if at < 0 {
		b.mu.Unlock()
		return Drill{}, fault.Errorf(fault.NotFound, "this server knows of no drill %.40q", id)
	}
	v := &b.list[at]
	if !v.Ended.IsZero() {
		defer b.mu.Unlock()
		return *v, nil
	}
	v.Ended = now.UTC()
	b.timer.Stop()
	close(b.over)
	b.over = nil
	ended := *v
	b.mu.Unlock()
	b.told(ended)
	return ended, nil
}

// List gives the drills, newest first.
func (b *Book) List() []Drill {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.list)
}

// broken gives what is closed when the drill that goes on ends; nil: none does.
func (b *Book) broken() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.over
}
