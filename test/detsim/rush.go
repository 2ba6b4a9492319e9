package detsim

import (
	"time"

	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
)

// patience is how long a handshake on TCP waits for a worker, as in
// cloud/gateway.
const patience = 8 * time.Second

// queue has the RSA of a handshake on TCP done when it is its turn: where the
// plan makes the cloud slow, it begins so many a second, and has no time for who
// would wait too long.
func (n *node) queue(at int, conn uint64, kind lane.OutKind, job lane.Job) {
	w := n.w
	if w.plan.Handshakes == 0 || kind != lane.OpenBlob {
		n.work(at, conn, kind, job)
		return
	}
	wait := max(0, n.busy.Sub(w.now))
	if wait > patience {
		w.after(patience, func() {
			n.hear(func() { n.step(at, lane.In{Kind: lane.Opened, Conn: conn, Err: lane.ErrBusy}) })
		})
		return
	}
	n.busy = w.now.Add(wait + time.Second/time.Duration(w.plan.Handshakes))
	w.after(wait, func() { n.work(at, conn, kind, job) })
}
