package usage

import "testing"

// TestMemoryAddsUp: all that is resident has an owner.
func TestMemoryAddsUp(t *testing.T) {
	m := Own()
	if m.Objects <= 0 || m.Holes <= 0 || m.Stacks <= 0 || m.Books <= 0 {
		t.Errorf("%+v", m)
	}
	const resident, files = 1 << 30, 1 << 20
	m = m.Complete(resident, files)
	if sum := m.Objects + m.Holes + m.Free + m.Stacks + m.Books + m.Foreign + m.Program; sum != resident || m.Program != files {
		t.Errorf("%+v is %d in all", m, sum)
	}
	more := m
	more.Foreign += 700
	if got := more.Growth(m, 7); got != (Memory{Foreign: 100}) {
		t.Errorf("grown by %+v", got)
	}
}
