package app

import (
	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/bus"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/store"
)

// hearsay has the store forget the tokens and devices that it has read when
// any node says that they have changed, or when this one may not have heard.
type hearsay struct{ store *store.Store }

// Deaf implements bus.Watcher.
func (h hearsay) Deaf() { h.store.Forget() }

// Missed implements bus.Watcher: events change nothing that is stored.
func (hearsay) Missed() {}

// Revoked implements bus.Watcher.
func (h hearsay) Revoked(bus.Revocation) { h.store.Forget() }

// OwnerChanged implements bus.Watcher.
func (h hearsay) OwnerChanged(device.ID, account.ID) { h.store.Forget() }
