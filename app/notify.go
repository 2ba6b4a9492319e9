package app

import (
	"fmt"
	"net"
	"os"
)

// notify tells the service manager how this process is, if there is one that
// wants to know: see sd_notify(3).
func notify(state string) {
	name := os.Getenv("NOTIFY_SOCKET")
	if name == "" {
		return
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Net: "unixgram", Name: name})
	if err != nil {
		return // it is there or not, and we serve either way
	}
	defer c.Close()
	_, _ = c.Write([]byte(state)) // likewise
}

// notifyReady says that the doors are open.
func notifyReady() { notify(fmt.Sprintf("MAINPID=%d\nREADY=1", os.Getpid())) }

// notifyReloading says that a hand-over is under way.
func notifyReloading() { notify(fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", monotonic()/1000)) }

// notifyPassed says that another process is the one to watch.
func notifyPassed(pid int) { notify(fmt.Sprintf("MAINPID=%d", pid)) }
