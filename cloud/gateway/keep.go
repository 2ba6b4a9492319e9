package gateway

import (
	"time"

	"github.com/cyan-cloud/cyan/cloud/gateway/roster"

	"github.com/cyan-cloud/cyan/cloud/session"
)

// keepTime bounds how long a stop waits for the store. Sessions whose exact
// state is not stored by then are cautious in their next life, and no more.
const keepTime = 5 * time.Second

// keep stores every session as it is at a planned stop.
func (g *Gateway) keep() {
	var list []session.Record
	for _, r := range g.lanes {
		list = append(list, r.lane.LastRecords()...)
	}
	now := g.now()
	late := time.After(keepTime)
	done := make(chan error, len(list))
	waiting, kept := 0, 0
	wait := func() bool {
		select {
		case err := <-done:
			waiting--
			if err == nil {
				kept++
			}
			return true
		case <-late:
			return false
		}
	}
	for i := range list {
		if _, conn := g.table.Where(list[i].Device); !g.table.MayStore(list[i].Device, conn) {
			continue
		}
		for !g.cfg.Records.SaveSession(roster.RowOf(&list[i], now), func(err error) { done <- err }) {
			if waiting == 0 || !wait() {
				return // the store is closed, or too slow
			}
		}
		waiting++
	}
	for waiting > 0 && wait() {
	}
	if len(list) > 0 {
		g.log.Info("stored the sessions as they are", "sessions", len(list), "kept", kept)
	}
}
