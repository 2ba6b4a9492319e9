//go:build !unix

package main

import "os"

// upgradeSignals are none.
func upgradeSignals() (c <-chan os.Signal, ignore func()) { return nil, func() {} }

func ignoreBrokenPipes() {}
