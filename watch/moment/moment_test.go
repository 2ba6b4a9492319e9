package moment_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the zones of the tests, wherever they run

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cyan-cloud/cyan/watch/moment"
)

func against(t testing.TB, here string) moment.Clock {
	t.Helper()
	in, err := time.LoadLocation(here)
	if err != nil {
		t.Fatal(err)
	}
	return moment.Clock{Now: time.Date(2020, 6, 1, 12, 0, 0, 0, time.UTC), Here: in}
}

// utc gives what was understood: instants in UTC, with a question mark before
// them where it was asked back.
func utc(from, to time.Time, err error) []string {
	const layout = "2006-01-02T15:04:05Z"
	var list []string
	one := func(mark string, from, to time.Time) {
		text := mark + from.UTC().Format(layout)
		if !to.IsZero() {
			text += "/" + to.UTC().Format(layout)
		}
		list = append(list, text)
	}
	if err == nil {
		one("", from, to)
	}
	if ask, ok := errors.AsType[*moment.AskError](err); ok {
		for _, c := range ask.Choices {
			one("?", c.Start, c.End)
		}
	}
	return list
}

// TestParse: a time is taken only where it can mean one thing; where it can mean
// several, all of them are offered, and what means nothing is refused.
func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		// with their zone
		"2026-12-01T04:00:00+01:00":           "2026-12-01T03:00:00Z",
		"2026-12-01T04:00Z":                   "2026-12-01T04:00:00Z",
		"2026-12-01T04:00:00.25-01:00":        "2026-12-01T05:00:00Z",
		"2026-12-01 04:00 Europe/Berlin":      "2026-12-01T03:00:00Z",
		"2026-12-01 04:00 Asia/Kathmandu":     "2026-11-30T22:15:00Z",
		"2020-06-01 04:00 Australia/Brisbane": "2020-05-31T18:00:00Z",
		"2026-12-01 04:00 UTC":                "2026-12-01T04:00:00Z",
		"2026-12-01 4:00 pm UTC+10":           "2026-12-01T06:00:00Z",
		"2026-12-01 15:00:00 GMT+10:00":       "2026-12-01T05:00:00Z",
		"2026-10-25T02:30:00+02:00":           "2026-10-25T00:30:00Z",
		"31/12/2026 23:00 UTC":                "2026-12-31T23:00:00Z",
		"1590948000":                          "2020-05-31T18:00:00Z",
		"1590948000000":                       "2020-05-31T18:00:00Z",
		// no zone: UTC, or that of who types
		"2026-12-01 04:00": "?2026-11-30T18:00:00Z ?2026-12-01T04:00:00Z",
		// a zone that means several, or is said of summer and winter alike
		"2026-12-01 04:00 CST": "?2026-11-30T20:00:00Z ?2026-12-01T09:00:00Z ?2026-12-01T10:00:00Z",
		"2026-12-01 04:00 CET": "?2026-12-01T02:00:00Z ?2026-12-01T03:00:00Z",
		// clocks go forward: skipped; back: twice
		"2026-03-29 02:30 Europe/Berlin":       "?2026-03-29T00:30:00Z ?2026-03-29T01:30:00Z",
		"2026-10-25 02:30 Europe/Berlin":       "?2026-10-25T00:30:00Z ?2026-10-25T01:30:00Z",
		"2026-10-04 02:15 Australia/Lord_Howe": "?2026-10-03T15:15:00Z ?2026-10-03T15:45:00Z", // by half an hour
		"2026-04-05 01:45 Australia/Lord_Howe": "?2026-04-04T14:45:00Z ?2026-04-04T15:15:00Z",
		"2011-12-30 12:00 Pacific/Apia":        "?2011-12-29T22:00:00Z ?2011-12-30T22:00:00Z", // a day that was left out
		// a date that is read in two ways, none, or another to each reader
		"1/2/2026 04:00 UTC":             "?2026-01-02T04:00:00Z ?2026-02-01T04:00:00Z",
		"04:00 UTC":                      "?2020-06-01T04:00:00Z ?2020-06-02T04:00:00Z",
		"tomorrow 04:00 UTC":             "?2020-06-02T04:00:00Z",
		"yesterday 15:00 Asia/Kathmandu": "?2020-05-31T09:15:00Z",
		// no times
		"2026-12-01 04:00 Local": "", "tomorrow Europe/Berlin": "", "soon": "", "": "", "2026-13-01 04:00 UTC": "", "2026-12-01 24:30 UTC": "",
		"2026-12-01 04:00 Etc/GMT+10": "", "2026-12-01 13:00 pm UTC": "", "2026-12-01 04:00 UTC UTC": "",
	} {
		at, err := moment.Parse(text, against(t, "Australia/Brisbane"))
		if err == nil && at.Zone == "" {
			t.Errorf("%q has no zone", text)
		}
		if got := strings.Join(utc(at.At, time.Time{}, err), " "); got != want {
			t.Errorf("%q is %q, want %q (%v)", text, got, want, err)
		}
	}
}

