// Package port gives ports of this machine to those who close theirs for a while
// and want it back: a cloud that is restarted, a door that refuses. A port that
// the system chose would meanwhile go to anybody who connects to somewhere.
package port

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"syscall"
	"testing"
)

// The ports are below those that the system hands out, which begin at 32768 on
// Linux and at 49152 elsewhere.
const from, until = 10_000, 32_000

// guard is another address of this machine. Who is given a port has it there as
// long as the test goes on, whatever he does with it, and who looks for one sees
// that. Where there is no such address nobody sees it.
const guard = "127.71.0.1"

// Free gives an address of 127.0.0.1 that is free for TCP and UDP, and that no
// other test is given until this one ends.
func Free(t testing.TB) string {
	t.Helper()
	for range 1000 {
		number := strconv.Itoa(from + rand.IntN(until-from))
		held, err := net.Listen("tcp", net.JoinHostPort(guard, number)) //nolint:noctx // it does not wait
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		leave := func() {
			if err == nil {
				_ = held.Close()
			}
		}
		if at := net.JoinHostPort("127.0.0.1", number); free(at) {
			t.Cleanup(leave)
			return at
		}
		leave()
	}
	t.Fatal("no port is free")
	return ""
}

// free tells whether nobody listens at an address.
func free(at string) bool {
	l, err := net.Listen("tcp", at) //nolint:noctx // it does not wait
	if err != nil {
		return false
	}
	defer l.Close()
	p, err := net.ListenPacket("udp", at) //nolint:noctx // it does not wait
	if err != nil {
		return false
	}
	return p.Close() == nil
}
