//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// upgradeSignals are those that ask a running cloud for an upgrade: SIGUSR2, and
// where a service manager says so by it, SIGHUP.
func upgradeSignals() (c <-chan os.Signal, ignore func()) {
	list := []os.Signal{syscall.SIGUSR2}
	if os.Getenv("NOTIFY_SOCKET") != "" {
		list = append(list, syscall.SIGHUP)
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, list...)
	return signals, func() { signal.Stop(signals) }
}

// ignoreBrokenPipes keeps a cloud running whose output nobody reads any more: it
// may have been handed over by the process that somebody listened to.
func ignoreBrokenPipes() { signal.Ignore(syscall.SIGPIPE) }
