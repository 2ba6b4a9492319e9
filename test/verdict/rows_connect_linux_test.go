package verdict

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cyan-cloud/cyan/app"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/test/fault"
	"github.com/cyan-cloud/cyan/test/harness"
	"github.com/cyan-cloud/cyan/watch/signal"
)

// newcomers lets something become of those who come anew over both transports.
func newcomers(p func() policy) func(*rig) {
	return func(g *rig) {
		g.tcp.set(p())
		g.udp.set(p())
	}
}

func nobodyElse(g *rig) {
	g.tcp.set(nil)
	g.udp.set(nil)
}

func each(f fate) func() policy { return func() policy { return always(f) } }

// doors are what those who come anew need; used what follows once they do not
// come in, or do not get on.
var (
	doors = []signal.Capability{signal.ConnectTCP, signal.ConnectUDP}
	used  = []signal.Capability{signal.Connected, signal.Calls, signal.Variables, signal.Events}
	all   = append(append(append([]signal.Capability(nil), doors...), used...), signal.API)
)

// connectRows are the grey failures of those who connect.
func connectRows() []row {
	return []row{
		{
			number: "1", fault: "new connections fail, old ones live", how: "no answer to anybody who comes anew", must: doors,
			inject: newcomers(each(fate{drop: true})), heal: nobodyElse,
		},
		{
			number: "2", fault: "the same, one gateway of two", how: "every second newcomer gets no answer", must: doors, hold: 5 * time.Minute, share: true,
			inject: newcomers(func() policy { return oneOf(2, fate{drop: true}) }), heal: nobodyElse,
		},
		{
			number: "3", fault: "the same, one shard of 16", how: "who comes from a sixteenth of the addresses gets no answer, as from a lane that hangs, for 6 minutes", may: doors, hold: 6 * time.Minute, share: true,
			inject: newcomers(func() policy { return shard(16, fate{drop: true}) }), heal: nobodyElse,
			after: func(g *rig, v *Verdict) {
				v.Quiet = false // it has to be seen, by whichever door
				if s, _ := g.look(); len(s.Incidents) == 0 {
					v.Other = "**not seen** by canaries in that time"
				}
			},
		},
		{
			number: "4", fault: "the same, TCP only", how: "no answer to newcomers over TCP", fast: true, must: doors[:1],
			inject: func(g *rig) { g.tcp.set(always(fate{drop: true})) }, heal: nobodyElse,
		},
		{
			number: "4", fault: "the same, UDP only", how: "no answer to newcomers over UDP", must: doors[1:],
			inject: func(g *rig) { g.udp.set(always(fate{drop: true})) }, heal: nobodyElse,
		},
		{
			number: "5", fault: "the session dies at the first message", how: "the handshake passes, nothing after it", must: doors,
			inject: newcomers(each(fate{mute: true})), heal: nobodyElse,
		},
		{
			number: "6", fault: "handshake slow, 7 s", how: "every newcomer is held up", may: doors,
			inject: newcomers(each(fate{delay: 7 * time.Second})), heal: nobodyElse,
		},
		{
			number: "6", fault: "handshake slow, 15 s", how: "every newcomer is held up", must: doors,
			inject: newcomers(each(fate{delay: 15 * time.Second})), heal: nobodyElse,
		},
		{
			number: "6", fault: "handshake slow, 40 s", how: "every newcomer is held up", must: doors,
			inject: newcomers(each(fate{delay: 40 * time.Second})), heal: nobodyElse,
		},
		{
			number: "7", fault: "no more files to open", how: "RLIMIT_NOFILE 0: whatever is open stays, and nothing can be opened", must: []signal.Capability{signal.ConnectTCP, signal.API}, may: all,
			inject: func(g *rig) { g.files(true) }, heal: func(g *rig) { g.files(false) },
		},
		{number: "7", fault: "accept backlog, conntrack full", skipped: "settings of the whole machine's kernel"},
		{
			number: "8", fault: "a gateway with another key", how: "newcomers over TCP reach a cloud whose keys are others", must: doors[:1],
			inject: func(g *rig) {
				other := harness.StartProcess(g.t, app.Options{})
				g.tcp.set(always(fate{to: other.Options.ListenTCP}))
			},
			heal: nobodyElse,
		},
		{number: "8", fault: "expired certificate", skipped: "a public certificate needs a name that the system trusts; `watch/canary.TestCertificate` has one that is expired, another's, and near its end"},
		{
			number: "9", fault: "sessions lost", how: "killed, its sessions removed, and started again", may: all, must: []signal.Capability{signal.Connected},
			inject: func(g *rig) {
				g.cloud.Kill()
				g.execute("DELETE FROM sessions")
				g.cloud.Again()
			},
		},
	}
}

