// Package canary does what customers do, all the time, and tells what became of
// it. A canary is a stranger to the cloud: a virtual device with keys of its
// own on real sockets, a client of the public API, or a real board on a desk.
//
// [Run] makes one journey, a story, step by step; every story has a file. Its
// [signal.Result] says how far it came, how long each step took, and in one
// sentence what was seen where it stopped. [Runner] has the journeys made on
// schedule, from a pool of identities so that none looks like a device that
// restarts in a loop, and more often while something is suspect.
//
// Canaries share the wire's code with the cloud that they watch, and a fault of
// that code would be on both sides. So nothing runs before [Prove] has opened
// what real devices said.
package canary
