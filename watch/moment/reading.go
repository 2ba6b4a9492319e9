package moment

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// reading is a text taken apart. What is empty was not there.
type reading struct {
	date, clock, zone string
	rest              []string // what nobody understands
}

var (
	isDate   = regexp.MustCompile(`^(\d{4})-(\d{1,2})-(\d{1,2})$|^(\d{1,2})([/.])(\d{1,2})[/.](\d{4})$`)
	isClock  = regexp.MustCompile(`(?i)^(\d{1,2}):(\d{2})(?::(\d{2}))?(am|pm)?$|^(\d{1,2})(am|pm)$`)
	isOffset = regexp.MustCompile(`^(?:GMT|UTC)?([+-])(\d{1,2})(?::?(\d{2}))?$`)
	joined   = regexp.MustCompile(`^(\d{4}-\d{2}-\d{2})[Tt](.+)$`)
	glued    = regexp.MustCompile(`^(\d{1,2}:\d{2}(?::\d{2})?)(Z|z|[+-]\d{2}:?\d{2})$`)
)

// relative are days that are others to each reader, with how far they are.
var relative = map[string]int{"yesterday": -1, "today": 0, "tonight": 0, "tomorrow": 1}

// split takes a text apart. False: there is no clock in it.
func split(text string) (r reading, ok bool) {
	var words []string
	for word := range strings.FieldsSeq(text) {
		if m := joined.FindStringSubmatch(word); m != nil {
			words = append(words, m[1])
			word = m[2]
		}
		if m := glued.FindStringSubmatch(word); m != nil {
			words = append(words, m[1])
			word = m[2]
		}
		words = append(words, word)
	}
	for _, word := range words {
		_, day := relative[strings.ToLower(word)]
		switch {
		case r.date == "" && (day || isDate.MatchString(word)):
			r.date = strings.ToLower(word)
		case r.clock == "" && isClock.MatchString(word):
			r.clock = strings.ToLower(word)
		case r.clock != "" && isClock.MatchString(r.clock+strings.ToLower(word)) && !strings.HasSuffix(r.clock, "m"):
			r.clock += strings.ToLower(word) // "3:15 pm"
		case r.zone == "" && len(zonesOf(word)) > 0:
			r.zone = word
		default:
			r.rest = append(r.rest, word)
		}
	}
	return r, r.clock != ""
}

// meanings gives everything that a reading can mean, and what is to be asked
// about it; empty: it means what it says.
func (r reading) meanings(against Clock) (list []Choice, why string) {
	zones, why := r.zones(against.Here)
	clock, ok := clockOf(r.clock)
	if !ok {
		return nil, example
	}
	for _, z := range zones {
		days, ask := r.days(against.Now.In(z.in))
		if ask != "" && why == "" {
			why = ask
		}
		for _, d := range days {
			found := instants(d.Year(), d.Month(), d.Day(), clock, z.in)
			switch {
			case len(found) == 0:
				found, why = around(d, clock, z.in), "is skipped there when clocks go forward: which one is meant?"
			case len(found) > 1 && why == "":
				why = "comes twice there, because clocks go back: which one is meant?"
			}
			for _, at := range found {
				c := choice(at, z.name)
				if len(found) > 1 {
					c.Type = at.Format(time.RFC3339)
				}
				list = append(list, c)
			}
		}
	}
	if len(list) == 0 {
		return nil, example
	}
	return list, why
}

// zones gives where a reading can be, and what is to be asked about it.
func (r reading) zones(here *time.Location) (list []zone, why string) {
	if r.zone != "" {
		if list = zonesOf(r.zone); len(list) > 1 || list[0].guessed() {
			why = "is in a zone that means several: which one is it?"
		}
		return list, why
	}
	if here == nil {
		here = time.Local
	}
	list = []zone{{"UTC", time.UTC}}
	switch name := here.String(); name {
	case "UTC":
	case "Local":
		list = append(list, zone{"UTC", here}) // typed with its offset
	default:
		list = append(list, zone{name, here})
	}
	return list, "has no zone: which one is meant?"
}

// days gives what a date can be, and what is to be asked about it.
func (r reading) days(now time.Time) (days []time.Time, why string) {
	if n, ok := relative[r.date]; ok {
		return []time.Time{now.AddDate(0, 0, n)}, "is another day to each reader: say the date"
	}
	if r.date == "" {
		return []time.Time{now, now.AddDate(0, 0, 1)}, "has no date: which day is meant?"
	}
	m := isDate.FindStringSubmatch(r.date)
	if m[1] != "" {
		return date(m[1], m[2], m[3]), ""
	}
	days = date(m[7], m[6], m[4]) // the day first
	if m[5] == "/" {
		for _, d := range date(m[7], m[4], m[6]) {
			if len(days) == 0 || !d.Equal(days[0]) {
				days = append(days, d)
			}
		}
	}
	if len(days) > 1 {
		why = "is a date that is read in two ways: which one is meant?"
	}
	return days, why
}

// date gives a day of the calendar, in UTC; none where there is none.
func date(year, month, day string) []time.Time {
	t, err := time.Parse("2006-1-2", year+"-"+month+"-"+day)
	if err != nil {
		return nil
	}
	return []time.Time{t}
}

// clockOf gives what a clock shows, since midnight.
func clockOf(text string) (time.Duration, bool) {
	m := isClock.FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	hours, half := m[1]+m[5], m[4]+m[6]
	h, _ := strconv.Atoi(hours)
	minutes, _ := strconv.Atoi(m[2])
	seconds, _ := strconv.Atoi(m[3])
	if half != "" {
		if h < 1 || h > 12 {
			return 0, false
		}
		if h %= 12; half == "pm" {
			h += 12
		}
	}
	if h > 23 || minutes > 59 || seconds > 59 {
		return 0, false
	}
	return time.Duration(h)*time.Hour + time.Duration(minutes)*time.Minute + time.Duration(seconds)*time.Second, true
}

// instants gives when a clock shows that in a zone: once, twice when clocks go
// back, never when they go forward.
func instants(year int, month time.Month, day int, clock time.Duration, in *time.Location) (list []time.Time) {
	want := time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Add(clock)
	seen := map[int]bool{}
	for _, near := range []time.Duration{-26 * time.Hour, 26 * time.Hour} { // the offsets before and after
		_, seconds := want.Add(near).In(in).Zone()
		at := want.Add(-time.Duration(seconds) * time.Second).In(in)
		if _, there := at.Zone(); there == seconds && !seen[seconds] {
			list = append(list, at)
		}
		seen[seconds] = true
	}
	return list
}

// around gives what a clock that is skipped can mean: as clocks were before, and
// as they are after.
func around(d time.Time, clock time.Duration, in *time.Location) (list []time.Time) {
	want := time.Date(d.Year(), d.Month(), d.Day(), 0, 0, 0, 0, time.UTC).Add(clock)
	for _, near := range []time.Duration{26 * time.Hour, -26 * time.Hour} {
		_, seconds := want.Add(near).In(in).Zone()
		list = append(list, want.Add(-time.Duration(seconds)*time.Second).In(in))
	}
	return list
}
