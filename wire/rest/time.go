package rest

import (
	"encoding/json"
	"time"
)

// Time is an instant as the API writes it: UTC, ISO 8601 with milliseconds.
// The zero time is null.
type Time struct{ time.Time }

// timeLayout is the API's form of an instant.
const timeLayout = "2006-01-02T15:04:05.000Z"

// At makes a Time.
func At(t time.Time) Time { return Time{t} }

// String gives the instant as the API writes it; empty for the zero time.
func (t Time) String() string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeLayout)
}

// MarshalJSON gives a quoted instant or null.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return []byte(`"` + t.String() + `"`), nil
}

// UnmarshalJSON reads an instant in RFC 3339 with any zone, or null.
func (t *Time) UnmarshalJSON(b []byte) error {
	var s *string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	if s == nil || *s == "" {
		t.Time = time.Time{}
		return nil
	}
	v, err := time.Parse(time.RFC3339Nano, *s)
	if err != nil {
		return err
	}
	t.Time = v.UTC()
	return nil
}

// Text is a string that is null when it is empty.
type Text string

// MarshalJSON gives the string or null.
func (s Text) MarshalJSON() ([]byte, error) {
	if s == "" {
		return []byte("null"), nil
	}
	return json.Marshal(string(s))
}

// UnmarshalJSON reads a string or null.
func (s *Text) UnmarshalJSON(b []byte) error {
	var v *string
	err := json.Unmarshal(b, &v)
	*s = ""
	if v != nil {
		*s = Text(*v)
	}
	return err
}
