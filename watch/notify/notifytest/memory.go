package notifytest

import (
	"encoding/json"
	"errors"
	"sync"

	"github.com/cyan-cloud/cyan/watch/notify"
)

// Memory is a journal that outlives pipelines, but not the test. Like a disk
// it keeps only what was synced, as JSON.
type Memory struct {
	mu      sync.Mutex
	lines   [][]byte // guarded by mu
	pending [][]byte // guarded by mu: appended, not synced
	full    bool     // guarded by mu
}

// errFull is what a full disk says.
var errFull = errors.New("no space left on device")

// Fill makes the disk full, or not.
func (m *Memory) Fill(full bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.full = full
}

// Append takes a record.
func (m *Memory) Append(r notify.Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.full {
		return errFull
	}
	line, err := json.Marshal(r)
	m.pending = append(m.pending, line)
	return err
}

// Sync makes what was appended durable.
func (m *Memory) Sync() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lines, m.pending = append(m.lines, m.pending...), nil
	return nil
}

// Replay gives back what is durable; what was only appended is gone.
func (m *Memory) Replay(each func(notify.Record) error) error {
	m.mu.Lock()
	lines := m.lines
	m.pending = nil
	m.mu.Unlock()
	for _, line := range lines {
		var r notify.Record
		if err := json.Unmarshal(line, &r); err != nil {
			return err
		}
		if err := each(r); err != nil {
			return err
		}
	}
	return nil
}

// Cut forgets the last n records, as if the process had been killed before it
// wrote them.
func (m *Memory) Cut(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lines = m.lines[:max(0, len(m.lines)-n)]
}

// Len is how many records are durable.
func (m *Memory) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.lines)
}
