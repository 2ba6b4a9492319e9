package oncall

import (
	"strings"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/watch/incident"
	pager "github.com/cyan-cloud/cyan/watch/notify"
	"github.com/cyan-cloud/cyan/watch/signal"
)

// TestDrillNotice: whatever people hear of a drill says first that it is one,
// is a test for the outlets, and has nothing to do with the alert of an outage.
func TestDrillNotice(t *testing.T) {
	book := incident.NewBook()
	changes := book.Apply(noon, judgement(noon, signal.Partial), incident.Recovery{})
	later := noon.Add(time.Minute)
	changes = append(changes, book.Apply(later, judgement(later, signal.Operational), incident.Recovery{})...)
	changes = append(changes, book.Apply(later.Add(5*time.Minute), nil, incident.Recovery{})...)
	var kinds []pager.Kind
	for i := range changes {
		changes[i].Incident.Drill = "d1"
		n, ok := drillNotice(&changes[i], "https://status.example.com")
		if !ok {
			continue
		}
		kinds = append(kinds, n.Kind)
		if !n.Test || !strings.HasPrefix(n.Summary, "DRILL, nothing is wrong: ") || n.Key == alertOf(changes[i].Incident.ID) || len(n.Details) != 1 {
			t.Errorf("%+v", n)
		}
	}
	if len(kinds) != 2 || kinds[0] != pager.Trigger || kinds[1] != pager.Resolve {
		t.Errorf("people hear %v", kinds)
	}
}
