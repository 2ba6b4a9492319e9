// Package attack measures what becomes of a cloud, and of the healthy devices
// beside, while somebody attacks it: one attack after the other, each with a row
// of what was sent, what was answered, which counters of the cloud rose, what it
// cost in memory and processor time, and how calls to the healthy devices went.
//
// Four kinds of process take part: the cloud, the one that measures, a loader
// that plays the healthy devices and their callers, and one attacker for each
// attack. The cloud has cores of its own, and on the others the attacker runs when
// the loader has nothing to do: what an attacker costs himself is not what is
// looked for. They talk in lines of JSON on standard input and output.
//
//	Bench.Run ──▶ bench.Server        the cloud
//	    │ ├─────▶ Load                healthy devices, and calls to them
//	    │ └─────▶ Strike              one attack of the table in plan.go
//	    └── /metrics, /proc           before and after
package attack
