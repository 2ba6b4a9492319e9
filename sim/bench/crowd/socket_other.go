//go:build !linux || !(amd64 || arm64)

package crowd

import (
	"errors"
	"net/netip"
	"time"
)

// socket is for Linux: nowhere else can one socket send from many addresses.
type socket struct{ lost int }

var errSocket = errors.New("crowd: many devices on one socket are possible on Linux only")

func openSocket(netip.AddrPort) (*socket, error) { return nil, errSocket }

func (*socket) close() error                                   { return nil }
func (*socket) read(time.Time, func(netip.Addr, []byte)) error { return errSocket }
func (*socket) send(netip.Addr, []byte)                        {}
func (*socket) flush()                                         {}
