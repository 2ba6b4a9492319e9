package handover

import (
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Memory is a Gate in memory that two processes share.
type Memory struct {
	word *atomic.Uint32
	file *os.File
}

// The states of a gate.
const (
	open   = 0
	passed = 1
	shut   = 2
)

const gateSize = 4096

// NewMemory makes an open gate. File is for the other process.
func NewMemory() (*Memory, error) {
	fd, err := unix.MemfdCreate("cyan-gate", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("shared memory for the hand-over: %w", err)
	}
	f := os.NewFile(uintptr(fd), "gate")
	if err := f.Truncate(gateSize); err != nil {
		return nil, err
	}
	return OpenMemory(f)
}

// OpenMemory opens the gate that another process made.
func OpenMemory(f *os.File) (*Memory, error) {
	if info, err := f.Stat(); err != nil || info.Size() != gateSize {
		return nil, fmt.Errorf("%w: the gate is not one: %w", ErrMessage, err)
	}
	// It stays mapped until the process ends: there is one in its life.
	b, err := unix.Mmap(int(f.Fd()), 0, gateSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("shared memory for the hand-over: %w", err)
	}
	return &Memory{word: (*atomic.Uint32)(unsafe.Pointer(&b[0])), file: f}, nil
}

// File is what the other process opens the gate by.
func (m *Memory) File() *os.File { return m.file }

// Pass is Gate's.
func (m *Memory) Pass() bool { return m.word.CompareAndSwap(open, passed) }

// Shut is Gate's. Shutting twice is no different from once.
func (m *Memory) Shut() bool { return m.word.CompareAndSwap(open, shut) || m.word.Load() == shut }
