//go:build !linux || (!amd64 && !arm64)

package socket

import "net"

// Of makes a socket of a connection; dual: IPv4 comes to it besides IPv6.
func Of(c *net.UDPConn, dual bool) (Socket, error) { return simple{c, dual}, nil }
