package usage

import (
	"fmt"
	"runtime/metrics"
)

// Memory is where a cloud's resident memory is, in bytes. Of what it asked the
// system for and has not touched, some is counted that is not resident.
type Memory struct {
	Objects int64 `json:"objects"` // what the collector found in use
	Holes   int64 `json:"holes"`   // free places beside those, too small for others
	Free    int64 `json:"free"`    // free, and not given back to the system yet
	Stacks  int64 `json:"stacks"`
	Books   int64 `json:"books"`   // the runtime's own, of all that
	Foreign int64 `json:"foreign"` // what the runtime does not know: SQLite's
	Program int64 `json:"program"` // the program, as far as it has been used
}

// owners says of each figure of the runtime whose it is.
var owners = []struct {
	name string
	of   func(m *Memory) *int64
}{
	{"/memory/classes/heap/objects:bytes", func(m *Memory) *int64 { return &m.Objects }},
	{"/memory/classes/heap/unused:bytes", func(m *Memory) *int64 { return &m.Holes }},
	{"/memory/classes/heap/free:bytes", func(m *Memory) *int64 { return &m.Free }},
	{"/memory/classes/heap/stacks:bytes", func(m *Memory) *int64 { return &m.Stacks }},
	{"/memory/classes/os-stacks:bytes", func(m *Memory) *int64 { return &m.Stacks }},
	{"/memory/classes/metadata/mcache/inuse:bytes", func(m *Memory) *int64 { return &m.Books }},
	{"/memory/classes/metadata/mcache/free:bytes", func(m *Memory) *int64 { return &m.Books }},
	{"/memory/classes/metadata/mspan/inuse:bytes", func(m *Memory) *int64 { return &m.Books }},
	{"/memory/classes/metadata/mspan/free:bytes", func(m *Memory) *int64 { return &m.Books }},
	{"/memory/classes/metadata/other:bytes", func(m *Memory) *int64 { return &m.Books }},
	{"/memory/classes/profiling/buckets:bytes", func(m *Memory) *int64 { return &m.Books }},
	{"/memory/classes/other:bytes", func(m *Memory) *int64 { return &m.Books }},
}

// Own asks this process's runtime. Foreign and Program are not known to
// it.
func Own() (m Memory) {
	samples := make([]metrics.Sample, len(owners))
	for i := range owners {
		samples[i].Name = owners[i].name
	}
	metrics.Read(samples)
	for i := range samples {
		if v := samples[i].Value; v.Kind() == metrics.KindUint64 {
			*owners[i].of(&m) += int64(v.Uint64())
		}
	}
	return m
}

// Complete adds what the system knows of the process: what is resident, and
// how much of that is of files.
func (m Memory) Complete(resident, files int64) Memory {
	m.Program = files
	m.Foreign = resident - files - m.Objects - m.Holes - m.Free - m.Stacks - m.Books
	return m
}

// Growth gives what each of n had of what was added since before.
func (m Memory) Growth(before Memory, n int) (each Memory) {
	share := func(after, before int64) int64 { return (after - before) / int64(max(n, 1)) }
	return Memory{
		Objects: share(m.Objects, before.Objects), Holes: share(m.Holes, before.Holes), Free: share(m.Free, before.Free),
		Stacks: share(m.Stacks, before.Stacks), Books: share(m.Books, before.Books),
		Foreign: share(m.Foreign, before.Foreign), Program: share(m.Program, before.Program),
	}
}

// String says it in words.
func (m Memory) String() string {
	return fmt.Sprintf("%d objects, %d holes between them, %d free, %d stacks, %d the runtime's books, %d of SQLite, %d of the program itself",
		m.Objects, m.Holes, m.Free, m.Stacks, m.Books, m.Foreign, m.Program)
}
