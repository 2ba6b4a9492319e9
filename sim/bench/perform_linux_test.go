package bench

import (
	"errors"
	"testing"
	"time"
)

// The processor time of a list is that of the thread that performs it.
func TestPerform(t *testing.T) {
	const long = 2 * time.Millisecond
	compute := func() error {
		for began := time.Now(); time.Since(began) < long; { // compute
		}
		return nil
	}
	each, err := perform([]operation{{"compute", 1, compute}}, 5)
	if err != nil || each <= 0 || each > 10*long {
		t.Errorf("each takes %v, %v", each, err)
	}
	broken := errors.New("broken")
	if _, err := perform([]operation{{"x", 1, func() error { return broken }}}, 1); !errors.Is(err, broken) {
		t.Errorf("err = %v", err)
	}
}
