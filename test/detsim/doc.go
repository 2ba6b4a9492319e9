// Package detsim is a whole cloud on simulated time, made from one seed:
// gateway processes with their lanes and sessions, a store, a bus, people who
// call, and hundreds of virtual devices of every generation on a bad network.
// It has no goroutine, no clock and no source of chance but the seed, so the
// same seed gives the same run, byte by byte, and what went wrong once goes
// wrong again.
//
//	make sim SEEDS=100                      seeds 1 to 100, on every processor
//	make sim SEEDS=1000 BUDGET=3m           as many as fit
//	go test ./test/detsim -run TestSeeds -seed 17 -seeds 1 -v -journal
//
// # What is real
//
// Lanes, sessions, the wire and the virtual devices, with their cryptography; and
// what cloud/gateway decides around a lane: which lane gets what, who has a
// device, who may store it and how far a stored session is believed (roster),
// who comes in next and whether the door on TCP is open (admit), whose a key is
// (identify), and what an upgrade sends ahead and what at the end (lane).
//
// Modelled is what moves these: runners and their mailboxes, sockets and readers,
// the messages of a hand-over, the store and the bus. What they do takes simulated
// time, may fail, and goes with its process when that is killed. The store's model
// is held to the real one by TestStoreIsTheStore.
//
//	things (sim.Device) ◀─▶ network (sim/link) ◀─▶ node ─ lanes (lane.Step)
//	                                                 │ ▲
//	                           people ◀─▶ bus ◀─────▶┘ └─▶ store
//
// # What a run is
//
// Devices are switched on, a schedule drawn from the seed does them harm, and
// then all faults end. From then on every device has to be callable within its
// bound without anybody touching it. All the time a tap on the wire opens
// every record and invariants are held: see check.go.
package detsim
