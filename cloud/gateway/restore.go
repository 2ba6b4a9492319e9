package gateway

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/gateway/handover"
	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
	"github.com/cyan-cloud/cyan/cloud/gateway/roster"
	"github.com/cyan-cloud/cyan/cloud/store"
)

// restore takes up the sessions of an earlier process and gives their
// devices. Every lane takes up its own while the next are being read; none of
// them runs yet.
func (g *Gateway) restore(ctx context.Context) ([]device.ID, error) {
	var ids []device.ID
	var crews handover.Crews
	now := g.now()
	err := g.cfg.Records.AdoptSessions(ctx, now, func(row store.SessionRow) error { //nolint:contextcheck // what a lane does ends by itself
		var seed [8]byte
		_, _ = rand.Read(seed[:])
		at := roster.LaneOf(row.Device, row.CID, len(g.lanes))
		crews.Do(at, len(g.lanes), func() error {
			_, in := roster.TakeUp(&row, len(g.lanes), binary.BigEndian.Uint64(seed[:]), now)
			r := g.lanes[at]
			r.take(now, &input{In: in})
			r.perform(now)
			return nil
		})
		ids = append(ids, row.Device)
		return nil
	})
	if end := crews.End(); err == nil {
		err = end
	}
	if err != nil {
		return nil, fmt.Errorf("taking up stored sessions: %w", err)
	}
	g.restored = len(ids)
	if len(ids) > 0 {
		g.log.Info("took up stored sessions; every device is being asked for a sign of life", "sessions", len(ids))
	}
	return ids, nil
}

// A sweep asks so many devices at a time, and the next when every lane has done
// that, and what came before, and the time is up: where there is a processor for
// it that is 20,000 a second, and elsewhere what the lanes manage beside their
// work. All answers come to one socket, whose buffer the system may have made no
// larger than for some hundreds.
const (
	sweepAtOnce = 100
	sweepEach   = 5 * time.Millisecond
)

// sweep asks every one of the devices for proof that it lives, at a pace.
func (g *Gateway) sweep(ctx context.Context, ids []device.ID) {
	tick := time.NewTicker(sweepEach)
	defer tick.Stop()
	for len(ids) > 0 {
		n := min(len(ids), sweepAtOnce)
		for _, id := range ids[:n] {
			if at, conn := g.table.Where(id); conn != 0 {
				g.lanes[at].tell(lane.In{Kind: lane.ProbeDevice, Device: id})
			}
		}
		ids = ids[n:]
		if !g.meet(ctx) {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// meet waits until every lane has done all that waits for it now; false: they
// end.
func (g *Gateway) meet(ctx context.Context) bool {
	here := make(chan struct{}, len(g.lanes))
	for _, r := range g.lanes {
		r.mail.put(input{job: func() { here <- struct{}{} }})
	}
	for range g.lanes {
		select {
		case <-here:
		case <-ctx.Done():
			return false
		}
	}
	return true
}
