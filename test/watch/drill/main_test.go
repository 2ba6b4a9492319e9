package drill

import (
	"testing"

	"github.com/cyan-cloud/cyan/test/harness"
)

// The test binary can also be a cloud, so that one can be killed.
func TestMain(m *testing.M) { harness.Main(m) }
