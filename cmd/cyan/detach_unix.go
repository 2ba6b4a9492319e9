//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// detach keeps a child out of the terminal's group: an interrupt is for this
// process, which stops the child when it has stopped the cloud.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
