package moment

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// zone is what a word of a text can mean. Its name is what is remembered: "UTC"
// where it is an offset.
type zone struct {
	name string
	in   *time.Location
}

// guessed tells that the word was an abbreviation: even one with a single
// meaning is said of summer and winter alike.
func (z zone) guessed() bool { return strings.HasPrefix(z.in.String(), "≈") }

// abbreviations are what people write for zones, and the offsets that they can
// mean, in minutes.
var abbreviations = map[string][]int{
	"ACST": {570}, "ADT": {-180}, "AEDT": {660}, "AEST": {600}, "AKST": {-540}, "AST": {-240, 180}, "AWST": {480}, "BRT": {-180},
	"BST": {60, 360}, "CDT": {-300, -240}, "CEST": {120}, "CET": {60, 120}, "CST": {-360, 480, -300}, "EDT": {-240, 660}, "EEST": {180},
	"EET": {120, 180}, "EST": {-300, 600}, "GST": {240, -120}, "HKT": {480}, "HST": {-600}, "IST": {330, 60, 120}, "JST": {540},
	"KST": {540}, "MDT": {-360}, "MSK": {180}, "MST": {-420, 480}, "NZDT": {780}, "NZST": {720}, "PDT": {-420}, "PKT": {300},
	"PST": {-480, 480}, "SAST": {120}, "SGT": {480}, "SST": {480, -660}, "WEST": {60}, "WET": {0, 60},
}

// zonesOf gives what a word can mean as a zone; none where it is no zone.
func zonesOf(word string) (list []zone) {
	if m := isOffset.FindStringSubmatch(word); m != nil {
		hours, _ := strconv.Atoi(m[2])
		minutes, _ := strconv.Atoi("0" + m[3])
		seconds := hours*3600 + minutes*60
		if hours > 14 || minutes > 59 {
			return nil
		}
		if m[1] == "-" {
			seconds = -seconds
		}
		return []zone{{"UTC", time.FixedZone("", seconds)}}
	}
	switch upper := strings.ToUpper(word); {
	case upper == "UTC", upper == "Z", upper == "GMT":
		return []zone{{"UTC", time.UTC}}
	case abbreviations[upper] != nil:
		for _, minutes := range abbreviations[upper] {
			list = append(list, zone{"UTC", time.FixedZone("≈"+upper, minutes*60)})
		}
		return list
	}
	if !strings.Contains(word, "/") || strings.HasPrefix(word, "Etc/GMT") { // whose signs are the wrong way round
		return nil
	}
	in, err := time.LoadLocation(word)
	if err != nil {
		return nil
	}
	return []zone{{word, in}}
}

const clockWord = `(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?(?: ?[aApP][mM])?`

var (
	looseDay   = regexp.MustCompile(`(?i)\b(yesterday|today|tonight|tomorrow|this (?:morning|afternoon|evening)|last night)\b`)
	looseClock = regexp.MustCompile(`(?:^|[\s(])(` + clockWord + `(?: ?(?:to|until|and|–|-) ?` + clockWord + `)*) ?([^\s,;.)]*)`)
)

// Loose gives the first word or time in a text for others that means another
// instant to each of its readers: "yesterday", or "15:00" without a zone. Empty:
// there is none.
func Loose(text string) string {
	if word := looseDay.FindString(text); word != "" {
		return word
	}
	for _, m := range looseClock.FindAllStringSubmatch(text, -1) {
		if zones := zonesOf(m[2]); len(zones) != 1 {
			return m[1]
		}
	}
	return ""
}
