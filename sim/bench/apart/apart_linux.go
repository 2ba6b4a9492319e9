package apart

import (
	"os/exec"
	"runtime"

	"golang.org/x/sys/unix"
)

// Halves gives the processors that this process may use, in two halves; none,
// twice, if there is only one.
func Halves() (measured, load Cores) {
	var set unix.CPUSet
	if unix.SchedGetaffinity(0, &set) != nil {
		return nil, nil
	}
	var all Cores
	for i := 0; len(all) < set.Count(); i++ {
		if set.IsSet(i) {
			all = append(all, i)
		}
	}
	return halves(all)
}

// Start starts the command on the cores; idle: others there always go first. A
// system that allows neither starts it all the same.
func Start(cmd *exec.Cmd, on Cores, idle bool) error {
	started := make(chan error, 1)
	// Ends with the start. A child has what the thread has that begins it; the
	// thread ends with the goroutine, because it stays locked to it.
	go func() {
		runtime.LockOSThread()
		if len(on) > 0 {
			var set unix.CPUSet
			for _, core := range on {
				set.Set(core)
			}
			_ = unix.SchedSetaffinity(0, &set)
		}
		if idle {
			_ = unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_IDLE}, 0)
		}
		started <- cmd.Start()
	}()
	return <-started
}
