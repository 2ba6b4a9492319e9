package golden

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestBoard: nothing counts as passed that was not asserted, and one assertion
// that does not hold fails its point.
func TestBoard(t *testing.T) {
	b := NewBoard(`
| S-01 | One. | none yet |
| S-02 | Two. | ` + "`a.TestTwo`" + ` |
| S-03 | Three. | in part: ` + "`a.TestThree`" + `; half |
| S-04 | Four. | none yet |
| S-05 | Five. | none yet |
| S-06 | Six. | none yet |
`)
	b.Check(true, "it is so", "seen | twice", 4, 5, 6)
	b.Check(false, "so is that", "it was not", 5)
	b.Leaves("the other half", 6)
	var text strings.Builder
	b.Table(&text)
	want := `| point | | what was seen, or why not |
|---|---|---|
| S-01 | pending | nothing shows it yet |
| S-02 | proven elsewhere | not played here; proven by ` + "`a.TestTwo`" + ` |
| S-03 | proven elsewhere in part | not played here; in part: ` + "`a.TestThree`" + `; half |
| S-04 | passed | it is so (seen \| twice) |
| S-05 | failed | not so: so is that (it was not) |
| S-06 | passed in part | it is so (seen | twice). **Not shown here:** the other half |

Of 6 points: passed 1, passed in part 1, failed 1, proven elsewhere 1, proven elsewhere in part 1, pending 1.
`
	want = strings.Replace(want, "(seen | twice). **", `(seen \| twice). **`, 1)
	if diff := cmp.Diff(want, text.String()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]int{5}, b.Failed()); diff != "" {
		t.Error(diff)
	}
}

// TestMarks: a time is true within fifteen seconds, and one that is missing is
// not.
func TestMarks(t *testing.T) {
	noon := time.Date(2026, 5, 31, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		mark Mark
		want bool
	}{
		"the same":         {Mark{Says: noon, Truth: noon}, true},
		"just so":          {Mark{Says: noon.Add(15 * time.Second), Truth: noon}, true},
		"too late":         {Mark{Says: noon.Add(16 * time.Second), Truth: noon}, false},
		"too early":        {Mark{Says: noon.Add(-16 * time.Second), Truth: noon}, false},
		"nothing is said":  {Mark{Truth: noon}, false},
		"it never came":    {Mark{Says: noon}, false},
		"neither of these": {Mark{}, false},
	} {
		if got := c.mark.Within(); got != c.want {
			t.Errorf("%s: %v, %s", name, got, c.mark.Off())
		}
	}
}
