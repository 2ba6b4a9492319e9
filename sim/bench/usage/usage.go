// Package usage tells what a process has used, and uses: of processor time, and
// of memory, and whose that is.
package usage

import (
	"errors"
	"time"
)

// ErrPlatform says that what a process uses cannot be read on this system.
var ErrPlatform = errors.New("usage: processor time and memory of another process can be read on Linux only")

// Usage is what a process has used, and uses.
type Usage struct {
	CPU time.Duration // user and system time since its start
	RSS int64         // resident memory, in bytes
	// Memory is where that is; of a cloud that was just collected only.
	Memory Memory
}

// Of reads the usage of a process of this machine.
func Of(pid int) (u Usage, err error) {
	if u.CPU, err = processCPU(pid); err != nil {
		return Usage{}, err
	}
	u.RSS, _, err = Resident(pid)
	return u, err
}
