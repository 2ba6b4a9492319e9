package calendar_test

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	ics "github.com/arran4/golang-ical"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cyan-cloud/cyan/watch/maintenance"
	"github.com/cyan-cloud/cyan/watch/signal"
	"github.com/cyan-cloud/cyan/watch/status/calendar"
)

var noon = time.Date(2026, 5, 29, 12, 0, 0, 0, time.UTC)

// windows are one that is ahead, one that was cancelled, and one that was over
// long ago.
func windows(t interface{ Fatal(...any) }, title, reason string) []maintenance.Window {
	c := maintenance.New()
	plan := func(now, starts time.Time) maintenance.Window {
		ch, err := c.Plan(now, maintenance.Window{
			Kind: maintenance.Planned, Title: title, Reason: reason, Who: "ana", Zone: "Australia/Brisbane",
			Effects: []maintenance.Effect{{Capability: signal.Calls, Worst: signal.Partial}}, Starts: starts, Ends: starts.Add(time.Hour),
		})
		if err != nil {
			t.Fatal(err)
		}
		return ch.Window
	}
	old := plan(noon.AddDate(0, -6, 0), noon.AddDate(0, -5, 0))
	c.Apply(old.Starts, nil)
	c.Apply(old.Ends, nil)
	c.Apply(old.Ends.Add(time.Hour), nil) // nobody measures what it touched: it is over without a check
	plan(noon, time.Date(2026, 5, 31, 18, 0, 0, 0, time.UTC))
	gone := plan(noon, noon.AddDate(0, 1, 0))
	if _, err := c.Cancel(noon.Add(time.Hour), gone.ID, "ana", ""); err != nil {
		t.Fatal(err)
	}
	return c.List()
}

// TestCalendar is the whole of it, for one window ahead and one cancelled.
func TestCalendar(t *testing.T) {
	list := windows(t, "New database; bigger, faster", "It moves \\ to a bigger machine.")
	got := calendar.Of("Example Cloud", "https://status.example.com", list, noon.Add(2*time.Hour))
	text := strings.NewReplacer(list[0].ID, "GONE", list[1].ID, "AHEAD").Replace(strings.ReplaceAll(unfolded(string(got)), "\r\n", "\n"))
	want := `BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//cyan//Golang ICS Library
METHOD:PUBLISH
NAME:Example Cloud: maintenance
X-WR-CALNAME:Example Cloud: maintenance
REFRESH-INTERVAL;VALUE=DURATION:PT15M
X-PUBLISHED-TTL:PT15M
BEGIN:VEVENT
UID:GONE@status.example.com
DTSTAMP:20260529T130000Z
CREATED:20260529T120000Z
LAST-MODIFIED:20260529T130000Z
SEQUENCE:1
DTSTART:20260629T120000Z
DTEND:20260629T130000Z
STATUS:CANCELLED
SUMMARY:Maintenance: New database\; bigger\, faster
DESCRIPTION:It moves \\ to a bigger machine. From 2026-06-29 12:00 to 2026-06-29 13:00 UTC (2026-06-29 22:00 to 23:00 AEST Australia/Brisbane) these may not work: Function calls (at worst partial outage). Everything else does.\nplanned\, cancelled
URL:https://status.example.com/m/3
TRANSP:TRANSPARENT
END:VEVENT
BEGIN:VEVENT
UID:AHEAD@status.example.com
DTSTAMP:20260529T120000Z
CREATED:20260529T120000Z
LAST-MODIFIED:20260529T120000Z
SEQUENCE:0
DTSTART:20260531T180000Z
DTEND:20260531T190000Z
STATUS:CONFIRMED
SUMMARY:Maintenance: New database\; bigger\, faster
DESCRIPTION:It moves \\ to a bigger machine. From 2026-05-31 18:00 to 2026-05-31 19:00 UTC (2026-06-01 04:00 to 05:00 AEST Australia/Brisbane) these may not work: Function calls (at worst partial outage). Everything else does.\nplanned\, scheduled
URL:https://status.example.com/m/2
TRANSP:TRANSPARENT
END:VEVENT
END:VCALENDAR
`
	if diff := cmp.Diff(want, text); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// unfolded puts folded lines together, as section 3.1 says.
func unfolded(text string) string { return strings.ReplaceAll(text, "\r\n ", "") }

// TestWhateverItIsCalled: lines are of 75 bytes at most, whole characters, and
// a parser reads the words that went in.
func TestWhateverItIsCalled(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		title := "x" + rapid.String().Draw(t, "title")
		got := calendar.Of("Example", "https://status.example.com", windows(t, title, "x"+rapid.StringN(0, 400, -1).Draw(t, "reason")), noon.Add(2*time.Hour))
		for line := range strings.SplitSeq(strings.TrimSuffix(string(got), "\r\n"), "\r\n") {
			if len(line) > 75 || !utf8.ValidString(line) || strings.ContainsAny(line, "\r\n") {
				t.Fatalf("a line of %d bytes: %q", len(line), line)
			}
		}
		parsed, err := ics.ParseCalendar(bytes.NewReader(got))
		if err != nil || len(parsed.Events()) != 2 {
			t.Fatalf("%v, %d events:\n%s", err, len(parsed.Events()), got)
		}
		e := parsed.Events()[1]
		starts, err := e.GetStartAt()
		if err != nil || !starts.Equal(time.Date(2026, 5, 31, 18, 0, 0, 0, time.UTC)) {
			t.Errorf("it starts at %v: %v", starts, err)
		}
		clean := strings.Join(strings.FieldsFunc(title, func(r rune) bool { return r < ' ' || r == 0x7f }), " ")
		clean = strings.NewReplacer("<", "‹", ">", "›").Replace(clean)
		if summary := e.GetProperty(ics.ComponentPropertySummary).Value; summary != "Maintenance: "+clean {
			t.Errorf("%q became %q", title, summary)
		}
	})
}
