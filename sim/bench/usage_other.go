//go:build !linux

package bench

import "time"

func processCPU(int) (time.Duration, error)      { return 0, ErrPlatform }
func threadCPU() (time.Duration, error)          { return 0, ErrPlatform }
func resident(int) (all, files int64, err error) { return 0, 0, ErrPlatform }
