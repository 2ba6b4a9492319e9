// Package crowd is many devices on one socket: the load of a benchmark.
//
// Each has an address of its own in 127.0.0.0/8 and keys of its own, speaks
// DTLS and CoAP as Device OS does, and takes some 150 bytes when it is idle.
// They have no life: they start up, ping, answer, and publish what they are told
// to. Devices with a life are in package sim.
//
// One goroutine runs all of them and owns their state; whatever others want is
// put to it. Linux only: nowhere else can one socket send from many addresses.
package crowd
