package app

import (
	"os"
	"runtime"
	"runtime/debug"
	"sync"
)

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
var lanes = sync.OnceValue(func() int {
	n := runtime.GOMAXPROCS(0)
	if n == 1 && os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(2)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	return n
})
