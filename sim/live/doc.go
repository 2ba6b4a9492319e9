// Package live runs virtual devices on real sockets and real time.
//
// A [Process] is one device: one goroutine, one socket. It connects when it is
// run, comes back by itself as a device does, and takes orders (publish, power
// off, leave) from any goroutine.
package live
