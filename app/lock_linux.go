package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// lock takes the data folder for this process. Two clouds on one folder would
// both adopt its sessions, and each would send what the other's devices take
// for forged. The system gives the lock back when the last process that has the
// file ends, however it ends: a process that takes over has it too, so that
// there is no moment in between.
func lock(dir string) (file *os.File, unlock func() error, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("locking the data folder: %w", err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	switch {
	case err == nil:
		return f, f.Close, nil
	case errors.Is(err, unix.EWOULDBLOCK):
		err = fmt.Errorf("another cloud is running on the data folder %s: stop it, or choose another folder with --data", dir)
	default:
		err = fmt.Errorf("locking the data folder: %w", err)
	}
	return nil, nil, errors.Join(err, f.Close())
}
