package moment

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Time is an instant, and the zone that it was given in: "Europe/Berlin", or
// "UTC" where it was an offset.
type Time struct {
	At   time.Time
	Zone string
}

// Clock says what a text is read against.
type Clock struct {
	Now  time.Time      // which days "tomorrow" and no date are
	Here *time.Location // of the person who types; nil: time.Local
}

// Choice is one meaning of a text.
type Choice struct {
	Type  string    // what to type for it
	Start time.Time // or the instant, where the text is one
	End   time.Time // of a range; zero: the text is an instant
	zone  string
}

// String says what it means: as it is typed, and in UTC.
func (c Choice) String() string {
	text := c.Type + ", which is " + c.Start.UTC().Format(day+" 15:04:05 UTC")
	if !c.End.IsZero() {
		text += " to " + c.End.UTC().Format(day+" 15:04:05 UTC")
	}
	return text
}

// AskError is a text that has to be asked back: it can mean several things, or
// what it means was guessed. Without choices it is no time at all.
type AskError struct {
	Text    string
	Why     string
	Choices []Choice
}

// Error says why, and what can be typed instead.
func (e *AskError) Error() string {
	list := make([]string, len(e.Choices))
	for n, c := range e.Choices {
		list[n] = c.String()
	}
	return strings.TrimSpace(strconv.Quote(e.Text) + " " + e.Why + " " + strings.Join(list, "; or "))
}

const (
	day = time.DateOnly
	// choicesMost bounds what is offered.
	choicesMost = 6
	example     = "is no time: 2026-12-01T04:00:00+01:00 is one, and 2026-12-01 04:00 Europe/Berlin"
)

// Parse reads a time that has its zone: RFC 3339; a date, a time and a zone by
// name or offset; or seconds since 1970. Anything else that looks like a time is
// asked back.
func Parse(text string, against Clock) (Time, error) {
	text = strings.Join(strings.Fields(text), " ")
	if at, ok := epoch(text); ok {
		return Time{at, "UTC"}, nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return Time{at.UTC(), "UTC"}, nil
	}
	r, ok := split(text)
	if !ok || len(r.rest) > 0 {
		return Time{}, &AskError{Text: text, Why: example}
	}
	choices, why := r.meanings(against)
	if len(choices) == 1 && why == "" {
		return Time{choices[0].Start, choices[0].zone}, nil
	}
	return Time{}, &AskError{text, why, first(choices)}
}

// ParseRange reads a beginning and an end with " to " or " until " between. Date
// and zone may stand once. An end that is before the beginning may be on the
// next day, or in the afternoon.
func ParseRange(text string, against Clock) (from, to Time, err error) {
	text = strings.Join(strings.Fields(text), " ")
	ask := &AskError{Text: text, Why: example}
	before, after, found := cut(text)
	begin, ok1 := split(before)
	end, ok2 := split(after)
	if !found || !ok1 || !ok2 || len(begin.rest)+len(end.rest) > 0 {
		return from, to, ask
	}
	if begin.zone == "" {
		begin.zone = end.zone
	}
	if end.zone == "" {
		end.zone = begin.zone
	}
	dated, why := end.date != "", ""
	if begin.date == "" {
		begin.date, why = "today", "has no date: which day is meant?"
	}
	starts, also := begin.meanings(against)
	why = joint(why, also)
	for _, s := range starts {
		one := end
		if begin.zone == "" || len(zonesOf(begin.zone)) != 1 {
			one.zone = s.zone // of the same meaning, never of another
			if s.zone == "UTC" {
				one.zone = offset(s.Start)
			}
		}
		if !dated {
			one.date = s.Start.Format(day)
		}
		list, also := one.ends(s.Start, against)
		why = joint(why, also)
		for _, e := range list {
			ask.Choices = append(ask.Choices, Choice{s.Type + " to " + e.Type, s.Start, e.Start, s.zone})
		}
	}
	if len(ask.Choices) == 1 && why == "" {
		c := ask.Choices[0]
		return Time{c.Start, c.zone}, Time{c.End, c.zone}, nil
	}
	if ask.Choices = first(ask.Choices); why != "" {
		ask.Why = why
	}
	return from, to, ask
}

// ends gives what an end can mean whose beginning is known.
func (r reading) ends(start time.Time, against Clock) (list []Choice, why string) {
	list, why = r.meanings(against)
	later := slices.DeleteFunc(slices.Clone(list), func(c Choice) bool { return !c.Start.After(start) })
	if len(later) > 0 {
		return later, why
	}
	why = "ends before it begins: which end is meant?"
	for _, c := range list {
		if noon := c.Start.Add(12 * time.Hour); noon.After(start) && noon.Day() == c.Start.Day() {
			later = append(later, choice(noon, c.zone))
		}
		later = append(later, choice(c.Start.AddDate(0, 0, 1), c.zone))
	}
	return later, why
}

// joint gives the first of two questions: its answer answers the other.
func joint(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func cut(text string) (before, after string, found bool) {
	for _, word := range []string{" to ", " until ", " – ", " - "} {
		if before, after, found = strings.Cut(text, word); found {
			return before, after, true
		}
	}
	return text, "", false
}

func first(list []Choice) []Choice {
	slices.SortStableFunc(list, func(a, b Choice) int { return a.Start.Compare(b.Start) })
	list = slices.CompactFunc(list, func(a, b Choice) bool { return a.Type == b.Type })
	return list[:min(len(list), choicesMost)]
}

// epoch reads seconds or milliseconds since 1970, of this century.
func epoch(text string) (time.Time, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil:
		return time.Time{}, false
	case len(text) == 10:
		return time.Unix(n, 0).UTC(), true
	case len(text) == 13:
		return time.UnixMilli(n).UTC(), true
	default:
		return time.Time{}, false
	}
}

// choice gives an instant with what to type for it.
func choice(at time.Time, zone string) Choice {
	layout := day + " 15:04"
	if at.Second() != 0 {
		layout += ":05"
	}
	if zone == "UTC" {
		return Choice{Type: at.Format(strings.Replace(layout, " ", "T", 1) + "Z07:00"), Start: at, zone: zone}
	}
	text := at.Format(layout) + " " + zone
	h, m, s := at.Clock()
	clock := time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(s)*time.Second
	if len(instants(at.Year(), at.Month(), at.Day(), clock, at.Location())) != 1 {
		text = at.Format(strings.Replace(layout, " ", "T", 1) + "Z07:00") // it comes twice
	}
	return Choice{Type: text, Start: at, zone: zone}
}

func offset(at time.Time) string {
	_, seconds := at.Zone()
	sign := '+'
	if seconds < 0 {
		sign, seconds = '-', -seconds
	}
	return fmt.Sprintf("%c%02d:%02d", sign, seconds/3600, seconds/60%60)
}
