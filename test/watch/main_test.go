// Package watch has the watchtower look at a whole cloud, and breaks the cloud.
package watch

import (
	"testing"

	"github.com/cyan-cloud/cyan/test/harness"
)

// The test binary can also be a cloud, so that one can be killed.
func TestMain(m *testing.M) { harness.Main(m) }
