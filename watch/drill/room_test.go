package drill_test

import (
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/watch/drill"
	"github.com/cyan-cloud/cyan/watch/incident"
	"github.com/cyan-cloud/cyan/watch/status"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// TestUnnoticed: a drill that nobody noticed ends all the same, and is shown as
// what it is.
func TestUnnoticed(t *testing.T) {
	var shown []status.Drill
	r := drill.New(drill.Config{
		Told: func(c incident.Change) { t.Errorf("somebody hears %s", c.Text) },
		Show: func(d status.Drill) { shown = append(shown, d) },
	})
	now := time.Now()
	d := rest.Drill{ID: "d1", Kind: "new-connections", Author: "ada", Began: rest.At(now), Until: rest.At(now.Add(time.Minute)), Ago: 1}
	r.Heard(now, []rest.Drill{d})
	r.Judged(now.Add(2*time.Minute), nil)
	if len(shown) != 1 || !shown[0].Going || shown[0].By != "ada" {
		t.Fatalf("it is shown as %+v", shown)
	}
	r.Judged(now.Add(4*time.Minute), nil)
	r.Heard(now.Add(4*time.Minute), []rest.Drill{d}) // a cloud that says it again begins nothing anew
	if len(shown) != 2 || shown[1].Going || shown[1].Noticed() {
		t.Errorf("at the end it is shown as %+v", shown)
	}
}
