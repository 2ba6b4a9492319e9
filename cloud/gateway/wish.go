package gateway

import (
	"context"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
)

// askOwner asks the store how far a device's owner lets us go when its
// application does not answer. It is a matter of minutes and of few devices, so
// each has a goroutine of its own, which ends with the look into the store. The
// lane bounds how many there are.
func (g *Gateway) askOwner(r *runner, conn uint64, id device.ID) {
	g.running.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), lookupTime)
		defer cancel()
		d, err := g.cfg.Keys.Device(ctx, id)
		r.tell(lane.In{Kind: lane.OwnerAllows, Conn: conn, Device: id, Restart: d.Restart, Err: err})
	})
}
