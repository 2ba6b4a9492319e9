package store

import (
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
)

// Tokens and devices that were read are known for a while, because every
// request begins with them. What this process changes is forgotten before the
// change is reported, so that a token that was revoked opens nothing more.
const (
	// maxKnown is how many of each are known. When one more is read any other
	// is forgotten.
	maxKnown = 8192
	// knownFor is how long they are believed without another look: the longest
	// that what another process has changed can go unnoticed, if nobody says so
	// (see Forget).
	knownFor = 5 * time.Second
	// knownWithout is how long they are believed while the database cannot be
	// read: devices that are connected can be called for as long.
	knownWithout = 5 * time.Minute
)

// known is what was read lately of one kind.
type known[K comparable, V any] struct {
	mu      sync.Mutex
	all     map[K]remembered[V] // guarded by mu; at most maxKnown
	changes uint64              // guarded by mu: how often something was forgotten
}

// remembered is a value and when it was read.
type remembered[V any] struct {
	value V
	at    time.Time
}

// get gives what is believed without another look.
func (k *known[K, V]) get(key K, now time.Time) (v V, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	r, ok := k.all[key]
	if !ok || now.Sub(r.at) >= knownFor {
		return v, false
	}
	return r.value, true
}

// look reads the value and keeps it. If the database cannot be read, what was
// known has to do.
func (k *known[K, V]) look(key K, now time.Time, read func() (V, error)) (V, error) {
	k.mu.Lock()
	since := k.changes
	k.mu.Unlock()
	v, err := read()
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case err == nil:
		if k.changes == since { // or it may be what was before the change
			k.keep(key, remembered[V]{v, now})
		}
	case fault.KindOf(err) == fault.Unavailable:
		if r, ok := k.all[key]; ok && now.Sub(r.at) < knownWithout {
			return r.value, nil
		}
	default:
		delete(k.all, key)
	}
	return v, err
}

// keep makes room and remembers. Caller holds mu.
func (k *known[K, V]) keep(key K, r remembered[V]) {
	if _, ok := k.all[key]; !ok && len(k.all) >= maxKnown {
		for other := range k.all {
			delete(k.all, other)
			break
		}
	}
	if k.all == nil {
		k.all = make(map[K]remembered[V])
	}
	k.all[key] = r
}

// forget forgets some, and what is being read at this moment.
func (k *known[K, V]) forget(keys ...K) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.changes++
	for _, key := range keys {
		delete(k.all, key)
	}
}

// forgetAll forgets all, and what is being read at this moment.
func (k *known[K, V]) forgetAll() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.changes++
	k.all = nil
}

// nickname is what an owner calls a device, as names are compared.
type nickname struct {
	owner account.ID
	name  string
}

// memory is all that a store knows without looking.
type memory struct {
	tokens  known[account.TokenHash, account.Token]
	devices known[device.ID, device.Device]
	names   known[nickname, device.ID] // a hint: the device has its name
}

// Forget forgets what was read of tokens and devices, because somebody else
// has changed the database.
func (s *Store) Forget() {
	s.memory.tokens.forgetAll()
	s.memory.devices.forgetAll()
	s.memory.names.forgetAll()
}
