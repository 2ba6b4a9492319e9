package maintenance

import (
	"strings"
	"time"
)

// ParseTime reads a time that has its zone: RFC 3339, or a date, a time and the
// name of a zone. It refuses what has none, what is skipped when clocks go
// forward, and what comes twice when they go back.
func ParseTime(s string) (at time.Time, zone string, err error) {
	s = strings.TrimSpace(s)
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04Z07:00"} {
		if at, err = time.Parse(layout, s); err == nil {
			return at.UTC(), "UTC", nil
		}
	}
	cut := strings.LastIndexByte(s, ' ')
	if cut < 0 {
		return time.Time{}, "", ErrZone
	}
	zone = s[cut+1:]
	if zone != "UTC" && !strings.Contains(zone, "/") {
		return time.Time{}, "", ErrZone // "CET" and "Local" mean different things to different people
	}
	where, err := time.LoadLocation(zone)
	if err != nil {
		return time.Time{}, "", ErrZone
	}
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02T15:04:05"} {
		at, err = time.ParseInLocation(layout, s[:cut], where)
		if err != nil {
			continue
		}
		if at.Format(layout) != s[:cut] {
			return time.Time{}, "", ErrNoTime
		}
		// The same clock an hour earlier or later is the same reading twice.
		for _, other := range []time.Time{at.Add(-time.Hour), at.Add(time.Hour)} {
			if other.Format(layout) == s[:cut] {
				return time.Time{}, "", ErrTwice
			}
		}
		return at.UTC(), zone, nil
	}
	return time.Time{}, "", ErrZone
}
