// Package detsim is a whole cloud on simulated time, made from one seed:
// gateway processes with their lanes and sessions, a store, a bus, people who
// call, and hundreds of virtual devices of every generation on a bad network.
// It has no goroutine, no clock and no source of chance but the seed, so the
// same seed gives the same run, byte by byte, and what went wrong once goes
// wrong again.
//
//	make sim SEEDS=100                      seeds 1 to 100
//	make sim BUDGET=3m                      as many as fit
//	go test ./test/detsim -run TestSeeds -seed 17 -seeds 1 -v -journal
//
// # What is real
//
// Lanes, sessions, the wire and the virtual devices, with their cryptography.
// What stands around a lane in cloud/gateway, the store and the bus are
// modelled here: what they do takes simulated time, may fail, and goes with
// its process when that is killed.
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
