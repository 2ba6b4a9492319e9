package hours_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/watch/hours"
	"github.com/cyan-cloud/cyan/watch/signal"
)

// monday is a Monday, 00:00 UTC, far from any change of clocks.
var monday = time.Date(2026, 7, 6, 0, 0, 0, 0, time.UTC)

// busy is how much people of a zone do in a minute, of sixty: by day much, at
// night little, at weekends less.
func busy(at time.Time, zone *time.Location) int {
	at = at.In(zone)
	n := []int{1, 0, 0, 0, 0, 1, 6, 12, 20, 30, 40, 44, 40, 42, 44, 40, 36, 34, 36, 30, 22, 14, 8, 3}[at.Hour()]
	if d := at.Weekday(); d == time.Saturday || d == time.Sunday {
		n /= 2
	}
	return n
}

func locations(zones []string) []*time.Location {
	list := make([]*time.Location, len(zones))
	for n, name := range zones {
		in, err := time.LoadLocation(name)
		if err != nil {
			panic(err) // no zones here: nothing of this can be tested
		}
		list[n] = in
	}
	return list
}

// lived is a diary of so many weeks with people in those zones.
func lived(t *testing.T, weeks int, zones ...string) *hours.Diary {
	t.Helper()
	d := new(hours.Diary)
	there := locations(zones)
	for at := monday.AddDate(0, 0, -7*weeks); at.Before(monday); at = at.Add(time.Minute) {
		x := signal.Traffic{From: at, Until: at.Add(time.Minute), Connected: 1000}
		for _, in := range there {
			n := busy(at, in)
			x.Calls.OK += n
			x.API.OK += 5 + 2*n
			x.Attempts = append(x.Attempts, signal.Slice{Transport: "udp", Tally: signal.Tally{OK: n / 4, Failed: n % 2}})
		}
		d.Note(&x)
	}
	return d
}

// least finds the quietest hour the slow way: it asks the people.
func least(zones ...string) (best time.Time) {
	fewest, there := -1, locations(zones)
	for n := range 168 {
		at, sum := monday.Add(time.Duration(n)*time.Hour), 0
		for _, in := range there {
			for m := range 60 { // not every zone is at whole hours
				sum += busy(at.Add(time.Duration(m)*time.Minute), in)
			}
		}
		if fewest < 0 || sum < fewest {
			best, fewest = at, sum
		}
	}
	return best
}

// TestThreeZones: wherever people live, the first proposal is the hour in which
// they do least; it is in the night of whoever there is but one of.
func TestThreeZones(t *testing.T) {
	for _, zones := range [][]string{
		{"Australia/Brisbane"},
		{"America/New_York"},
		{"Asia/Kathmandu"},
		{"Europe/Berlin", "Australia/Brisbane", "America/Los_Angeles"},
		{"Europe/Berlin", "Europe/Berlin", "Europe/Berlin", "Asia/Tokyo"},
	} {
		got := lived(t, 3, zones...).Quietest(hours.Ask{After: monday, Effects: []signal.Capability{signal.Calls}})
		if len(got) != 3 || !got[0].Starts.Equal(least(zones...)) || got[0].Weeks != 3 || got[0].Share > got[1].Share || got[1].Share > got[2].Share {
			t.Errorf("%v: %+v, want %v", zones, got, least(zones...))
			continue
		}
		if h := got[0].Starts.In(locations(zones)[0]).Hour(); len(zones) == 1 && (h > 5 || got[0].Calls > 60) {
			t.Errorf("%v: at %d o'clock, when there are %.0f calls", zones, h, got[0].Calls)
		}
		if !got[0].Ends.Equal(got[0].Starts.Add(time.Hour)) || got[0].Connected < 999 || got[0].Connected > 1001 {
			t.Errorf("%+v", got[0])
		}
	}
}

// TestEffects: what nobody touches does not count.
func TestEffects(t *testing.T) {
	d := new(hours.Diary)
	for at := monday.AddDate(0, 0, -7); at.Before(monday); at = at.Add(time.Minute) {
		x := signal.Traffic{From: at, Calls: signal.Tally{OK: 10}, API: signal.Tally{OK: 10}, Attempts: []signal.Slice{{Tally: signal.Tally{OK: 10}}}, Connected: 10}
		switch at.Sub(monday.AddDate(0, 0, -7)) / time.Hour {
		case 10:
			x.Calls = signal.Tally{}
		case 20:
			x.Attempts = nil
		case 30:
			x.API = signal.Tally{}
		case 40:
			x.Connected = 0
		}
		d.Note(&x)
	}
	for want, effects := range map[int][]signal.Capability{
		10: {signal.Calls, signal.Variables}, 20: {signal.ConnectTCP}, 30: {signal.API}, 40: {signal.Events},
	} {
		got := d.Quietest(hours.Ask{After: monday, Effects: effects})
		if len(got) == 0 || !got[0].Starts.Equal(monday.Add(time.Duration(want)*time.Hour)) {
			t.Errorf("%v: %+v, want the %dth hour", effects, got, want)
		}
	}
	got := d.Quietest(hours.Ask{After: monday.Add(11*time.Hour + time.Minute), Length: 90 * time.Minute, Effects: []signal.Capability{signal.Calls}})
	if len(got) != 3 || got[0].Starts.Hour() != 10 || got[0].Starts.Day() != 13 || got[0].Calls != 300 || got[1].Starts.Before(got[0].Ends) && got[0].Starts.Before(got[1].Ends) {
		t.Errorf("an hour and a half, of which one is quiet, a week later: %+v", got)
	}
}

// TestUncounted: nothing is proposed of hours that nobody counted, and what is
// too long ago is forgotten.
func TestUncounted(t *testing.T) {
	d := new(hours.Diary)
	if got := d.Quietest(hours.Ask{After: monday}); len(got) != 0 {
		t.Errorf("%+v", got)
	}
	for n := range 29 {
		d.Note(&signal.Traffic{From: monday.Add(time.Duration(n) * time.Minute)})
	}
	if got := d.Quietest(hours.Ask{After: monday}); len(got) != 0 {
		t.Errorf("half an hour says nothing of the whole: %+v", got)
	}
	for n := range 40 {
		d.Note(&signal.Traffic{From: monday.Add(5*time.Hour + time.Duration(n)*time.Minute), Calls: signal.Tally{OK: 2}})
	}
	got := d.Quietest(hours.Ask{After: monday})
	if len(got) != 1 || !got[0].Starts.Equal(monday.Add(5*time.Hour)) || got[0].Calls != 120 || got[0].Share != 1 {
		t.Errorf("%+v", got)
	}
	if turned := d.Note(&signal.Traffic{From: monday.AddDate(0, 0, 57)}); !turned || len(d.Hours) != 1 {
		t.Error(cmp.Diff(nil, d.Hours))
	}
	if turned := d.Note(&signal.Traffic{From: monday}); turned || d.Hours[0].Minutes != 1 {
		t.Error("a clock that was set back spoils it")
	}
}
