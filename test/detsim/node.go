package detsim

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/gateway/admit"
	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
	"github.com/cyan-cloud/cyan/cloud/gateway/roster"
	"github.com/cyan-cloud/cyan/cloud/session"
	database "github.com/cyan-cloud/cyan/cloud/store"
	"github.com/cyan-cloud/cyan/sim/link"
	"github.com/cyan-cloud/cyan/test/detsim/schedule"
	"github.com/cyan-cloud/cyan/wire/dtls"
)

// node is one gateway process: its lanes, and what cloud/gateway has around
// them. All that it asks of others comes back as a message, if it lives then.
type node struct {
	w      *World
	name   string
	lanes  []*lane.Lane
	outs   lane.Outs
	alarms []alarm
	table  *roster.Table
	guide  roster.Guide
	skew   time.Duration // of its clock, which no step moves while it runs
	alive  bool
	serves bool // devices and people reach it; an heir they do not, yet
	frozen bool
	began  time.Time
	thawed time.Time // zero: it was never frozen
	inbox  []func()  // what came while it was frozen
	crowd  crowd     // who waits to come in
	door   admit.Door
	shut   bool // the door on TCP
	passes bool // a hand-over is under way: nobody is let in
	minds  bool // the door
	vain   vain
	owners map[device.ID]account.ID // as the process was told last
	told   uint64                   // changes of owners so far

	heir *node             // who is to take over; nil: nobody
	came map[uint64]uint64 // of an heir: its connections, by what they were where they come from

	byStream map[link.Stream]uint64
	streams  map[uint64]*pipe
	last     uint64                             // stream
	held     map[device.ID]map[uint64]time.Time // connections that say that they have the device, and since when
}

// pipe is a connection on TCP.
type pipe struct {
	socket link.Stream
	from   netip.AddrPort
	lane   int
	until  time.Time     // nothing is read before
	unread []link.Packet // meanwhile
}

const (
	streamBit = 1 << 63
	mostInbox = 20000 // datagrams that wait for a process that does not run
)

// now is what the process's clock says: the machine's at its start, and from
// then on what has passed.
func (n *node) now() time.Time { return n.w.now.Add(n.skew) }

// boot starts a process. It takes up what is stored; where that cannot be read
// it ends again, and somebody starts it anew.
func (w *World) boot() {
	if w.active != nil || w.passing {
		return
	}
	list, err := w.store.adopt(w.now.Add(w.clock))
	if err != nil {
		w.say("the cloud cannot start: %v", err)
		w.after(2*time.Second, w.boot)
		return
	}
	n := w.process(w.clock)
	w.say("%s starts with %d sessions, its clock is %v wrong", n.name, len(list), n.skew)
	n.restore(list)
	w.begin(n)
}

// process makes a process without devices.
func (w *World) process(skew time.Duration) *node {
	w.stats.Starts++
	n := &node{
		w: w, name: fmt.Sprintf("cloud-%d", w.stats.Starts), skew: skew, alive: true, serves: true, began: w.now,
		table: roster.New(), crowd: newCrowd(w.plan), owners: map[device.ID]account.ID{}, byStream: map[link.Stream]uint64{},
		streams: map[uint64]*pipe{}, held: map[device.ID]map[uint64]time.Time{},
	}
	n.guide = roster.Guide{Lanes: w.plan.Lanes, Table: n.table, Index: roster.NewIndex(), Hash: addressHash}
	for i := range w.plan.Lanes {
		n.lanes = append(n.lanes, lane.New(lane.Config{
			Node: n.name, Index: i, DTLS: &dtls.ServerConfig{Key: w.keys.ServerEC}, RSA: w.keys.ServerRSA,
			Random: func(b []byte) { _, _ = w.secret.Read(b) }, KeepEvents: w.plan.History && w.plan.Without != schedule.Acknowledgement, RefuseAtOnce: w.plan.Without == schedule.Hold,
			TrustOnFirstUse: w.plan.Trust,
		}))
	}
	n.alarms = make([]alarm, len(n.lanes))
	w.nodes = append(w.nodes, n)
	return n
}

