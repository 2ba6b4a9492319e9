package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/sim"
)

// Words that people use for what they see. Cyan is called blue by many, and
// magenta purple.
var (
	colourWords = map[string]sim.Colour{
		"green": sim.Green, "cyan": sim.Cyan, "blue": sim.Cyan, "turquoise": sim.Cyan, "teal": sim.Cyan,
		"magenta": sim.Magenta, "purple": sim.Magenta, "pink": sim.Magenta, "violet": sim.Magenta, "red": sim.Red,
		"orange": sim.Orange, "yellow": sim.Yellow, "white": sim.White, "rainbow": sim.Rainbow,
		"dark": sim.Dark, "off": sim.Dark, "nothing": sim.Dark,
	}
	patternWords = map[string]sim.Pattern{
		"breathing": sim.Breathing, "pulsing": sim.Breathing, "fading": sim.Breathing,
		"blinking": sim.Blinking, "flashing": sim.Blinking, "slow": sim.Blinking,
		"fast": sim.Fast, "rapid": sim.Fast, "quick": sim.Fast, "rapidly": sim.Fast, "quickly": sim.Fast,
	}
	countWords = map[string]int{"one": 1, "once": 1, "single": 1, "two": 2, "twice": 2, "three": 3}
)

// nextSteps says what to do about what a device shows.
var nextSteps = map[string]string{
	"blinking green":      "the device's own network: credentials, range, SIM. Nothing has reached the cloud",
	"blinking cyan":       "it may be waiting between tries, up to two minutes: see whether a flash of another colour comes",
	"fast blinking cyan":  "seconds are normal; if it stays or a flash follows: cyan attempts DEVICE",
	"breathing cyan":      "if cyan list shows it offline, it holds a session that the cloud does not have: wait 4 minutes (cellular 25), or reset it",
	"breathing magenta":   "its application did not run; it can be updated",
	"1 red flash":         "cyan attempts DEVICE tells the reason and who is at fault; do not re-key the device before",
	"1 orange flash":      "provision the device's public key: cyan device provision ID --key FILE",
	"1 magenta flash":     "write this cloud's key to the device: cyan key show, particle keys server",
	"2 orange flashes":    "its network has no way out: router, firewall, provider",
	"3 orange flashes":    "is the port open from there, and is the address in the device right? cyan key show, --listen-udp, --listen-tcp",
	"breathing green":     "its application turned the cloud off, or waits to be told to connect",
	"blinking yellow":     "hold nothing and press RESET to leave",
	"rainbow":             "somebody called its signal",
	"blinking magenta":    "an update is being written; do not cut its power",
	"fast blinking green": "it is getting its address, or connecting to its network",
}

// extraMeanings has what only real devices show.
var extraMeanings = map[string]string{
	"blinking magenta":    "updating its firmware",
	"fast blinking green": "on its way into its network",
	"steady dark":         "off",
}

// light is one thing that the command explains.
type light struct {
	Light    string `json:"light"`
	Meaning  string `json:"meaning"`
	NextStep string `json:"next_step,omitempty"`
}

func (c *cli) ledVerb() *cobra.Command {
	return &cobra.Command{
		Use: "led WORDS…", Short: "What a device's light means",
		Long: `Says what a device's status light means, and what to do. The words are how a
person would say it: colour, movement, and a number for single flashes. Cyan is
light blue.`,
		Example: "  cyan led breathing cyan\n  cyan led rapid cyan one red\n  cyan led blinking blue, three orange --json",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return misuse("what does the light look like?", "cyan led fast cyan one red")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			seen, err := parseLights(strings.Join(args, " "))
			if err != nil {
				return err
			}
			for _, led := range seen {
				l := explain(led)
				if c.json {
					if err := c.emit(l); err != nil {
						return err
					}
					continue
				}
				c.print("%s: %s", l.Light, l.Meaning)
				if l.NextStep != "" {
					c.print("  → %s", l.NextStep)
				}
			}
			return nil
		},
	}
}

func explain(led sim.LED) light {
	l := light{Light: led.String(), Meaning: led.Meaning()}
	if l.Meaning == "" {
		l.Meaning = extraMeanings[l.Light]
	}
	if l.Meaning == "" {
		l.Meaning = "nothing that the system of a device shows: ask the one who wrote its application"
	}
	l.NextStep = nextSteps[l.Light]
	return l
}

// fillers are words that people put between the others.
var fillers = []string{
	"light", "steady", "solid", "then", "and", "a", "flash", "flashes", "led", "with", "by", "followed", "times",
}

// parseLights reads words such as "rapid cyan one red". A colour takes what
// stands before it; a movement behind a steady colour belongs to that one.
func parseLights(text string) ([]sim.LED, error) {
	var all []sim.LED
	var next sim.LED
	for _, word := range strings.FieldsFunc(strings.ToLower(text), notInWord) {
		colour, isColour := colourWords[word]
		pattern, isPattern := patternWords[word]
		count, isCount := countWords[word]
		if n, err := strconv.Atoi(word); err == nil {
			count, isCount = n, true
		}
		switch {
		case isCount:
			next.Pattern, next.Times = sim.Flash, count
		case isPattern && next == (sim.LED{}) && len(all) > 0 && all[len(all)-1].Pattern == sim.Steady:
			all[len(all)-1].Pattern = pattern
		case isPattern && next.Pattern != sim.Flash:
			next.Pattern = max(next.Pattern, pattern) // "blinking fast"
		case isColour:
			next.Colour = colour
			if colour == sim.Dark || colour == sim.Rainbow {
				next.Pattern = sim.Steady
			}
			all = append(all, next)
			next = sim.LED{}
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

func notInWord(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') }
