package apart

import (
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestStart sees that a child is on its core, and that this process's threads
// stay where they were.
func TestStart(t *testing.T) {
	var before unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		t.Fatal(err)
	}
	last := -1
	for i := range 1024 {
		if before.IsSet(i) {
			last = i
		}
	}
	var out strings.Builder
	cmd := exec.CommandContext(t.Context(), "sh", "-c", "grep -E 'Cpus_allowed_list|^policy|^prio' /proc/self/status /proc/self/sched 2>/dev/null; true")
	cmd.Stdout = &out
	if err := Start(cmd, Cores{last}, true); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	var allowed string
	for line := range strings.Lines(out.String()) {
		if _, list, ok := strings.Cut(line, "Cpus_allowed_list:"); ok {
			allowed = strings.TrimSpace(list)
		}
	}
	if allowed == "" || strings.ContainsAny(allowed, ",-") {
		t.Errorf("the child may use the processors %q, want one:\n%s", allowed, out.String())
	}
	var after unix.CPUSet
	if err := unix.SchedGetaffinity(0, &after); err != nil {
		t.Fatal(err)
	}
	if after != before {
		t.Errorf("this thread was on %v, and is on %v", before, after)
	}
}

func TestHalves(t *testing.T) {
	for _, c := range []struct {
		all            Cores
		measured, load int
	}{{nil, 0, 0}, {Cores{3}, 0, 0}, {Cores{0, 1}, 1, 1}, {Cores{1, 2, 5}, 1, 2}, {Cores{0, 1, 2, 3}, 2, 2}} {
		m, l := halves(c.all)
		if len(m) != c.measured || len(l) != c.load {
			t.Errorf("of %v there are %v and %v", c.all, m, l)
		}
	}
}
