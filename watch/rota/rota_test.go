package rota_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"github.com/cyan-cloud/cyan/watch/rota"
)

// autumn is a rota over the end of summer time, which in Berlin is on Sunday,
// 25 October 2026.
const autumn = `
zone: Europe/Berlin
handover: monday 09:00
people: {ada: [ada-phone, ada-mail], bob: [bob-phone], cy: [cy-phone]}
lines:
  first: {begins: 2026-10-12, turns: [ada, bob, cy]}
  second: {begins: 2026-10-12, ends: 2026-11-23, turns: [bob, cy], weeks: 2}
swaps:
  - {line: first, weeks: [2026-11-02, 2026-11-09]}
cover:
  - {line: first, who: cy, from: 2026-10-20 18:00, until: "2026-10-21T06:00:00Z"}
away:
  - {who: bob, from: 2026-11-11 12:00, until: 2026-11-14}
`

func parse(t testing.TB, text string) (*rota.Rota, error) {
	t.Helper()
	var s rota.Settings
	if err := yaml.Unmarshal([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	return s.Rota()
}

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

// TestShifts: who is on call, week by week, by the clock on the wall.
func TestShifts(t *testing.T) {
	r, err := parse(t, autumn)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, line := range []string{"first", "second"} {
		for _, s := range r.Shifts(line, at("2026-10-05T00:00:00Z"), at("2026-12-01T00:00:00Z")) {
			got = append(got, fmt.Sprintf("%s %s %s %s%s", line, s.From.Format("01-02 15:04"), s.Until.Format("01-02 15:04"), s.Who, map[bool]string{true: " (" + s.Why + ")"}[s.Why != ""]))
		}
	}
	want := []string{
		"first 10-05 00:00 10-12 07:00  (the line has not begun)",
		"first 10-12 07:00 10-19 07:00 ada",
		"first 10-19 07:00 10-20 16:00 bob",
		"first 10-20 16:00 10-21 06:00 cy (covers for bob)",
		"first 10-21 06:00 10-26 08:00 bob",
		"first 10-26 08:00 11-02 08:00 cy",
		"first 11-02 08:00 11-09 08:00 bob (swapped with ada)",
		"first 11-09 08:00 11-16 08:00 ada (swapped with bob)",
		"first 11-16 08:00 11-23 08:00 cy",
		"first 11-23 08:00 11-30 08:00 ada",
		"first 11-30 08:00 12-01 00:00 bob",
		"second 10-05 00:00 10-12 07:00  (the line has not begun)",
		"second 10-12 07:00 10-26 08:00 bob",
		"second 10-26 08:00 11-09 08:00 cy",
		"second 11-09 08:00 11-11 11:00 bob",
		"second 11-11 11:00 11-13 23:00  (bob is away)",
		"second 11-13 23:00 11-23 08:00 bob",
		"second 11-23 08:00 12-01 00:00  (the line has ended)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"ada-phone", "ada-mail"}, r.Outlets("first", at("2026-10-12T07:00:00Z"))); diff != "" {
		t.Error(diff)
	}
	everybody := []string{"ada-phone", "ada-mail", "bob-phone", "cy-phone"}
	for _, line := range []string{rota.Everybody, "second", "no such line"} {
		if diff := cmp.Diff(everybody, r.Outlets(line, at("2026-11-12T00:00:00Z"))); diff != "" {
			t.Errorf("%s: %s", line, diff)
		}
	}
}

// TestSpring: a handover stays at the clock's time when summer time begins: the
// week before is an hour shorter.
func TestSpring(t *testing.T) {
	r, err := parse(t, strings.NewReplacer("2026-10-12", "2026-03-16", "2026-11-23", "2026-05-25", "2026-11-02", "2026-04-13", "2026-11-09", "2026-04-20").Replace(autumn))
	if err != nil {
		t.Fatal(err)
	}
	for when, who := range map[string]string{
		"2026-03-23T08:00:00Z": "bob", "2026-03-30T06:59:59Z": "bob", "2026-03-30T07:00:00Z": "cy", "2026-03-30T07:59:59Z": "cy", "2026-04-06T06:59:59Z": "cy", "2026-04-06T07:00:00Z": "ada",
	} {
		if s := r.Shifts("first", at(when), at(when).Add(time.Second)); s[0].Who != who {
			t.Errorf("at %s it is %s, not %s", when, s[0].Who, who)
		}
	}
}

// TestGap: a gap is found before it begins and while it goes on, and its
// beginning stays the same.
func TestGap(t *testing.T) {
	r, err := parse(t, autumn)
	if err != nil {
		t.Fatal(err)
	}
	week := 7 * 24 * time.Hour
	for _, c := range []struct{ line, now, from, until string }{
		{"second", "2026-11-04T10:59:00Z", "", ""},
		{"second", "2026-11-04T11:01:00Z", "2026-11-11T11:00:00Z", "2026-11-13T23:00:00Z"},
		{"second", "2026-11-12T00:00:00Z", "2026-11-11T11:00:00Z", "2026-11-13T23:00:00Z"},
		{"second", "2026-11-15T00:00:00Z", "", ""},
		{"second", "2026-11-20T00:00:00Z", "2026-11-23T08:00:00Z", "0001-01-01T00:00:00Z"},
		{"second", "2027-03-01T00:00:00Z", "2026-11-23T08:00:00Z", "0001-01-01T00:00:00Z"},
		{"second", "2029-03-01T00:00:00Z", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"},
		{"first", "2026-11-04T10:00:00Z", "", ""},
	} {
		gap, ok := r.Gap(c.line, at(c.now), week)
		if ok != (c.from != "") || ok && (!gap.From.Equal(at(c.from)) || !gap.Until.Equal(at(c.until))) {
			t.Errorf("%s at %s: %v %+v", c.line, c.now, ok, gap)
		}
	}
}

// TestRefused: what is wrong with a rota is said by name.
func TestRefused(t *testing.T) {
	for change, want := range map[[2]string]string{
		{"Europe/Berlin", "CET+1"}:                                 `rota: zone: "CET+1" is no time zone such as Europe/Berlin`,
		{"monday 09:00", "09:00"}:                                  `rota: handover: "09:00" is no day and time such as monday 09:00`,
		{"begins: 2026-10-12, turns", "begins: 2026-10-13, turns"}: "rota: first: begins: 2026-10-13 is a Tuesday, and the handover is on Mondays",
		{"bob, cy]}", "bob, eve]}"}:                                `rota: lines: first: there is nobody called "eve" in people`,
		{"[bob-phone]", "[]"}:                                      "rota: people: bob has no outlet",
		{"line: first, who", "line: third, who"}:                   `rota: cover: there is no line "third"`,
		{"2026-10-20 18:00", "2026-10-25 02:30"}:                   "comes twice",
		{"2026-10-20 18:00", "2026-03-29 02:30"}:                   "rota: cover: from: 2026-03-29 02:30: the clocks skip that in Europe/Berlin",
		{"2026-10-20 18:00", "yesterday"}:                          `rota: cover: from: "yesterday" is no time such as 2026-11-25 18:00`,
		{"until: 2026-11-14", "until: 2026-11-01"}:                 "rota: away: 2026-11-01 is not after 2026-11-11 12:00",
		{"[2026-11-02, 2026-11-09]", "[2026-11-02]"}:               "rota: swaps: want a line, and the days of two handovers",
		{"[2026-11-02, 2026-11-09]", "[2026-11-02, 2026-11-02]"}:   "rota: swaps: 2026-11-02 and 2026-11-02 are not two turns of first",
		{"turns: [bob, cy], weeks: 2", "weeks: 2"}:                 "rota: lines: second: turns is missing",
		{"ends: 2026-11-23", "ends: 2026-10-05"}:                   "rota: lines: second: it ends before it begins",
	} {
		text := strings.Replace(autumn, change[0], change[1], 1)
		if _, err := parse(t, text); text == autumn || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", change[1], err)
		}
	}
	if r, err := parse(t, ""); r != nil || err != nil || r.Has("first") || len(r.Outlets("first", time.Now())) != 0 {
		t.Errorf("without settings: %v %v", r, err)
	}
}

// TestNoHoles: whenever shifts are asked for, they follow each other, and each
// is what somebody who asks at one moment of it is told.
func TestNoHoles(t *testing.T) {
	r, err := parse(t, autumn)
	if err != nil {
		t.Fatal(err)
	}
	begin := at("2026-09-01T00:00:00Z")
	rapid.Check(t, func(t *rapid.T) {
		from := begin.Add(time.Duration(rapid.IntRange(0, 200*24*60).Draw(t, "minute")) * time.Minute)
		until := from.Add(time.Duration(rapid.IntRange(1, 60*24*60).Draw(t, "minutes")) * time.Minute)
		line := rapid.SampledFrom(r.Lines()).Draw(t, "line")
		edge := from
		for _, s := range r.Shifts(line, from, until) {
			if !s.From.Equal(edge) || !s.Until.After(s.From) {
				t.Fatalf("%v does not follow %v", s, edge)
			}
			edge = s.Until
			span := int(s.Until.Sub(s.From) / time.Second)
			when := s.From.Add(time.Duration(rapid.IntRange(0, span-1).Draw(t, "second")) * time.Second)
			if one := r.Shifts(line, when, when.Add(time.Second)); one[0].Who != s.Who {
				t.Fatalf("%v: at %v it is %q", s, when, one[0].Who)
			}
		}
		if !edge.Equal(until) {
			t.Fatalf("they end at %v instead of %v", edge, until)
		}
	})
}
