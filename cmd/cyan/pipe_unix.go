//go:build unix

package main

import (
	"context"
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// whileRead gives a context that also ends when nobody reads standard output
// any more: "cyan subscribe | head -1" is over after the first line, and not
// when the second comes.
func (c *cli) whileRead(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	f, ok := c.out.(*os.File)
	if !ok {
		return ctx, cancel
	}
	if info, err := f.Stat(); err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		return ctx, cancel
	}
	go func() { // ends with the reader, or with the process
		fds := []unix.PollFd{{Fd: int32(f.Fd())}}
		for {
			_, err := unix.Poll(fds, -1)
			if errors.Is(err, unix.EINTR) {
				continue
			}
			if err == nil && fds[0].Revents&(unix.POLLERR|unix.POLLHUP) != 0 {
				cancel()
			}
			return
		}
	}()
	return ctx, cancel
}
