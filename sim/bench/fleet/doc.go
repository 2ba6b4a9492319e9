// Package fleet plays the devices of a benchmark that are on TCP: each is a
// whole virtual device with a connection and a goroutine of its own, which
// pings, answers calls, and comes back by itself when it loses its connection.
// Thousands are enough: package crowd has the hundreds of thousands.
package fleet
