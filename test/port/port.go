// Package port gives ports of this machine to those who close theirs for a while
// and want it back: a cloud that is restarted, a door that refuses. A port that
// the system chose would meanwhile go to anybody who connects to somewhere.
package port

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
)

// The ports are below those that the system hands out, which begin at 32768 on
// Linux and at 49152 elsewhere.
const from, until = 10_000, 32_000

var errNone = errors.New("port: none is free")

// Free gives an address of 127.0.0.1 that is free for TCP and UDP.
func Free() (string, error) {
	for range 1000 {
		at := net.JoinHostPort("127.0.0.1", strconv.Itoa(from+rand.IntN(until-from)))
		l, err := net.Listen("tcp", at) //nolint:noctx // it does not wait
		if err != nil {
			continue
		}
		p, err := net.ListenPacket("udp", at) //nolint:noctx // it does not wait
		_ = l.Close()
		if err != nil {
			continue
		}
		return at, p.Close()
	}
	return "", errNone
}
