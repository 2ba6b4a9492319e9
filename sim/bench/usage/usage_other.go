//go:build !linux

package usage

import "time"

func processCPU(int) (time.Duration, error)      { return 0, ErrPlatform }
func Thread() (time.Duration, error)             { return 0, ErrPlatform }
func Resident(int) (all, files int64, err error) { return 0, 0, ErrPlatform }
