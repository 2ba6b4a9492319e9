package app

import (
	"slices"
	"time"

	"github.com/cyan-cloud/cyan/watch/canary"
	"github.com/cyan-cloud/cyan/watch/drill"
	"github.com/cyan-cloud/cyan/watch/tower"
)

// openDrills follows drills, where there is an ingress that is broken on
// purpose.
func (w *Watch) openDrills(o *WatchOptions, cfg *tower.Config, page string) {
	if !slices.ContainsFunc(cfg.Canaries.Ways, func(way canary.Way) bool { return way.Drill }) {
		return
	}
	w.drills = drill.New(drill.Config{
		API: o.API, Token: cfg.Canaries.Canary.Token, Page: page, Told: w.oncall.Exercised, Show: w.desk.Drilled, Logger: o.Logger,
	})
	cfg.Drill = w.drills
}

// rehearsal tells the room of drills, which is opened after the pagers, what
// became of its pages.
type rehearsal struct{ watch *Watch }

// Accepted implements oncall.Exercise.
func (r rehearsal) Accepted(id, outlet string, at time.Time) {
	if r.watch.drills != nil {
		r.watch.drills.Accepted(id, outlet, at)
	}
}
