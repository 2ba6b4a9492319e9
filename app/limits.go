package app

import (
	"os"
	"runtime"
	"runtime/debug"

	"github.com/cyan-cloud/cyan/cloud/gateway"
)

// Limits bound what strangers, devices and clients can take. Zero is the default
// that stands beside each.
type Limits struct {
	gateway.Limits // of the devices' doors

	APIConnections       int // open at once; 0: 25,000, more than there can be event streams
	APISourceConnections int // open at once from one address or /64 of IPv6; 0: 2,000, negative: no bound
	APIStreams           int // event streams open at once; 0: 20,000
	APISourceStreams     int // event streams from one address or /64 of IPv6; 0: 100
	APIBody              int // bytes of a request's body; 0: 65,536
	FailedLogins         int // in a row for one account from one address or /64 of IPv6, or ten times as many for all from there, before it waits for five minutes; 0: 10, negative: no bound
	APIRate              int // requests within five minutes from one address or /64 of IPv6; 0: no bound
	AccountRate          int // of them about accounts and tokens, or opening event streams; 0: no bound
}

// WithDefaults fills in what was left zero.
func (l Limits) WithDefaults() Limits {
	l.Limits = l.Limits.WithDefaults()
	for at, standard := range map[*int]int{
		&l.APIConnections: 25_000, &l.APISourceConnections: 2000, &l.APIStreams: 20_000, &l.APISourceStreams: 100,
		&l.APIBody: 64 << 10, &l.FailedLogins: 10,
	} {
		if *at == 0 {
			*at = standard
		}
	}
	return l
}

// gcPercent is by how much the heap may grow between two collections. Of the
// language's 100 an idle device pays fifty bytes more, for good: the runtime's
// books are those of the largest heap that there was, and holes are left where
// garbage lay between what stayed.
const gcPercent = 75

// lanes is how many lanes a gateway has, one for each processor that this process
// may use, and sets the runtime up for a cloud. What GOMAXPROCS and GOGC say in the
// environment is left as it is.
//
// On one processor two goroutines may run at once: RSA and a flood of hellos can
// keep its lane and its worker at work without a pause, and whoever brings a call or
// hears a device is let in between by the system then, which is quicker at that than
// the runtime. With more processors than that the gain is small, and each handshake
// would cost a twentieth more.
func lanes() int {
	n := min(runtime.GOMAXPROCS(0), runtime.NumCPU())
	if n == 1 && os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(2)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	return n
}