// restore takes up the sessions of an earlier process, and asks every device
// for a sign of life.
func (n *node) restore(list []database.SessionRow) {
	for i := range list {
		at, in := roster.TakeUp(&list[i], len(n.lanes), n.w.secret.Uint64(), n.now())
		if n.w.plan.Without == schedule.Caution {
			in.Row.How.Exact = true
		}
		n.step(at, in)
		if n.w.plan.Without == schedule.Resumption {
			n.step(at, lane.In{Kind: lane.CloseDevice, Device: list[i].Device, Reason: device.ServerShutdown})
		}
	}
	if n.w.plan.Without == schedule.Sweep {
		return
	}
	for i := range list {
		id := list[i].Device
		n.w.after(time.Duration(i)*200*time.Microsecond, func() {
			n.hear(func() {
				if at, conn := n.table.Where(id); conn != 0 {
					n.step(at, lane.In{Kind: lane.ProbeDevice, Device: id})
				}
			})
		})
	}
}

// hear gives the process a message: at once, when it thaws, or never.
func (n *node) hear(do func()) {
	switch {
	case !n.alive:
	case n.frozen && len(n.inbox) < mostInbox:
		n.inbox = append(n.inbox, do)
	case !n.frozen:
		do()
	}
}

// freeze stops the process for a while, as SIGSTOP does. What comes waits.
func (n *node) freeze(d time.Duration) {
	w := n.w
	n.frozen = true
	w.say("%s is frozen for %v", n.name, d)
	w.after(d, func() {
		if !n.alive {
			return
		}
		w.say("%s thaws", n.name)
		n.frozen, n.thawed = false, w.now
		n.drain()
	})
}

// kill ends the process without warning. With its machine its streams vanish;
// otherwise the machine closes them.
func (n *node) kill(machine bool) {
	if !n.alive {
		return
	}
	w := n.w
	w.say("%s is killed", n.name)
	n.alive, n.inbox = false, nil
	if n.heir != nil {
		n.heir.kill(false)
	}
	if w.active == n {
		w.active = nil
	}
	if n.frozen {
		w.passing, w.unread = false, nil // it is what stood still
	}
	w.store.lose(n)
	w.bus.lose(n)
	for id := uint64(1); id <= n.last; id++ {
		for at := range w.plan.Lanes {
			p := n.streams[streamBit|id<<8|uint64(at)]
			switch {
			case p == nil || w.active != nil && w.active.byStream[p.socket] != 0:
			case machine:
				w.net.Vanish(p.socket, doorTCP)
			default:
				w.net.Close(w.now, p.socket, doorTCP)
			}
		}
	}
	n.streams, n.byStream = nil, nil
}

// stop ends the process as planned: it stores every session as it is.
func (n *node) stop() {
	if !n.alive {
		return
	}
	w := n.w
	w.say("%s stops", n.name)
	var last []session.Record
	for _, l := range n.lanes {
		last = append(last, l.LastRecords()...)
	}
	w.active, n.lanes, n.inbox, n.frozen = nil, nil, nil, false // it takes nothing any more
	waiting := 1
	done := func(error) {
		if waiting--; waiting == 0 {
			n.kill(false)
		}
	}
	for _, r := range last {
		if _, conn := n.table.Where(r.Device); n.table.MayStore(r.Device, conn) {
			waiting++
			w.store.put(change{by: n, row: roster.RowOf(&r, n.now()), done: done})
		}
	}
	w.after(5*time.Second, func() { n.kill(false) })
	done(nil)
}

// step lets something happen to a lane and does what it wants done.
func (n *node) step(at int, in lane.In) {
	if at >= len(n.lanes) {
		return // it is stopping
	}
	w := n.w
	w.stats.Steps++
	n.lanes[at].Step(n.now(), &in, &n.outs)
	outs := n.outs
	n.outs = lane.Outs{}
	n.perform(at, &outs)
	outs.Reset()
	n.outs = outs
	n.wake(at)
}

