package oncall

import (
	"testing"
	"time"

	pager "github.com/cyan-cloud/cyan/watch/notify"
	"github.com/cyan-cloud/cyan/watch/signal"
)

// TestTroubleNotice: a canary that is not well is a warning and no page, and its
// end closes the same alert.
func TestTroubleNotice(t *testing.T) {
	sick := signal.Trouble{Key: "token:oslo", At: noon, Since: noon.Add(-time.Minute), What: "The token is refused", Remedy: "another one", Evidence: "401"}
	n := troubleNotice(&sick)
	if n.Kind != pager.Trigger || n.Severity != pager.Warning || n.Summary != sick.What || len(n.Details) != 4 || n.Details[0].Value != "2026-05-31 11:59:00 UTC" {
		t.Errorf("%+v", n)
	}
	over := troubleNotice(&signal.Trouble{Key: sick.Key, At: noon.Add(time.Hour), Over: true})
	if over.Kind != pager.Resolve || over.Key != n.Key || over.ID == n.ID {
		t.Errorf("%+v", over)
	}
}