// connectedRows are those of devices that are connected.
func connectedRows() []row {
	cut, fair := fault.Weather{Cut: true}, fault.Weather{}
	return []row{
		{
			number: "10", fault: "calls time out, sessions are up", how: "every call hangs on its way into the cloud", must: []signal.Capability{signal.Calls},
			inject: func(g *rig) { g.api.Set(hangs("POST", "/canary")) }, heal: func(g *rig) { g.api.Set(nil) },
		},
		{
			number: "11", fault: "one way lost", how: "nothing reaches devices, what they send arrives", must: doors, may: used,
			inject: func(g *rig) {
				g.netTCP.Set(fair, cut)
				g.netUDP.Set(fair, cut)
			},
			heal: func(g *rig) {
				g.netTCP.Set(fair, fair)
				g.netUDP.Set(fair, fair)
			},
		},
		{
			number: "12", fault: "no event passes, devices are connected", how: "streams open, and nothing comes", must: []signal.Capability{signal.Events},
			inject: func(g *rig) { g.api.Set(silent()) }, heal: func(g *rig) { g.api.Set(nil) },
		},
		{number: "13", fault: "events 90 minutes late", skipped: "nothing here keeps events back: there are no webhooks yet"},
		{
			number: "14", fault: "half-open TCP", how: "the network forgets every connection, without a word", may: []signal.Capability{signal.Connected, signal.Calls, signal.ConnectTCP},
			inject: func(g *rig) { g.netTCP.HalfOpen() },
		},
		{
			number: "15", fault: "frozen 60 s", how: "SIGSTOP, SIGCONT", must: []signal.Capability{signal.API}, may: all, hold: time.Minute,
			inject: func(g *rig) { g.signal(syscall.SIGSTOP) }, heal: func(g *rig) { g.signal(syscall.SIGCONT) },
		},
		{
			number: "16", fault: "NAT rebinding", how: "another outside port for everybody over UDP",
			may: []signal.Capability{signal.Connected, signal.Calls}, inject: func(g *rig) { g.netUDP.Rebind() },
		},
		{
			number: "17", fault: "NAT forgets after 30 s", how: "what the cloud sends later than that goes nowhere", hold: 3 * time.Minute,
			inject: func(g *rig) { g.udp.forget(30 * time.Second) }, heal: func(g *rig) { g.udp.forget(0) },
		},
		{
			number: "18", fault: "devices doubled", how: "ten devices run twice with the same keys", hold: 2 * time.Minute,
			inject: func(g *rig) {
				for i := range 10 {
					transport := []sim.Transport{sim.UDP, sim.TCP}[i%2]
					cfg := g.cloud.Provision(sim.Config{Transport: transport})
					g.cloud.Run(cfg, harness.Wiring{})
					g.cloud.Run(cfg, harness.Wiring{})
				}
			},
		},
		{
			number: "19", fault: "devices asleep", how: "20 connected devices lose their power without a word", hold: 2 * time.Minute,
			before: func(g *rig) { g.crowd(20) },
			inject: func(g *rig) {
				for _, d := range g.asleep {
					d.Unplug()
				}
			},
		},
	}
}

// crowd has devices connect.
func (g *rig) crowd(n int) {
	g.t.Helper()
	for i := range n {
		transport := []sim.Transport{sim.UDP, sim.TCP}[i%2]
		d := g.cloud.Run(g.cloud.Provision(sim.Config{Transport: transport}), harness.Wiring{})
		g.cloud.Online(d.ID)
		g.asleep = append(g.asleep, d)
	}
}

func (g *rig) signal(s syscall.Signal) {
	g.t.Helper()
	if err := g.cloud.Process().Signal(s); err != nil {
		g.t.Fatal(err)
	}
}

// files lets the cloud open no file any more, or as many as it likes. The limit
// is of the numbers that files may have: whatever is closed meanwhile makes no room.
func (g *rig) files(none bool) {
	g.t.Helper()
	pid := g.cloud.Process().Pid
	var limit unix.Rlimit
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &limit); err != nil {
		g.t.Fatal(err)
	}
	limit.Cur = limit.Max
	if none {
		limit.Cur = 0
	}
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, &limit, nil); err != nil {
		g.t.Fatal(err)
	}
}