// perform does what a lane wants done.
func (n *node) perform(at int, outs *lane.Outs) {
	for i := range outs.List {
		n.do(at, &outs.List[i])
	}
	for i := range outs.Datagrams {
		n.send(&outs.Datagrams[i])
	}
}

// wake sees to it that a lane gets its turn in time.
func (n *node) wake(at int) {
	if at >= len(n.lanes) || !n.serves {
		return
	}
	if d := n.lanes[at].Deadline(); !d.IsZero() {
		n.alarms[at].set(n.w, d.Add(-n.skew), func() {
			n.hear(func() { n.step(at, lane.In{Kind: lane.Tick}) })
		})
	}
}

// datagram brings what came to the lane that it is for.
func (n *node) datagram(p link.Packet) {
	n.hear(func() {
		at, knock := n.guide.Route(p.Data, p.From)
		in := lane.In{Kind: lane.Datagram, Data: p.Data, From: p.From, Local: doorUDP.Addr()}
		if !n.waits(at, knock, &in) {
			n.listen(at, in)
		}
	})
}

// listen has a lane take a datagram.
func (n *node) listen(at int, in lane.In) {
	n.w.tap.reached(in.From.Addr(), in.Data)
	n.step(at, in)
}

// addressHash is the same in every process, unlike the gateway's.
func addressHash(from netip.AddrPort) uint64 {
	a := from.Addr().As4()
	return uint64(a[2])*7 + uint64(a[3])*13 + uint64(from.Port())
}

// accept takes in a connection.
func (n *node) accept(p link.Packet) {
	n.last++
	at := n.guide.LaneOf(p.From)
	conn := streamBit | n.last<<8 | uint64(at)
	n.byStream[p.Stream] = conn
	n.streams[conn] = &pipe{socket: p.Stream, from: p.From, lane: at}
	n.hear(func() { n.step(at, lane.In{Kind: lane.StreamOpened, Conn: conn, From: p.From}) })
}

// stream takes what came on a connection.
func (n *node) stream(conn uint64, p link.Packet) {
	n.hear(func() {
		c := n.streams[conn]
		if c == nil {
			return
		}
		if c.until.After(n.w.now) {
			c.unread = append(c.unread, p)
			return
		}
		n.read(conn, c, p)
	})
}

func (n *node) read(conn uint64, c *pipe, p link.Packet) {
	if p.Kind != link.Close {
		for _, t := range n.w.behind[p.From.Addr()] {
			t.reached = n.w.now
		}
		n.step(c.lane, lane.In{Kind: lane.StreamData, Conn: conn, Data: p.Data})
		return
	}
	n.hangUp(conn)
	n.step(c.lane, lane.In{Kind: lane.StreamClosed, Conn: conn})
}

// hold reads no more of a connection for a while.
func (n *node) hold(conn uint64, wait time.Duration) {
	c := n.streams[conn]
	if c == nil {
		return
	}
	c.until = n.w.now.Add(wait)
	n.w.at(c.until, func() {
		n.hear(func() {
			for n.streams[conn] == c && len(c.unread) > 0 {
				p := c.unread[0]
				c.unread = c.unread[1:]
				n.read(conn, c, p)
			}
		})
	})
}

// hangUp ends a connection.
func (n *node) hangUp(conn uint64) {
	if c := n.streams[conn]; c != nil {
		n.w.net.Close(n.w.now, c.socket, doorTCP)
		delete(n.streams, conn)
		delete(n.byStream, c.socket)
	}
}

// send puts a datagram on the network, past the tap.
func (n *node) send(d *lane.Send) {
	if n.w.tap.cloudSent(n, d) {
		n.w.net.Send(n.w.now, doorUDP, d.To, d.Data)
	}
}
