package app

import (
	"context"

	"github.com/cyan-cloud/cyan/cloud/muster"
	"github.com/cyan-cloud/cyan/cloud/store"
)

// openRoll begins to hear who comes and leaves.
func (a *App) openRoll() (err error) {
	a.muster, err = muster.New(muster.Config{
		Dir: a.opts.Data, Bus: a.bus, Facts: a.store, Over: a.back, Logger: a.opts.Logger.With("node", a.opts.Node, "component", "muster"),
	})
	return err
}

// callRoll looks for those who were there before. It stops before the gateway
// does, so that those who are disconnected by that are awaited.
func (a *App) callRoll(kind muster.Kind) error {
	a.push("roll of devices", func(context.Context) error { return a.muster.Stop() })
	if a.TookOver() {
		return a.muster.Continue()
	}
	return a.muster.Begin(kind, a.up)
}

// back keeps on record how devices came back after a disconnect.
func (a *App) back(_ context.Context, r muster.Recovery) {
	a.note(store.Annotation{Kind: store.KindBack, Sessions: r.Back.Sum(), Ended: r.GivenUp, Detail: r.String()})
}
