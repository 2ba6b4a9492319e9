package usage

import (
	"os"
	"testing"
	"time"
)

func TestResidentPages(t *testing.T) {
	all, files, err := residentPages([]byte("303612 12345 6789 4000 0 20000 0\n"))
	if err != nil || all != 12345 || files != 6789 {
		t.Errorf("residentPages = %d, %d, %v", all, files, err)
	}
	for _, bad := range []string{"", "1", "1 2", "1 x 3", "1 -2 3", "1 2 x"} {
		if _, _, err := residentPages([]byte(bad)); err == nil {
			t.Errorf("%q is taken for a statm", bad)
		}
	}
}

// What a process computes is on its clock, and on its thread's.
func TestUsageOfOurselves(t *testing.T) {
	before, err := Of(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if before.RSS < 1<<20 {
		t.Errorf("we have %d bytes in memory", before.RSS)
	}
	for began := time.Now(); time.Since(began) < 20*time.Millisecond; { // compute
	}
	after, err := Of(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if after.CPU <= before.CPU {
		t.Errorf("processor time went from %v to %v", before.CPU, after.CPU)
	}
}

func TestUsageOfNobody(t *testing.T) {
	const nobody = 1 << 30 // beyond the highest process id that Linux has
	if u, err := Of(nobody); err == nil {
		t.Errorf("a process that does not exist uses %+v", u)
	}
}
