package census_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/watch/census"
	"github.com/cyan-cloud/cyan/watch/incident"
)

var noon = time.Date(2026, 5, 31, 12, 0, 0, 0, time.UTC)

// healthy is ten minutes with so many devices, of which one does not answer.
func healthy(coming, connected int) *census.Count {
	c := &census.Count{Coming: coming}
	for at := noon.Add(-10 * time.Minute); at.Before(noon); at = at.Add(10 * time.Second) {
		c.Note(census.Sample{At: at, Connected: connected, Limbo: 1})
	}
	return c
}

func at(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }

// TestRecovery follows incidents from the first loss to the last device.
func TestRecovery(t *testing.T) {
	type look struct {
		sample     census.Sample
		now, fixed time.Time
		want       incident.Recovery
	}
	for name, c := range map[string]struct {
		coming, connected int
		looks             []look
	}{
		"the cloud knows whom it lost": {0, 100, []look{
			{census.Sample{At: at(10), Since: noon, Connected: 100, Limbo: 1}, at(11), time.Time{}, incident.Recovery{At: at(10), Affected: 0}},
			{
				census.Sample{At: at(60), Since: noon, Connected: 91, Limbo: 4, Missing: 9},
				at(61),
				time.Time{},
				incident.Recovery{At: at(60), Affected: 12, Connected: 3, Answering: 0, Missing: 9},
			},
			{ // those that come back are not unhit
				census.Sample{At: at(120), Since: noon, Connected: 99, Limbo: 1, Missing: 1},
				at(121), at(90),
				incident.Recovery{At: at(120), Affected: 12, Connected: 11, Answering: 11, Missing: 1, Until: at(90 + 25*60)},
			},
			{ // and by then everybody is back who comes by himself
				census.Sample{At: at(1600), Since: noon, Connected: 99, Limbo: 1, Missing: 1},
				at(1601), at(90),
				incident.Recovery{At: at(1600), Affected: 12, Connected: 11, Answering: 11, Missing: 1, Listed: 1, Until: at(90 + 25*60)},
			},
		}},
		"a cloud that was killed has forgotten": {4, 100, []look{
			{
				census.Sample{At: at(30), Since: noon, Connected: 40, Limbo: 1},
				at(31), at(20),
				incident.Recovery{At: at(30), Affected: 60, Connected: 0, Answering: 0, Missing: 60, Until: at(20 + 25*60)},
			},
			{census.Sample{At: at(60), Since: noon, Connected: 97, Limbo: 1}, at(61), at(20), incident.Recovery{At: at(60), Affected: 60, Connected: 60, Answering: 60}},
		}},
		"the roll was called": {4, 100, []look{
			{
				census.Sample{
					At: at(30), Since: noon, Connected: 40, Limbo: 1,
					Roll: &incident.Recovery{Affected: 70, Owners: 3, Connected: 40, Answering: 30, Missing: 30, Listed: 5, Until: at(100)},
				},
				at(31),
				time.Time{},
				incident.Recovery{At: at(30), Affected: 70, Owners: 3, Connected: 40, Answering: 30, Missing: 30, Listed: 5, Until: at(100)},
			},
			{
				census.Sample{
					At: at(200), Since: noon, Connected: 69, Limbo: 1,
					Roll: &incident.Recovery{Affected: 70, Owners: 3, Connected: 69, Answering: 69, Missing: 1, Listed: 1},
				},
				at(201), at(20),
				incident.Recovery{At: at(200), Affected: 70, Owners: 3, Connected: 69, Answering: 69, Missing: 1, Listed: 1},
			},
		}},
		"canaries come and go": {4, 100, []look{
			{census.Sample{At: at(30), Since: noon, Connected: 97, Limbo: 1}, at(31), at(20), incident.Recovery{At: at(30)}},
		}},
		"nobody has counted since": {0, 100, []look{
			{census.Sample{At: at(30), Connected: 50}, at(31), at(20), incident.Recovery{}},
		}},
		"needs hands": {0, 100, []look{
			{
				census.Sample{At: at(30), Since: noon, Connected: 100, Limbo: 3, Listed: 2},
				at(31), at(20),
				incident.Recovery{At: at(30), Affected: 2, Connected: 2, Listed: 2},
			},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			count := healthy(c.coming, c.connected)
			for _, l := range c.looks {
				count.Note(l.sample)
				if d := cmp.Diff(l.want, count.Recovery(l.now, noon, l.fixed)); d != "" {
					t.Errorf("at %v: %s", l.now.Sub(noon), d)
				}
			}
			if r := count.Recovery(at(4000), time.Time{}, time.Time{}); r.Counted() {
				t.Errorf("with nothing open somebody counts: %+v", r)
			}
		})
	}
}

// TestLongIncident: what was before an incident of a day is not forgotten.
func TestLongIncident(t *testing.T) {
	c := healthy(0, 100)
	for s := 10; s < 24*3600; s += 10 {
		c.Note(census.Sample{At: at(s), Since: noon, Connected: 30})
		if r := c.Recovery(at(s), noon, time.Time{}); r.Missing != 70 {
			t.Fatalf("after %d s %d are missing", s, r.Missing)
		}
	}
}
