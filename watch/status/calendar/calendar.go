// Package calendar has the windows of maintenance for people's calendars, as
// RFC 5545 wants them. Incidents are never in it: nobody plans them.
package calendar

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"

	"github.com/cyan-cloud/cyan/watch/maintenance"
)

// Type is the media type.
const Type = "text/calendar; charset=utf-8"

// keptFor is how long a window that is over stays in the calendar.
const keptFor = 90 * 24 * time.Hour

// Of gives the calendar of the page at address, whose name is name. Times are
// in UTC, which every calendar shows in its reader's zone; the zone in which
// a window was announced is in its description. A window that was cancelled
// stays, as cancelled, so that it goes from calendars that have it.
func Of(name, address string, windows []maintenance.Window, now time.Time) []byte {
	c := ics.NewCalendarFor("cyan")
	c.SetMethod(ics.MethodPublish)
	title := plain(name) + ": maintenance"
	c.SetName(title)
	c.SetXWRCalName(title)
	c.SetRefreshInterval("PT15M")
	c.SetXPublishedTTL("PT15M")
	host := "cyan"
	if u, err := url.Parse(address); err == nil && u.Hostname() != "" {
		host = u.Hostname()
	}
	for at := range windows {
		if w := &windows[at]; !w.Over() || now.Sub(w.Closed) < keptFor {
			c.AddVEvent(event(w, address, host))
		}
	}
	return []byte(c.Serialize(ics.WithNewLineWindows, ics.WithLineLength(75)))
}

// event is a window. The same window always makes the same event.
func event(w *maintenance.Window, address, host string) *ics.VEvent {
	e := ics.NewEvent(w.ID + "@" + host)
	changed := w.Planned
	if n := len(w.Timeline); n > 0 {
		changed = w.Timeline[n-1].At
	}
	e.SetDtStampTime(changed)
	e.SetCreatedTime(w.Planned)
	e.SetModifiedAt(changed)
	e.SetSequence(max(0, len(w.Timeline)-1))
	e.SetStartAt(w.Starts)
	e.SetEndAt(w.Ends)
	e.SetStatus(ics.ObjectStatusConfirmed)
	if w.Status == maintenance.Cancelled {
		e.SetStatus(ics.ObjectStatusCancelled)
	}
	e.SetSummary("Maintenance: " + plain(w.Title))
	e.SetDescription(plain(w.Announcement()) + "\n" + strings.ReplaceAll(string(w.Kind), "_", " ") + ", " + strings.ReplaceAll(string(w.Status), "_", " "))
	e.SetURL(address + "/m/" + strconv.Itoa(w.Number))
	e.SetTimeTransparency(ics.TransparencyTransparent) // nobody is busy because of it
	return e
}

// plain takes out what a line of text cannot hold, and what begins markup: some
// calendars take a description for HTML.
func plain(s string) string {
	s = strings.NewReplacer("<", "‹", ">", "›").Replace(s)
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "\uFFFD"), func(r rune) bool { return r < ' ' || r == 0x7f }), " ")
}
