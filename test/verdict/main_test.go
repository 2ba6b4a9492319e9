// Package verdict breaks a cloud in the ways of the catalogue of faults, and
// writes down what the watchtower makes of each: what it says, how soon, of
// which component, who is paged, and what of it is not true.
//
//	go test ./test/verdict              one row, with canaries in a hurry
//	make verdict                        all rows, with the intervals that are used, half an hour; with
//	                                    -run TestVerdicts/12 only one row, and -lines FILE keeps the others
//
// Each row has a cloud in a process of its own, behind relays that are the
// fault, and the whole watchtower with its page and a stand-in for the pager.
package verdict

import (
	"testing"

	"github.com/cyan-cloud/cyan/test/harness"
)

// The test binary can also be a cloud, so that one can be killed.
func TestMain(m *testing.M) { harness.Main(m) }