// TestRange: both ends have one date and zone; an end before the beginning has
// two readings, of which the first is what was meant on the 31st of May.
func TestRange(t *testing.T) {
	for text, want := range map[string][]string{
		"2020-05-31 15:00:00 to 17:15:00 GMT+10:00":              {"2020-05-31T05:00:00Z/2020-05-31T07:15:00Z"},
		"2020-05-31 22:00 UTC until 2020-06-01 02:00 UTC":        {"2020-05-31T22:00:00Z/2020-06-01T02:00:00Z"},
		"2020-05-31 15:00 Australia/Brisbane - 2020-05-31 17:15": {"2020-05-31T05:00:00Z/2020-05-31T07:15:00Z"},
		"15:00:00 to 5:15:00 GMT+10:00":                          {"?2020-06-01T05:00:00Z/2020-06-01T07:15:00Z", "?2020-06-01T05:00:00Z/2020-06-01T19:15:00Z"},
		"2020-05-31 15:00 to 17:15":                              {"?2020-05-31T05:00:00Z/2020-05-31T07:15:00Z", "?2020-05-31T15:00:00Z/2020-05-31T17:15:00Z"},
		"2020-05-31 15:00 to 17:15 BST":                          {"?2020-05-31T09:00:00Z/2020-05-31T11:15:00Z", "?2020-05-31T14:00:00Z/2020-05-31T16:15:00Z"},
		"2026-10-25 01:30 to 02:30 Europe/Berlin":                {"?2026-10-24T23:30:00Z/2026-10-25T00:30:00Z", "?2026-10-24T23:30:00Z/2026-10-25T01:30:00Z"},
		"2020-05-31 15:00 UTC":                                   nil, "to 17:15 UTC": nil, "15:00 to noon UTC": nil,
	} {
		from, to, err := moment.ParseRange(text, against(t, "Australia/Brisbane"))
		if diff := cmp.Diff(want, utc(from.At, to.At, err)); diff != "" {
			t.Errorf("%q (-want +got): %v\n%s", text, err, diff)
		}
	}
}

// TestChoicesAreAnswers: what is offered means just that when it is typed.
func TestChoicesAreAnswers(t *testing.T) {
	zones := []string{"", " CST", " CET", " Europe/Berlin", " America/New_York", " Australia/Lord_Howe", " GMT+10:00"}
	rapid.Check(t, func(r *rapid.T) {
		at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 366*96).Draw(r, "quarters")) * 15 * time.Minute)
		clock := against(t, rapid.SampledFrom([]string{"UTC", "Europe/Berlin", "Asia/Kathmandu"}).Draw(r, "here"))
		text := at.Format(rapid.SampledFrom([]string{"2006-01-02 15:04", "1/2/2006 3:04 pm", "15:04", "today 15:04"}).Draw(r, "layout")) + rapid.SampledFrom(zones).Draw(r, "zone")
		_, err := moment.Parse(text, clock)
		ask, ok := errors.AsType[*moment.AskError](err)
		if err == nil {
			return
		}
		if !ok || len(ask.Choices) == 0 || !strings.Contains(err.Error(), "?") && !strings.Contains(err.Error(), "say the date") {
			r.Fatalf("%q: %v", text, err)
		}
		if !slices.IsSortedFunc(ask.Choices, func(a, b moment.Choice) int { return a.Start.Compare(b.Start) }) {
			r.Fatalf("%q: %v", text, ask.Choices)
		}
		for _, c := range ask.Choices {
			if again, err := moment.Parse(c.Type, clock); err != nil || !again.At.Equal(c.Start) {
				r.Fatalf("%q offers %q, which is %v (%v), not %v", text, c.Type, again.At, err, c.Start)
			}
		}
	})
}

// TestWords: the question says why, and what can be typed.
func TestWords(t *testing.T) {
	_, err := moment.Parse("2026-10-25 02:30 Europe/Berlin", against(t, "UTC"))
	want := `"2026-10-25 02:30 Europe/Berlin" comes twice there, because clocks go back: which one is meant? ` +
		`2026-10-25T02:30:00+02:00, which is 2026-10-25 00:30:00 UTC; or 2026-10-25T02:30:00+01:00, which is 2026-10-25 01:30:00 UTC`
	if err == nil || err.Error() != want {
		t.Error(err)
	}
}

// TestLoose: words for others say no time that is another to each reader.
func TestLoose(t *testing.T) {
	for text, want := range map[string]string{
		"It began yesterday.": "yesterday", "Fixed TODAY.": "TODAY", "We look again tonight": "tonight", "It failed this morning.": "this morning",
		"Until 15:00 we look.": "15:00", "From 3:00 pm on": "3:00 pm", "At 15:00 CST it ended.": "15:00", "(15:00)": "15:00",
		"At 15:00 UTC it ended.": "", "From 15:00 to 17:15 UTC, or 05:00 AEST": "", "Since 2026-12-01T04:00:00Z.": "",
		"At 2026-12-01 04:00 Europe/Berlin we begin.": "", "3 of 4 gateways": "", "Port 10.0.0.1:53 and 1:5": "", "on 2026-12-01": "", "": "",
	} {
		if got := moment.Loose(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"2026-12-01T04:00Z", "15:00:00 to 5:15:00 GMT+10:00", "tomorrow 3pm EST", "1/2/2026 02:30 Europe/Berlin", "9999-12-31 23:59 to 0:00 -14:00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		clock := against(t, "Europe/Berlin")
		if at, err := moment.Parse(text, clock); err == nil && (at.At.IsZero() || at.Zone == "") {
			t.Errorf("%q: %+v", text, at)
		}
		if from, to, err := moment.ParseRange(text, clock); err == nil && !to.At.After(from.At) {
			t.Errorf("%q: %v to %v", text, from.At, to.At)
		}
		moment.Loose(text)
	})
}
