package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cyan-cloud/cyan/sim"
)

// seenLight is a light as a person describes it.
type seenLight struct {
	sim.LED
	blue bool // the person said blue, which is cyan to most
	deep bool // dark blue, which a device shows while it is listening
}

func (s seenLight) String() string {
	if s.deep {
		return s.Pattern.String() + " dark blue"
	}
	return s.LED.String()
}

// Words that people use for what they see. Cyan is called blue by many, and
// magenta purple.
var (
	colourWords = map[string]sim.Colour{
		"green": sim.Green, "cyan": sim.Cyan, "blue": sim.Cyan, "darkblue": sim.Cyan, "aqua": sim.Cyan,
		"turquoise": sim.Cyan, "teal": sim.Cyan,
		"magenta": sim.Magenta, "purple": sim.Magenta, "pink": sim.Magenta, "violet": sim.Magenta, "red": sim.Red,
		"orange": sim.Orange, "amber": sim.Orange, "yellow": sim.Yellow, "white": sim.White, "rainbow": sim.Rainbow,
		"dark": sim.Dark, "off": sim.Dark, "nothing": sim.Dark,
	}
	patternWords = map[string]sim.Pattern{
		"breathing": sim.Breathing, "pulsing": sim.Breathing, "fading": sim.Breathing, "breathes": sim.Breathing,
		"blinking": sim.Blinking, "flashing": sim.Blinking, "slow": sim.Blinking, "slowly": sim.Blinking, "blinks": sim.Blinking,
		"fast": sim.Fast, "rapid": sim.Fast, "quick": sim.Fast, "rapidly": sim.Fast, "quickly": sim.Fast,
	}
	countWords = map[string]int{"one": 1, "once": 1, "single": 1, "two": 2, "twice": 2, "three": 3, "thrice": 3, "four": 4, "five": 5}
)

// fillers are words that people put between the others.
var fillers = []string{
	"light", "bright", "steady", "solid", "then", "and", "a", "flash", "flashes", "blink", "led", "with", "by", "followed",
	"times", "the", "is", "it", "of", "in", "out", "short", "after",
}

// parseLights reads words such as "rapid cyan one red". A colour takes what
// stands before it; a movement behind a steady colour belongs to that one.
func parseLights(text string) ([]seenLight, error) {
	var all []seenLight
	var next seenLight
	for _, word := range lightWords(text) {
		colour, isColour := colourWords[word]
		pattern, isPattern := patternWords[word]
		count, isCount := number(word)
		switch {
		case isCount:
			next.Pattern, next.Times = sim.Flash, count
		case isPattern && next == (seenLight{}) && len(all) > 0 && all[len(all)-1].Pattern == sim.Steady:
			all[len(all)-1].Pattern = pattern
		case isPattern && next.Pattern != sim.Flash:
			next.Pattern = max(next.Pattern, pattern) // "blinking fast"
		case isColour:
			moved(all)
			next.Colour, next.blue, next.deep = colour, word == "blue", word == "darkblue"
			if colour == sim.Dark || colour == sim.Rainbow {
				next.Pattern = sim.Steady
			}
			all = append(all, next)
			next = seenLight{}
		case isPattern || slices.Contains(fillers, word):
		default:
			return nil, misuse(fmt.Sprintf("%q is no word for a light", word),
				"colours: green cyan magenta red orange yellow white; movements: breathing blinking fast; numbers for single flashes")
		}
	}
	if len(all) == 0 {
		return nil, misuse("which colour?", "cyan led fast cyan one red")
	}
	return all, nil
}

// moved takes a cyan that did not move, in what somebody said, for a blinking
// one when something follows it: no device shows it steady.
func moved(all []seenLight) {
	if n := len(all); n > 0 && all[n-1].Colour == sim.Cyan && all[n-1].Pattern == sim.Steady {
		all[n-1].Pattern = sim.Blinking
	}
}

// number reads how often something flashes.
func number(word string) (int, bool) {
	if n, ok := countWords[word]; ok {
		return n, true
	}
	n, err := strconv.Atoi(word)
	return n, err == nil
}

// lightWords splits what a person says; the two words of dark blue are one,
// and light blue is not dark.
func lightWords(text string) []string {
	text = strings.NewReplacer("dark blue", "darkblue", "deep blue", "darkblue", "navy blue", "darkblue", "light blue", "cyan").
		Replace(strings.ToLower(text))
	return strings.FieldsFunc(text, notInWord)
}

func notInWord(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') }
