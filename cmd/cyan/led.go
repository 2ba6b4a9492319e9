package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/sim"
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
	"blinking dark blue":  "give it its network (Wi-Fi) again, or hold MODE for ten seconds to make it forget; a reset leaves this mode",
	"breathing white":     "its network is off: the application turned it off, or runs without",
	"dark":                "no power, asleep, or its application took the light over",
}

// extraMeanings has what only real devices show.
var extraMeanings = map[string]string{
	"blinking magenta":    "updating its firmware",
	"fast blinking green": "on its way into its network",
	"blinking dark blue":  "listening: it waits to be set up",
	"breathing white":     "running with its network off",
	"blinking white":      "starting up",
	"steady white":        "starting up",
}

// together says what a flash means after what was seen before it. It is what
// the device has got to know, and so where to look.
var together = map[sim.LED]light{
	{Colour: sim.Red, Pattern: sim.Flash, Times: 1}: {
		Meaning: "it reached the cloud's address and port, and the handshake did not finish. Its network is fine. " +
			"Wrong keys look like this, and so does a cloud that is in trouble",
		NextStep: "cyan attempts DEVICE tells which of the two it is; do not re-key the device before",
	},
	{Colour: sim.Orange, Pattern: sim.Flash, Times: 1}: {
		Meaning:  "it reached the cloud and could not decrypt what came: one of the two has the wrong key",
		NextStep: "cyan attempts DEVICE; then its key here (cyan device provision) or the server's key in it (cyan key blob)",
	},
	{Colour: sim.Magenta, Pattern: sim.Flash, Times: 1}: {
		Meaning:  "it reached a server whose signature is not the one it expects: it holds another cloud's key, or another server answers",
		NextStep: "write this cloud's key and address to it: cyan key blob, particle keys server",
	},
	{Colour: sim.Orange, Pattern: sim.Flash, Times: 2}: {
		Meaning:  "it is in its network, and the network has no internet. The cloud has seen nothing of it, and is not to blame",
		NextStep: nextSteps["2 orange flashes"],
	},
	{Colour: sim.Orange, Pattern: sim.Flash, Times: 3}: {
		Meaning:  "it has internet, and nobody answers at the cloud's address and port: the cloud is off or not ready, a firewall is between, or the address in it is wrong",
		NextStep: nextSteps["3 orange flashes"],
	},
}

// light is one thing that the command explains.
type light struct {
	Light    string `json:"light"`
	Meaning  string `json:"meaning"`
	NextStep string `json:"next_step,omitempty"`
}

func (c *cli) ledVerb() *cobra.Command {
	var device string
	cmd := &cobra.Command{
		Use: "led WORDS", Short: "What a device's light means, and what the cloud saw",
		Long: `Says what a device's status light means, and what to do. The words are how a
person would say it: colour, movement, and a number for single flashes. Cyan is
light blue, and many call it blue; the dark blue of listening is "dark blue".

With --device it shows beside it what the cloud saw of that device's last try,
and whether the two fit together.`,
		Example: `  cyan led breathing cyan
  cyan led "rapid blue, one red"
  cyan led "rapid blue, one red" --device oven
  cyan led red sos 8
  cyan led blinking blue, three orange --json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return misuse("what does the light look like?", "cyan led fast cyan one red")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			text := strings.Join(args, " ")
			if code, ok := parseSOS(text); ok {
				return c.printLight(explainSOS(code))
			}
			seen, err := parseLights(text)
			if err != nil {
				return err
			}
			for _, l := range explained(seen) {
				if device != "" {
					l.NextStep = strings.ReplaceAll(l.NextStep, "DEVICE", device)
				}
				if err := c.printLight(l); err != nil {
					return err
				}
			}
			if device == "" {
				return nil
			}
			return c.compare(cmd.Context(), device, seen)
		},
	}
	cmd.Flags().StringVar(&device, "device", "", "show what the cloud saw of this device, by `id or name`")
	c.targetFlags(cmd)
	return cmd
}

// printLight prints an explanation.
func (c *cli) printLight(l light) error {
	if c.json {
		return c.emit(l)
	}
	c.print("%s", c.wrapped(l.Light+": "+l.Meaning, ""))
	if l.NextStep != "" {
		c.print("%s", c.wrapped("  → "+l.NextStep, "    "))
	}
	return nil
}

func explain(s seenLight) light {
	l := light{Light: s.String(), Meaning: s.Meaning()}
	if l.Meaning == "" || s.deep {
		l.Meaning = extraMeanings[l.Light]
	}
	if l.Meaning == "" {
		l.Meaning = "nothing that the system of a device shows: ask the one who wrote its application"
	}
	l.NextStep = nextSteps[l.Light]
	if s.blue && !s.deep && s.Pattern == sim.Blinking {
		l.Meaning += "; or, if it is dark blue, " + extraMeanings["blinking dark blue"]
	}
	return l
}

// explained says what each light means, and then what they mean together: the
// next step is that of the whole.
func explained(seen []seenLight) []light {
	var all []light
	for _, s := range seen {
		all = append(all, explain(s))
	}
	whole, ok := combined(seen)
	if !ok {
		return all
	}
	for i := range all {
		all[i].NextStep = ""
	}
	return append(all, whole)
}

// combined is what several lights mean together, if that is more than each
// means.
func combined(seen []seenLight) (light, bool) {
	if len(seen) < 2 || seen[0].Colour != sim.Cyan {
		return light{}, false
	}
	last := seen[len(seen)-1]
	l, ok := together[last.LED]
	if !ok {
		return light{}, false
	}
	l.Light = "together"
	return l, true
}

// panics are the codes that a crashed device blinks between two SOS.
var panics = map[int]string{
	1: "a hard fault", 2: "a fault that cannot be masked", 3: "a fault of memory management", 4: "a fault of the bus",
	5: "a fault of usage", 6: "an invalid length", 7: "exit was called", 8: "no memory left on the heap",
	9: "an error of the SPI bus over-run", 10: "an assertion that did not hold", 11: "an invalid case",
	12: "a pure virtual call", 13: "a stack that overflowed",
}

// parseSOS reads "red sos 8". The number is 0 if none was counted.
func parseSOS(text string) (code int, ok bool) {
	for _, word := range lightWords(text) {
		if word == "sos" || word == "panic" {
			ok = true
		} else if n, isNumber := number(word); isNumber {
			code = n
		}
	}
	return code, ok
}

func explainSOS(code int) light {
	l := light{
		Light: "red SOS", Meaning: "its firmware crashed",
		NextStep: "count the flashes between two SOS and say them: cyan led red sos 8; it is the device's application, not the cloud",
	}
	if what, ok := panics[code]; ok {
		l.Light += ", " + itoa(code)
		l.Meaning += ": " + what
		l.NextStep = "a fault of the device's application or system, not of the cloud: undo the last change of its firmware"
	}
	return l
}
