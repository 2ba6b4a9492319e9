package tty

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// Size is how many rows and columns a terminal has.
type Size struct{ Rows, Columns uint16 }

// Start starts a command on a new terminal, and gives the end of whoever sits in
// front of it. Reading there ends with an error when nobody has the other end
// open any more.
func Start(cmd *exec.Cmd, size Size) (front *os.File, err error) {
	front, back, err := open(size)
	if err != nil {
		return nil, err
	}
	defer back.Close() // the program has its own
	cmd.Stdin, cmd.Stdout, cmd.Stderr = back, back, back
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, front.Close())
	}
	return front, nil
}

// open makes a terminal: the end of the one who looks, and that of the program.
func open(size Size) (front, back *os.File, err error) {
	front, err = os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	fd := int(front.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = errors.Join(
			unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0),
			unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: size.Rows, Col: size.Columns}),
		)
	}
	if err == nil {
		back, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		return nil, nil, errors.Join(err, front.Close())
	}
	return front, back, nil
}
