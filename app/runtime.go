package app

import (
	"os"
	"runtime"
	"sync"
)

// lanes is how many lanes a gateway has: one for each processor that this process
// may use. It makes the runtime run one goroutine more at once: RSA and a flood of
// hellos can keep every lane and worker at work without a pause, and whoever brings
// a call or hears a device is then let in between by the system, which is quicker at
// that than the runtime. GOMAXPROCS in the environment is left as it is.
var lanes = sync.OnceValue(func() int {
	n := runtime.GOMAXPROCS(0)
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(n + 1)
	}
	return n
})
