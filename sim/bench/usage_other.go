//go:build !linux

package bench

import "time"

func processCPU(int) (time.Duration, error) { return 0, ErrPlatform }
func threadCPU() (time.Duration, error)     { return 0, ErrPlatform }
func resident(int) (int64, error)           { return 0, ErrPlatform }
