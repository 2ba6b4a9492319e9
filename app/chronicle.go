package app

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/cloud/headcount"
	"github.com/cyan-cloud/cyan/cloud/muster"
	"github.com/cyan-cloud/cyan/cloud/store"
	"github.com/cyan-cloud/cyan/internal/build"
)

// began keeps on record that this process has the cloud, since it lets devices
// in: who comes back at once came after the start. A start behind a process that
// did not stop is a crash.
func (a *App) began(ctx context.Context) (muster.Kind, error) {
	now, version := time.Now().UTC(), build.Current().Version
	before, err := a.store.Runs(ctx, fmt.Sprintf("%s pid %d since %s", version, os.Getpid(), now.Format(time.RFC3339)))
	if err != nil || a.predecessor.PID != 0 {
		return muster.Start, err // a hand-over is on record already, by who gave
	}
	n := store.Annotation{
		At: a.up.UTC(), Kind: store.KindStart, Node: a.opts.Node, To: version, Sessions: a.gateway.Restored(), Ended: 0,
		Detail: "sessions on UDP go on; devices on TCP were disconnected when the cloud stopped",
	}
	kind := muster.Start
	if before != "" {
		kind = muster.Crash
		n.Kind, n.Ended = store.KindCrash, store.UnknownCount
		n.From, _, _ = strings.Cut(before, " ")
		n.Detail = "the process before did not stop as it should (" + before + "): devices on TCP have to connect anew"
	}
	return kind, a.store.AddAnnotation(ctx, n)
}

// ends keeps on record that the cloud stops.
func (a *App) ends(ctx context.Context) error {
	udp, tcp := a.gateway.Transports()
	_, err := a.store.Runs(ctx, "")
	if err != nil {
		return err
	}
	return a.store.AddAnnotation(ctx, store.Annotation{
		At: time.Now().UTC(), Kind: store.KindStop, Node: a.opts.Node, From: build.Current().Version, Sessions: udp, Ended: tcp,
		Detail: "sessions on UDP are stored as they are; devices on TCP are disconnected",
	})
}

// passedOn keeps a hand-over on record.
func (a *App) passedOn(ctx context.Context, who string, r Report) {
	err := a.store.AddAnnotation(ctx, store.Annotation{
		At: time.Now().UTC(), Kind: store.KindUpgrade, Node: a.opts.Node, Author: who, From: r.From, To: r.To,
		Sessions: r.Sessions, Ended: r.Disconnects, Freeze: time.Duration(r.FreezeMS * float64(time.Millisecond)),
	})
	if err != nil {
		a.opts.Logger.Error("the upgrade is not on record", "err", err)
	}
}

// note keeps on record what was done to this node.
func (a *App) note(n store.Annotation) {
	n.At, n.Node, n.From = time.Now().UTC(), a.opts.Node, hello().Program
	if err := a.store.AddAnnotation(context.Background(), n); err != nil {
		a.opts.Logger.Error("what was done is not on record", "kind", n.Kind, "err", err)
	}
}

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
	a.push("roll of devices", func(context.Context) error { return a.muster.Stop() }) //nolint:contextcheck // what it writes last is written though ctx has ended
	if a.TookOver() {
		return a.muster.Continue()
	}
	return a.muster.Begin(kind, a.up)
}

// back keeps on record how devices came back after a disconnect.
func (a *App) back(_ context.Context, r muster.Recovery) {
	a.note(store.Annotation{Kind: store.KindBack, Sessions: r.Back.Sum(), Ended: r.GivenUp, Detail: r.String()}) //nolint:contextcheck // it is noted to the end
}

// openHeadcount opens the book of how many devices are connected. It lies beside
// the database, with whose nodes it is shared.
func (a *App) openHeadcount(ctx context.Context) (err error) {
	a.heads, err = headcount.Open(ctx, headcount.Config{
		Path: strings.TrimSuffix(a.opts.Database, ".db") + "-headcount.db", Node: a.opts.Node, Tally: a.gateway.Tally, Idle: a.Passed,
		Logger: a.opts.Logger.With("node", a.opts.Node, "component", "headcount"),
	})
	if err == nil {
		a.push("count of devices", func(context.Context) error { return a.heads.Close() })
	}
	return err
}
