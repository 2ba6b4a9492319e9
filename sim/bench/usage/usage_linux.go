package usage

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// processCPU reads the processor-time clock of a process: the same sum that
// /proc/<pid>/stat has in hundredths of a second, in nanoseconds. Its number is
// made as clock_getcpuclockid(3) does.
func processCPU(pid int) (time.Duration, error) {
	const scheduled = 2
	return clock(int32(^pid)<<3 | scheduled)
}

// Thread is the processor time of the calling thread.
func Thread() (time.Duration, error) { return clock(unix.CLOCK_THREAD_CPUTIME_ID) }

func clock(id int32) (time.Duration, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(id, &t); err != nil {
		return 0, fmt.Errorf("reading processor time: %w", err)
	}
	return time.Duration(t.Nano()), nil
}

// Resident reads the resident memory of a process, and how much of it is of
// files: the program, mostly.
func Resident(pid int) (all, files int64, err error) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		return 0, 0, err
	}
	all, files, err = residentPages(b)
	page := int64(os.Getpagesize())
	return all * page, files * page, err
}

var errStatm = errors.New("usage: /proc/<pid>/statm cannot be read")

// residentPages finds the second and the third number of a statm, which begins
// with the size of everything and has the resident part of it next, and then
// the part of that which is of files.
func residentPages(statm []byte) (all, files int64, err error) {
	fields := bytes.Fields(statm)
	if len(fields) < 3 {
		return 0, 0, errStatm
	}
	for i, into := range []*int64{&all, &files} {
		*into, err = strconv.ParseInt(string(fields[1+i]), 10, 64)
		if err != nil || *into < 0 {
			return 0, 0, errStatm
		}
	}
	return all, files, nil
}
