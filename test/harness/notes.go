package harness

import (
	"strings"
	"sync"
)

// Notes are lines that a device wrote.
type Notes struct {
	mu    sync.Mutex
	lines []string // guarded by mu
}

func (n *Notes) add(line string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, line)
}

// Count gives the number of lines that contain the text.
func (n *Notes) Count(text string) (found int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, l := range n.lines {
		if strings.Contains(l, text) {
			found++
		}
	}
	return found
}

// Has tells whether one of the lines contains the text.
func (n *Notes) Has(text string) bool { return n.Count(text) > 0 }

// String gives all lines.
func (n *Notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return strings.Join(n.lines, "\n")
}
