package api

import (
	"context"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/api/people"
	"github.com/cyan-cloud/cyan/cloud/api/stream"
	"github.com/cyan-cloud/cyan/cloud/bus"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// watcher ends streams for what the bus says: on every node, within the time
// that a message takes.
type watcher struct{ hub *stream.Hub }

func (w *watcher) Deaf() { w.hub.EndAll(rest.EndBus) }

func (w *watcher) Missed() { w.hub.EndLost() }

func (w *watcher) OwnerChanged(id device.ID, owner account.ID) { w.hub.EndDevice(id, owner) }

func (w *watcher) Revoked(r bus.Revocation) {
	switch {
	case r.User == "":
		w.hub.EndToken(r.Token)
	case r.Deleted:
		w.hub.EndUser(r.User, rest.EndUserDeleted)
	default:
		w.hub.EndUser(r.User, rest.EndTokenRevoked)
	}
}

// endingTokens are tokens whose end is told to every node, whoever ends them.
// A node that cannot be told is deaf, and has no streams.
type endingTokens struct {
	Tokens
	feed Feed
}

func (t endingTokens) RevokeToken(ctx context.Context, hash account.TokenHash) error {
	err := t.Tokens.RevokeToken(ctx, hash)
	if err == nil {
		_ = t.feed.Revoke(bus.Revocation{Token: hash})
	}
	return err
}

func (t endingTokens) RevokeTokens(ctx context.Context, user account.ID) error {
	err := t.Tokens.RevokeTokens(ctx, user)
	if err == nil {
		_ = t.feed.Revoke(bus.Revocation{User: user})
	}
	return err
}

// endingAccounts are accounts likewise.
type endingAccounts struct {
	people.Accounts
	feed Feed
}

func (a endingAccounts) SetPassword(ctx context.Context, id account.ID, hash string, endTokens bool) error {
	err := a.Accounts.SetPassword(ctx, id, hash, endTokens)
	if err == nil && endTokens {
		_ = a.feed.Revoke(bus.Revocation{User: id})
	}
	return err
}

func (a endingAccounts) DeleteUser(ctx context.Context, id account.ID) error {
	err := a.Accounts.DeleteUser(ctx, id)
	if err == nil {
		_ = a.feed.Revoke(bus.Revocation{User: id, Deleted: true})
	}
	return err
}
