//go:build !linux

package app

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// lock takes the data folder for this process. Two clouds on one folder would
// both adopt its sessions, and each would send what the other's devices take
// for forged. The system gives the lock back when the process ends, however
// it ends.
func lock(dir string) (file *os.File, unlock func() error, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, err
	}
	l := flock.New(filepath.Join(dir, "lock"))
	ok, err := l.TryLock()
	if err != nil {
		return nil, nil, fmt.Errorf("locking the data folder: %w", err)
	}
	if !ok {
		return nil, nil, fmt.Errorf("another cloud is running on the data folder %s: stop it, or choose another folder with --data", dir)
	}
	return nil, l.Unlock, nil
}
